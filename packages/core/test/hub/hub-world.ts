import {
  type AccountId,
  type Change,
  chunkIdOf,
  type Commit,
  type CommitAnswer,
  type Content,
  createHub,
  createMemoryBlobStore,
  createMemoryHubStore,
  type DeviceId,
  encodeCommit,
  encodeManifest,
  type Env,
  type Frame,
  type Manifest,
  manifestIdOf,
  type MemoryHubStore,
  type NodeId,
  type NodeName,
  nobleSha256,
  type Principal,
  type ReplicaId,
  type Transport,
  type VersionVector,
  type WorkspaceId,
} from "@twinfold/core";

export const EMPTY: VersionVector = new Map();

export function hexId<T extends string>(seed: string, n: number): T {
  return (seed + n.toString(16)).padStart(32, "0") as T;
}
export const nodeId = (n: number): NodeId => hexId<NodeId>("a", n);
export const replicaId = (n: number): ReplicaId => hexId<ReplicaId>("b", n);
export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** An Env that runs from a counter; its sleep ends only by its signal. */
export function testEnv(): Env {
  let random = 0;
  return {
    nowMs: () => 1_000,
    monotonicMs: () => 0,
    randomBytes: (length) => {
      random += 1;
      return nobleSha256(bytesOf(`random ${random}`)).slice(0, length);
    },
    sleep: (_ms, signal) =>
      new Promise((_resolve, reject) => {
        if (signal?.aborted) reject(signal.reason as Error);
        signal?.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
      }),
    sha256: nobleSha256,
    bootId: "boot",
  };
}

export function principal(n: number, account = n): Principal {
  return { accountId: hexId<AccountId>("c", account), deviceId: hexId<DeviceId>("d", n), deviceName: `device ${n}` };
}

/** A hub over stores in memory, with one workspace owned by account 1. */
export async function openWorld(store: MemoryHubStore = createMemoryHubStore()) {
  const env = testEnv();
  const blobs = createMemoryBlobStore();
  const hub = createHub({ blobs, store, env });
  const workspaceId = await hub.createWorkspace(principal(1).accountId);
  return { env, blobs, store, hub, workspaceId, root: workspaceId as string as NodeId, session: hub.session(principal(1)) };
}

export function frameOf(bytes: Uint8Array): Frame {
  return { chunkId: chunkIdOf(bytes, nobleSha256), codec: "plain", plainBytes: bytes.length, payload: bytes };
}

export function fileOf(...chunks: Uint8Array[]): { content: Content; manifest: Uint8Array } {
  const entries: Manifest = chunks.map((chunk) => ({ chunkId: chunkIdOf(chunk, nobleSha256), lengthBytes: chunk.length }));
  const manifest = encodeManifest(entries);
  const sizeBytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  return { content: { kind: "file", manifestId: manifestIdOf(manifest, nobleSha256), sizeBytes, executable: false, mtimeNs: 0n }, manifest };
}

export const DIRECTORY: Content = { kind: "directory" };
export const EMPTY_FILE = fileOf();

export function create(id: NodeId, parentId: NodeId, name: string, { content, manifest }: { content: Content; manifest?: Uint8Array } = EMPTY_FILE): Change {
  return { kind: "put", nodeId: id, place: { place: { parentId, name: name as NodeName }, base: EMPTY }, content: { content, base: EMPTY, manifest } };
}

export function createDirectory(id: NodeId, parentId: NodeId, name: string): Change {
  return create(id, parentId, name, { content: DIRECTORY });
}

export function move(id: NodeId, parentId: NodeId, name: string, base: VersionVector): Change {
  return { kind: "put", nodeId: id, place: { place: { parentId, name: name as NodeName }, base } };
}

export function edit(id: NodeId, file: { content: Content; manifest?: Uint8Array }, base: VersionVector): Change {
  return { kind: "put", nodeId: id, content: { ...file, base } };
}

export function remove(id: NodeId, placeBase: VersionVector, contentBase: VersionVector = placeBase): Change {
  return { kind: "delete", nodeId: id, placeBase, contentBase };
}

export async function commit(
  session: Transport,
  workspaceId: WorkspaceId,
  replica: ReplicaId,
  counter: number,
  changes: readonly Change[],
): Promise<CommitAnswer> {
  const value: Commit = { replicaId: replica, counter, changes };
  return session.commit({ workspaceId, commit: encodeCommit(value) });
}

/** The verdicts of an executed commit as `place/content`. */
export function verdictsOf(answer: CommitAnswer): string[] {
  if (answer.kind !== "done") throw new Error(`answered ${answer.kind}`);
  return answer.verdicts.map(({ place, content }) => `${place}/${content}`);
}
