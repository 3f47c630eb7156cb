import { createInProcessBus } from "../bus/in-process-bus.js";
import { MAX_COMMIT_CHANGES } from "../commit.js";
import { TwinfoldError } from "../errors.js";
import { type NodeId, randomId, type WorkspaceId } from "../ids.js";
import { type Epoch, firstChain, MAX_DEVICE_NAME_BYTES } from "../journal.js";
import { MAX_BATCH_BYTES } from "../storage/frame.js";
import { createPackStore } from "../storage/pack-store.js";
import { helloHash } from "../transport/messages.js";
import type { Feature } from "../transport/transport.js";
import { createCallGate } from "./call-gate.js";
import { createCommitWorker } from "./commit-worker.js";
import { createDrafts } from "./drafts.js";
import { createFeed } from "./feed.js";
import type { Hub, HubOptions } from "./hub.js";
import { createHubCounters } from "./hub-counters.js";
import { createSession } from "./session.js";
import { createTransfer } from "./transfer.js";
import { createWaiter } from "./waiter.js";

const DEFAULT_MAX_FILE_BYTES = 10 * 1024 ** 3;
/** Below the minute after which proxies commonly give up on a silent connection. */
const DEFAULT_MAX_WAIT_MS = 55_000;

const FEATURES: readonly Feature[] = ["deflate", "delta", "unverified", "drafts"];

/** Makes the authority over `store` and `blobs`, which stay the caller's to close. */
export function createHub(options: HubOptions): Hub {
  const {
    blobs,
    store,
    env,
    bus = createInProcessBus(),
    maxFileBytes = DEFAULT_MAX_FILE_BYTES,
    maxWaitMs = DEFAULT_MAX_WAIT_MS,
    onDamage = () => {},
  } = options;
  const counters = createHubCounters();
  const gate = createCallGate();
  const stopServing = bus.serve(createCommitWorker({ store, bus, env, maxFileBytes, counters }));
  const drafts = createDrafts({ store, bus, env, counters });
  const hello = { features: FEATURES, maxFileBytes, maxBatchBytes: MAX_BATCH_BYTES, maxCommitChanges: MAX_COMMIT_CHANGES };
  const parts = {
    store,
    bus,
    gate,
    maxWaitMs,
    hello,
    ownHelloHash: helloHash(hello, env.sha256),
    feed: createFeed(store, env.sha256),
    drafts,
    transfer: createTransfer({ store, packs: createPackStore({ blobs, store, env }), env, counters, onDamage }),
    wait: createWaiter({ store, bus, env, counters, newsOf: drafts.news }),
  };

  return {
    createWorkspace: (owner) =>
      gate.call(undefined, async () => {
        const workspaceId = randomId<WorkspaceId>(env);
        const epoch: Epoch = randomId<WorkspaceId>(env);
        const row = {
          workspaceId,
          rootNodeId: workspaceId as string as NodeId,
          epoch,
          stamp: 0,
          headSeq: 0,
          chain: firstChain(epoch, env.sha256),
          compactedBelow: 0,
        };
        if ((await store.createWorkspace(row, owner)) === "created") return workspaceId;
        throw new TwinfoldError("ERR_ALREADY_EXISTS", `the random id ${workspaceId} is taken: the random numbers of this machine repeat`);
      }),
    session: (principal) => createSession(parts, { ...principal, deviceName: withinBytes(principal.deviceName, MAX_DEVICE_NAME_BYTES) }),
    counters,
    async close() {
      await gate.close();
      stopServing();
      if (options.bus === undefined) await bus.close();
    },
  };
}

/** `text`, without the code points at its end that do not fit in `maxBytes` of UTF-8. */
function withinBytes(text: string, maxBytes: number): string {
  return new TextDecoder().decode(new TextEncoder().encode(text).subarray(0, maxBytes), { stream: true });
}
