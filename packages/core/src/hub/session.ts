import { decode, encode } from "../codec/codec.js";
import { commitAnswerCodec, MAX_COMMIT_BYTES } from "../commit.js";
import type { Bus } from "../bus/bus.js";
import { TwinfoldError } from "../errors.js";
import type { ReplicaId, WorkspaceId } from "../ids.js";
import type { HubStore } from "../metadata/hub-store.js";
import { MAX_WORKSPACES, outcomesCodec } from "../transport/messages.js";
import type { ChangesAnswer, ChangesQuery, CommitOutcome, Hello, Transport } from "../transport/transport.js";
import { createAccess } from "./access.js";
import type { CallGate } from "./call-gate.js";
import { type WorkRequest, workRequestCodec } from "./commit-worker.js";
import type { createDrafts } from "./drafts.js";
import type { createFeed } from "./feed.js";
import type { Principal } from "./hub.js";
import type { createTransfer } from "./transfer.js";
import type { createWaiter } from "./waiter.js";

/** The parts of a hub that all sessions share. */
export interface HubParts {
  readonly store: HubStore;
  readonly bus: Bus;
  readonly hello: Hello;
  /** Of `hello`, as `helloHash` gives it. */
  readonly ownHelloHash: string;
  readonly maxWaitMs: number;
  readonly gate: CallGate;
  readonly feed: ReturnType<typeof createFeed>;
  readonly drafts: ReturnType<typeof createDrafts>;
  readonly transfer: ReturnType<typeof createTransfer>;
  readonly wait: ReturnType<typeof createWaiter>;
}

/** The operations of one device: permission first, then the part of the hub that does it. */
export function createSession(parts: HubParts, principal: Principal): Transport {
  const { store, bus, hello, ownHelloHash, maxWaitMs, gate, feed, drafts, transfer, wait } = parts;
  const access = createAccess(store, principal.accountId);

  const work = (workspaceId: WorkspaceId, request: WorkRequest): Promise<Uint8Array> => bus.request(workspaceId, encode(workRequestCodec, request));

  async function outcomes(workspaceId: WorkspaceId, replicaId: ReplicaId, counters: readonly number[]): Promise<readonly CommitOutcome[]> {
    if (counters.length === 0) return [];
    return decode(outcomesCodec, await work(workspaceId, { kind: "outcomes", principal, replicaId, counters }));
  }

  async function changesOf({ workspaceId, replicaId, cursor, highest, inDoubt }: ChangesQuery): Promise<ChangesAnswer> {
    if ((await access.role(workspaceId)) === undefined) return { kind: "gone" };
    return feed.changes(workspaceId, { cursor, highest }, await outcomes(workspaceId, replicaId, inDoubt));
  }

  return {
    hello: (options) => gate.call(options, async () => hello),

    changes: (request, options) =>
      gate.call(options, async () => {
        checkCount(request.workspaces.length);
        const workspaces: ChangesAnswer[] = [];
        for (const query of request.workspaces) workspaces.push(await changesOf(query));
        return { hello: request.helloHash === ownHelloHash ? undefined : hello, workspaces };
      }),

    outcomes: ({ workspaceId, replicaId, counters }, options) =>
      gate.call(options, async () => {
        await access.mustRead(workspaceId);
        return outcomes(workspaceId, replicaId, counters);
      }),

    wait: ({ workspaces, timeoutMs, drafts: known = [] }, options) =>
      gate.call(options, async (signal) => {
        checkCount(workspaces.length);
        checkCount(known.length);
        await Promise.all([...workspaces, ...known].map(({ workspaceId }) => access.mustRead(workspaceId)));
        return wait({ workspaces, drafts: known, timeoutMs: Math.min(timeoutMs, maxWaitMs) }, signal);
      }),

    heads: (request, options) => gate.call(options, () => access.mustRead(request.workspaceId).then(() => feed.heads(request))),

    manifests: (request, options) => gate.call(options, () => access.mustRead(request.workspaceId).then(() => feed.manifests(request))),

    versions: (request, options) => gate.call(options, () => access.mustRead(request.workspaceId).then(() => feed.versions(request))),

    missing: ({ workspaceId, chunkIds }, options) =>
      gate.call(options, () => access.mustRead(workspaceId).then(() => transfer.missing(workspaceId, chunkIds))),

    draft: (request, options) => gate.call(options, () => access.mustWrite(request.workspaceId).then(() => drafts.grow(request))),

    upload: ({ workspaceId, frames }, options) =>
      gate.call(options, async () => {
        await access.mustWrite(workspaceId);
        return transfer.upload(workspaceId, frames, options?.signal);
      }),

    sketches: (request, options) =>
      gate.call(options, () => access.mustRead(request.workspaceId).then(() => transfer.sketches(request, options?.signal))),

    async *download(request, options) {
      await gate.call(options, () => access.mustRead(request.workspaceId));
      for await (const frame of transfer.download(request, options?.signal)) {
        yield frame;
        gate.check(options);
      }
    },

    commit: ({ workspaceId, commit, cursor }, options) =>
      gate.call(options, async () => {
        if (commit.length > MAX_COMMIT_BYTES) {
          throw new TwinfoldError(
            "ERR_TOO_LARGE",
            `a commit of ${commit.length} bytes, where ${MAX_COMMIT_BYTES} are allowed; send its changes in several`,
          );
        }
        await access.mustRead(workspaceId);
        return decode(commitAnswerCodec, await work(workspaceId, { kind: "commit", principal, commit, cursor }));
      }),
  };
}

function checkCount(workspaces: number): void {
  if (workspaces > MAX_WORKSPACES) {
    throw new TwinfoldError("ERR_TOO_LARGE", `${workspaces} workspaces in one request, where ${MAX_WORKSPACES} are allowed; ask in several`);
  }
}
