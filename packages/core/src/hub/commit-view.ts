import { decode } from "../codec/codec.js";
import type { Change, Commit } from "../commit.js";
import type { ChunkId, ManifestId, NodeId } from "../ids.js";
import { decodeManifest, type Manifest } from "../manifest.js";
import type { HubStore, WorkspaceRow } from "../metadata/hub-store.js";
import { MAX_DEPTH, nameKey } from "../names.js";
import { type Head, headCodec } from "../node.js";

/** What the judgement of one commit reads of the workspace: the neighbourhood of its changes, whatever the size of the rest. */
export interface CommitView {
  readonly rootNodeId: NodeId;
  /** The changed nodes, the new parents, and all their ancestors up to {@link MAX_DEPTH}. */
  readonly heads: ReadonlyMap<NodeId, Head>;
  /** Who has each (parent, name key) that a change asks for, or would fall back to; by {@link nameSlot}. */
  readonly holders: ReadonlyMap<string, NodeId>;
  /** Live children of the directories that the commit deletes or makes something else: one more than it has changes, at most. */
  readonly children: ReadonlyMap<NodeId, readonly NodeId[]>;
  /** The stored manifests that changes name without bringing them. */
  readonly manifests: ReadonlyMap<ManifestId, Manifest>;
  /** Plain length of each chunk that the workspace possesses, of those that the commit's files have. */
  readonly possessed: ReadonlyMap<ChunkId, number>;
}

/** One name among the children of one directory. */
export function nameSlot(parentId: NodeId, name: string): string {
  return `${parentId}/${nameKey(name)}`;
}

/** Manifest bytes that came inside a change, decoded; `undefined` for one that is malformed. */
export function inlineManifest(change: Change): Manifest | undefined {
  const bytes = change.kind === "put" ? change.content?.manifest : undefined;
  try {
    return bytes && decodeManifest(bytes);
  } catch {
    return undefined;
  }
}

/** Chunk ids looked up in one call of the store. */
const LOOKUP_BATCH = 8_192;

/** Reads a view in a number of store calls that depends on the depth of the tree and not on the number of changes. */
export async function loadCommitView(store: HubStore, workspace: WorkspaceRow, commit: Commit): Promise<CommitView> {
  const { workspaceId, rootNodeId } = workspace;
  const heads = await loadHeads(store, workspace, commit);

  const slots = new Map<string, { parentId: NodeId; nameKey: string }>();
  const emptied = new Set<NodeId>();
  const wanted = new Set<ManifestId>();
  const chunkIds = new Set<ChunkId>();
  for (const change of commit.changes) {
    const head = heads.get(change.nodeId);
    if (head?.content.kind === "directory" && !head.deleted && (change.kind === "delete" || change.content !== undefined)) emptied.add(change.nodeId);
    if (change.kind === "delete") continue;
    if (change.place !== undefined) {
      const { parentId, name } = change.place.place;
      slots.set(nameSlot(parentId, name), { parentId, nameKey: nameKey(name) });
    }
    if (change.content?.content.kind !== "file") continue;
    if (change.content.manifest === undefined) wanted.add(change.content.content.manifestId);
    for (const { chunkId } of inlineManifest(change) ?? []) chunkIds.add(chunkId);
  }

  const keys = [...slots.values()];
  const holderRows = await store.nodesByName(workspaceId, keys);
  const holders = new Map<string, NodeId>();
  holderRows.forEach((row, index) => {
    const key = keys[index];
    if (row !== undefined && key !== undefined) holders.set(`${key.parentId}/${key.nameKey}`, row.nodeId);
  });

  const limit = commit.changes.length + 1;
  const directories = [...emptied];
  const lists = await Promise.all(directories.map((nodeId) => store.children(workspaceId, nodeId, { limit })));
  const children = new Map(directories.map((nodeId, index) => [nodeId, lists[index] ?? []]));

  const manifests = new Map<ManifestId, Manifest>();
  const ids = [...wanted];
  const bodies = ids.length === 0 ? [] : await store.manifests(workspaceId, ids);
  for (const [index, body] of bodies.entries()) {
    if (body === undefined) continue;
    const manifest = decodeManifest(body);
    manifests.set(ids[index] as ManifestId, manifest);
    for (const { chunkId } of manifest) chunkIds.add(chunkId);
  }
  return { rootNodeId, heads, holders, children, manifests, possessed: await loadPossessed(store, workspace, [...chunkIds]) };
}

async function loadHeads(store: HubStore, { workspaceId, rootNodeId }: WorkspaceRow, commit: Commit): Promise<ReadonlyMap<NodeId, Head>> {
  const heads = new Map<NodeId, Head>();
  const asked = new Set<NodeId>([rootNodeId]);
  let next = new Set<NodeId>();
  for (const change of commit.changes) {
    next.add(change.nodeId);
    if (change.kind === "put" && change.place !== undefined) next.add(change.place.place.parentId);
  }
  // One level of the tree at a time; deeper than that is a breach whatever lies above.
  for (let level = 0; level <= MAX_DEPTH + 1; level++) {
    const ids = [...next].filter((nodeId) => !asked.has(nodeId));
    if (ids.length === 0) break;
    next = new Set();
    for (const nodeId of ids) asked.add(nodeId);
    for (const row of await store.nodes(workspaceId, ids)) {
      if (row === undefined) continue;
      heads.set(row.nodeId, decode(headCodec, row.body));
      next.add(row.parentId);
    }
  }
  return heads;
}

async function loadPossessed(store: HubStore, { workspaceId }: WorkspaceRow, chunkIds: readonly ChunkId[]): Promise<ReadonlyMap<ChunkId, number>> {
  const lengths = new Map<ChunkId, number>();
  for (let at = 0; at < chunkIds.length; at += LOOKUP_BATCH) {
    for (const [chunkId, lengthBytes] of await store.possessed(workspaceId, chunkIds.slice(at, at + LOOKUP_BATCH))) lengths.set(chunkId, lengthBytes);
  }
  return lengths;
}
