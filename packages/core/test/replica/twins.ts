import { createHash } from "node:crypto";
import {
  type AccountId,
  createHub,
  createLoopbackTransport,
  createMemoryBlobStore,
  createMemoryHubStore,
  createMemoryLocalTree,
  createMemoryReplicaStore,
  createReplica,
  type ConflictResolver,
  type DeviceId,
  type Env,
  type Hub,
  type HubStore,
  type LocalTree,
  type MemoryEntry,
  type MemoryHubSnapshot,
  type MemoryLocalTree,
  type NameRules,
  type Replica,
  type ReplicaBatch,
  type ReplicaStore,
  type ScopeOptions,
  type SyncReport,
  type Transport,
  type WorkspaceId,
} from "@twinfold/core";

/** An Env whose time is a counter: a sleep moves it on, and nothing waits. */
export function virtualEnv(seed = 1): Env {
  let ms = Date.UTC(2026, 0, 1);
  let draws = 0;
  return {
    nowMs: () => ms,
    monotonicMs: () => ms,
    randomBytes: (length) => {
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length; at += 32) {
        const block = createHash("sha256").update(`${seed}:${draws++}`).digest();
        bytes.set(block.subarray(0, Math.min(32, length - at)), at);
      }
      return bytes;
    },
    sleep: async (forMs, signal) => {
      signal?.throwIfAborted();
      ms += forMs;
      await Promise.resolve();
      signal?.throwIfAborted();
    },
    sha256: (bytes) => new Uint8Array(createHash("sha256").update(bytes).digest()),
    bootId: "boot",
  };
}

export interface Device {
  readonly name: string;
  readonly tree: MemoryLocalTree;
  readonly store: ReplicaStore;
  readonly transport: Transport;
  replica: Replica;
  sync(): Promise<SyncReport>;
  /** The process is killed and started again, to hold as much as before or as is said: only what is durable is left. */
  restart(scope?: ScopeOptions): Promise<void>;
}

/** What a hub and its devices have durable. Folders are not in it: whoever opens twins from it makes them as they were. */
export interface TwinsMemory {
  readonly atMs: number;
  readonly hub: MemoryHubSnapshot;
  readonly blobs: ReadonlyMap<string, Uint8Array>;
  readonly workspaceId: WorkspaceId;
  /** By device, all that was written to its metadata. */
  readonly written: ReadonlyArray<readonly ReplicaBatch[]>;
}

export interface Twins {
  readonly env: Env;
  readonly hub: Hub;
  /** A copy of all that the hub has durable now; `restoreHub` puts it back, with no word to anyone. */
  backUpHub(): MemoryHubSnapshot;
  restoreHub(backup: MemoryHubSnapshot): void;
  remember(): TwinsMemory;
  readonly workspaceId: WorkspaceId;
  readonly devices: readonly Device[];
  /** Syncs all devices in turn until none has anything left to do. */
  settle(): Promise<void>;
}

export interface TwinsOptions {
  /** Goes on where other twins were. */
  readonly from?: TwinsMemory | undefined;
  /** Makes each folder before anything is opened on it. */
  readonly plant?: ((tree: MemoryLocalTree) => void) | undefined;
  readonly seed?: number;
  readonly resolve?: ConflictResolver;
  /** What some devices hold. */
  readonly scopes?: Readonly<Record<string, ScopeOptions>>;
  /** How far the clocks of some devices are ahead. */
  readonly skewMs?: Readonly<Record<string, number>>;
  /** What the disks of some devices do with names. */
  readonly names?: Readonly<Record<string, Partial<NameRules>>>;
  readonly wrapTransport?: (transport: Transport, device: string) => Transport;
  readonly wrapTree?: (tree: MemoryLocalTree, device: string) => LocalTree;
  readonly wrapHubStore?: (store: HubStore) => HubStore;
}

