import {
  type AccountId,
  createHub,
  createLoopbackTransport,
  createMemoryBlobStore,
  createMemoryHubStore,
  createMemoryLocalTree,
  createMemoryReplicaStore,
  createReplica,
  type DeviceId,
  isTwinfoldError,
  type MemoryLocalTree,
  randomId,
  type Replica,
  type SyncOptions,
  type SyncReport,
  TwinfoldError,
} from "@twinfold/core";
import { createRandom } from "../simulator/random.js";
import { type Fate, flakyTransport } from "./flaky-transport.js";
import { createVirtualEnv } from "./virtual-env.js";

/** Rounds of syncs after which devices that still have something to do never come to rest. */
const MAX_ROUNDS = 50;
/** Longest time that passes in one `stir`, in ms. */
const MAX_PAUSE_MS = 60_000;

export interface FakeCloudOptions {
  /** Everything that is left to chance follows from it, so that a run that failed can be repeated. @default 1 */
  readonly seed?: number | undefined;
  /** The chance that one request, or its answer, is lost: from 0 to below 1. @default 0 */
  readonly flaky?: number | undefined;
}

/** One device, with the folder in which the app under test works. */
export interface SyncClient {
  readonly name: string;
  readonly folder: MemoryLocalTree;
  /**
   * One pass. `undefined`: the network stood in the way, and what was under way is left half-done; a later pass goes on from there.
   *
   * @throws {TwinfoldError} what a replica's `sync` throws for another reason than the network.
   */
  sync(): Promise<SyncReport | undefined>;
}

/** A workspace with its hub and as many devices as are named, all in memory, on a virtual clock: with it an app is tested against sync at its worst. */
export interface FakeCloud {
  /** The device of that name: a new one with an empty folder when it is first named. */
  client(name: string): SyncClient;
  /** From now on that device reaches nothing. */
  offline(name: string): void;
  online(name: string): void;
  /** A moment between two steps of the app: some time passes, and some of the devices make a pass, as the seed wills. */
  stir(): Promise<void>;
  /**
   * Two devices that nobody watches change the file at `path` at the same time, to `contents`; by default a line feed is added, and two.
   * The first one stands, and a conflict copy of the second comes to every device that syncs.
   *
   * @throws {TwinfoldError} `ERR_NOT_FOUND` when no such file has reached the cloud.
   */
  conflict(path: string, contents?: readonly [string | Uint8Array, string | Uint8Array]): Promise<void>;
  /**
   * The network is sound again, every device comes back, and all sync until none has anything left to do; removals that wait for a yes get it.
   *
   * @throws {Error} when they do not come to rest.
   */
  settle(): Promise<void>;
}

/** @throws {TwinfoldError} `ERR_INVALID_ARGUMENT` for a chance that is none. */
export function fakeCloud({ seed = 1, flaky = 0 }: FakeCloudOptions = {}): FakeCloud {
  if (!(flaky >= 0 && flaky < 1)) {
    throw new TwinfoldError("ERR_INVALID_ARGUMENT", `flaky is a chance from 0 to below 1, got ${flaky}`);
  }
  const env = createVirtualEnv(seed);
  const random = createRandom(seed);
  const chance = random.stream("stir");
  const hub = createHub({ blobs: createMemoryBlobStore(), store: createMemoryHubStore(), env });
  const accountId = randomId<AccountId>(env);
  const workspace = hub.createWorkspace(accountId);
  const devices = new Map<string, SyncClient & { offline: boolean; pass(options?: SyncOptions): Promise<SyncReport> }>();
  let sound = false;

  function addDevice(deviceName: string, nextFate: () => Fate) {
    const folder = createMemoryLocalTree({ env });
    const transport = flakyTransport(createLoopbackTransport(hub, { accountId, deviceId: randomId<DeviceId>(env), deviceName }), nextFate);
    let replica: Promise<Replica> | undefined;
    const open = async (): Promise<Replica> =>
      createReplica({ workspaceId: await workspace, tree: folder, store: createMemoryReplicaStore(), transport, env, deviceName });
    const pass = async (options?: SyncOptions): Promise<SyncReport> => {
      replica ??= open();
      return (await replica).sync(options);
    };
    return { folder, pass };
  }

  function device(name: string) {
    const known = devices.get(name);
    if (known !== undefined) return known;
    const luck = random.stream(`network of ${name}`);
    const { folder, pass } = addDevice(name, () => {
      if (made.offline) return "request-lost";
      if (sound || !luck.chance(flaky)) return "arrives";
      return luck.chance(0.5) ? "request-lost" : "answer-lost";
    });
    const made = { name, folder, pass, offline: false, sync: () => unlessUnreachable(pass()) };
    devices.set(name, made);
    return made;
  }

  /** Every device once. True when none had anything to do. */
  async function round(): Promise<boolean> {
    let quiet = true;
    for (const { pass } of devices.values()) quiet = isQuiet(await pass({ confirm: true })) && quiet;
    return quiet;
  }

  return {
    client: device,
    offline(name) {
      device(name).offline = true;
    },
    online(name) {
      device(name).offline = false;
    },
    async stir() {
      await env.sleep(chance.int(MAX_PAUSE_MS));
      const waiting = [...devices.values()];
      while (waiting.length > 0) {
        const [next] = waiting.splice(chance.int(waiting.length), 1);
        if (chance.chance(0.5)) await next?.sync();
      }
    },
    async conflict(path, contents) {
      const [first, second] = ["another device", "a third device"].map((name) => addDevice(name, () => "arrives"));
      if (first === undefined || second === undefined) return;
      for (const { pass } of [first, second]) await pass();
      const present = first.folder.files().get(path);
      if (present?.kind !== "file") {
        throw new TwinfoldError(
          "ERR_NOT_FOUND",
          `no file ${JSON.stringify(path)} has reached the fake cloud: sync the device that wrote it, then make the conflict`,
        );
      }
      const [mine, theirs] = contents ?? [appended(present.bytes, "\n"), appended(present.bytes, "\n\n")];
      first.folder.write(path, mine);
      second.folder.write(path, theirs);
      for (const { pass } of [first, second]) await pass();
    },
    async settle() {
      sound = true;
      for (const each of devices.values()) each.offline = false;
      try {
        for (let rounds = 1; !(await round()); rounds++) {
          if (rounds === MAX_ROUNDS) throw new Error(`the devices of the fake cloud with seed ${seed} do not come to rest in ${MAX_ROUNDS} rounds`);
        }
      } finally {
        sound = false;
      }
    },
  };
}

async function unlessUnreachable(syncing: Promise<SyncReport>): Promise<SyncReport | undefined> {
  try {
    return await syncing;
  } catch (error) {
    if (isTwinfoldError(error) && error.code === "ERR_UNREACHABLE") return undefined;
    throw error;
  }
}

function isQuiet({ inSync, filesUploaded, filesDownloaded, filesDeleted, moved, conflicts }: SyncReport): boolean {
  return inSync && filesUploaded + filesDownloaded + filesDeleted + moved + conflicts === 0;
}

function appended(bytes: Uint8Array, text: string): Uint8Array {
  return Uint8Array.from([...bytes, ...new TextEncoder().encode(text)]);
}