export async function createTwins(
  names: readonly string[],
  {
    from,
    plant = () => {},
    seed = 1,
    resolve,
    scopes = {},
    skewMs = {},
    names: disks = {},
    wrapTransport = (transport) => transport,
    wrapTree = (tree) => tree,
    wrapHubStore = (store) => store,
  }: TwinsOptions = {},
): Promise<Twins> {
  const env = virtualEnv(from === undefined ? seed : -seed); // ids that those before have not had
  const blobs = createMemoryBlobStore({ from: from?.blobs });
  let hubStore = createMemoryHubStore({ from: from?.hub });
  const openHub = () => createHub({ blobs, store: wrapHubStore(hubStore), env });
  let hub = openHub();
  const accountId = "a".repeat(32) as AccountId;
  const workspaceId = from?.workspaceId ?? (await hub.createWorkspace(accountId));
  const devices: Device[] = [];
  const written: ReplicaBatch[][] = [];
  for (const [index, name] of names.entries()) {
    const ownEnv = { ...env, nowMs: () => env.nowMs() + (skewMs[name] ?? 0) };
    const tree = createMemoryLocalTree({ env: ownEnv, names: disks[name] });
    plant(tree);
    const store = await recordingStore(workspaceId, from?.written[index]);
    written.push(store.written);
    const principal = { accountId, deviceId: `${index}`.repeat(32).slice(0, 32) as DeviceId, deviceName: name };
    const transport = wrapTransport(
      toWhicheverHub(() => createLoopbackTransport(hub, principal)),
      name,
    );
    let scope = scopes[name] ?? {};
    const open = () => createReplica({ workspaceId, tree: wrapTree(tree, name), store, transport, env: ownEnv, deviceName: name, resolve, ...scope });
    const device: Device = {
      name,
      tree,
      store,
      transport,
      replica: await open(),
      sync: () => device.replica.sync(),
      restart: async (next) => {
        scope = next ?? scope;
        device.replica = await open();
      },
    };
    devices.push(device);
  }
  if (from !== undefined) await env.sleep(from.atMs - env.nowMs());
  return {
    env,
    get hub() {
      return hub;
    },
    backUpHub: () => hubStore.snapshot(),
    restoreHub(backup) {
      hubStore = createMemoryHubStore({ from: backup });
      hub = openHub();
    },
    remember: () => ({
      atMs: env.nowMs(),
      hub: hubStore.snapshot(),
      blobs: blobs.snapshot(),
      workspaceId,
      written: written.map((batches) => [...batches]),
    }),
    workspaceId,
    devices,
    async settle() {
      for (let round = 0, quiet = 0; quiet < devices.length; round++) {
        if (round > 50) throw new Error("the devices do not come to rest");
        const before = devices.map((device) => describe(device.tree));
        for (const device of devices) await device.sync();
        const after = devices.map((device) => describe(device.tree));
        quiet = before.every((text, index) => text === after[index]) && new Set(after).size === 1 ? devices.length : 0;
        if (round > 10 && quiet === 0 && before.every((text, index) => text === after[index])) {
          throw new Error(
            `the devices stay apart:\n${after.join("\n---\n")}\n${JSON.stringify(await Promise.all(devices.map((device) => device.replica.status())))}`,
          );
        }
      }
    },
  };
}

/** A store that keeps all that is written to it, beginning with `before`. */
async function recordingStore(
  workspaceId: WorkspaceId,
  before: readonly ReplicaBatch[] = [],
): Promise<ReplicaStore & { readonly written: ReplicaBatch[] }> {
  const store = createMemoryReplicaStore();
  for (const batch of before) await store.write(workspaceId, batch);
  const written = [...before];
  return {
    ...store,
    written,
    async write(workspace, batch) {
      await store.write(workspace, batch);
      written.push(batch);
    },
  };
}

/** Asks for the transport at every call: the hub behind it may be another one by then. */
function toWhicheverHub(current: () => Transport): Transport {
  const names = Object.keys(current()) as Array<keyof Transport>;
  const forward =
    (name: keyof Transport) =>
    (...args: unknown[]) =>
      (current()[name] as (...all: unknown[]) => unknown)(...args);
  return Object.fromEntries(names.map((name) => [name, forward(name)])) as unknown as Transport;
}

/** Everything in a tree that has to be the same on every device, as text. */
export function describe(tree: MemoryLocalTree): string {
  return [...tree.files()].map(([path, entry]) => `${path}: ${describeEntry(entry)}`).join("\n");
}

function describeEntry(entry: MemoryEntry): string {
  if (entry.kind === "file") return `${entry.executable ? "executable" : "file"} ${textOf(entry)}`;
  return entry.kind === "symlink" ? `-> ${entry.target}` : entry.kind;
}

export function textOf(entry: MemoryEntry | undefined): string | undefined {
  return entry?.kind === "file" ? new TextDecoder().decode(entry.bytes) : undefined;
}

/** Paths and texts of the files in a tree. */
export function texts(tree: MemoryLocalTree): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [path, entry] of tree.files()) {
    const text = textOf(entry);
    if (text !== undefined) found[path] = text;
  }
  return found;
}
