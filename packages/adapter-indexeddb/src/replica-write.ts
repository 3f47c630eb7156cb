import type { NodeId, ReplicaBatch, ReplicaRow, WorkspaceId } from "@twinfold/core";
import { keysUnder, type ReplicaSchema, type StoredWorkspace } from "./replica-format.js";
import { send, type Writing } from "./store-database.js";

type ReplicaWriting = Writing<ReplicaSchema>;

/** Writes one batch inside the caller's transaction. */
export async function writeBatch(transaction: ReplicaWriting, workspaceId: WorkspaceId, batch: ReplicaBatch): Promise<void> {
  const { put, remove, manifests, looks, state, outboxPut, outboxRemove } = ownCopy(batch);
  const { workspace, ...found } = await mustGetWorkspace(transaction, workspaceId);
  const tally = { ...found };
  const nodes = transaction.objectStore("nodes");
  const before = await rowsOf(transaction, workspace, [...remove, ...put.map(({ nodeId }) => nodeId)]);
  /** Directories whose looks are to be forgotten. */
  const changed = new Set<NodeId>();

  for (const nodeId of remove) {
    const row = before.get(nodeId);
    if (row === undefined) continue;
    tally.nodes--;
    if (row.turn !== undefined) tally.dirty--;
    if (row.parentId !== undefined) changed.add(row.parentId).add(nodeId);
    before.delete(nodeId);
    send(nodes.delete([workspace, nodeId]));
  }
  for (const { dirty, ...row } of put) {
    const known = before.get(row.nodeId);
    const parentId = row.local?.parentId;
    const turn = dirty ? (known?.turn ?? tally.nextTurn++) : undefined;
    if (known === undefined) tally.nodes++;
    tally.dirty += Number(dirty) - Number(known?.turn !== undefined);
    for (const directory of [parentId, known?.parentId]) if (directory !== undefined) changed.add(directory);
    if (known?.parentId !== undefined && parentId === undefined) changed.add(row.nodeId);
    before.set(row.nodeId, { turn, parentId });
    send(nodes.put({ ...row, workspace, ...(turn !== undefined && { turn }) }));
  }
  for (const nodeId of changed) send(transaction.objectStore("looks").delete([workspace, nodeId]));
  for (const { nodeId, body } of looks) send(transaction.objectStore("looks").put(body, [workspace, nodeId]));
  for (const { manifestId, body } of manifests) send(transaction.objectStore("manifests").put(body, [workspace, manifestId]));
  for (const counter of outboxRemove) send(transaction.objectStore("outbox").delete([workspace, counter]));
  for (const { counter, body } of outboxPut) send(transaction.objectStore("outbox").put(body, [workspace, counter]));
  send(transaction.objectStore("workspaces").put({ ...tally, workspace, ...(state && { state }) }));
}

/** Forgets a workspace inside the caller's transaction. */
export async function removeWorkspace(transaction: ReplicaWriting, workspaceId: WorkspaceId): Promise<void> {
  const workspaces = transaction.objectStore("workspaces");
  const workspace = await workspaces.index("byId").getKey(workspaceId);
  if (workspace === undefined) return;
  for (const name of ["nodes", "manifests", "looks", "outbox"] as const) send(transaction.objectStore(name).delete(keysUnder(workspace)));
  send(workspaces.delete(workspace));
}

/** The workspace's row, made when there is none. */
async function mustGetWorkspace(transaction: ReplicaWriting, workspaceId: WorkspaceId): Promise<StoredWorkspace & { readonly workspace: number }> {
  const workspaces = transaction.objectStore("workspaces");
  const found = await workspaces.index("byId").get(workspaceId);
  const row = found ?? { workspaceId, nodes: 0, dirty: 0, nextTurn: 1 };
  return { ...row, workspace: row.workspace ?? (await workspaces.add(row)) };
}

interface RowBefore {
  /** Absent of a clean row. */
  readonly turn: number | undefined;
  /** In the local tree. */
  readonly parentId: NodeId | undefined;
}

/** What was written before, of those nodes that have a row. */
async function rowsOf(transaction: ReplicaWriting, workspace: number, nodeIds: readonly NodeId[]): Promise<Map<NodeId, RowBefore>> {
  const nodes = transaction.objectStore("nodes");
  const rows = await Promise.all([...new Set(nodeIds)].map((nodeId) => nodes.get([workspace, nodeId])));
  return new Map(rows.flatMap((row) => (row === undefined ? [] : [[row.nodeId, { turn: row.turn, parentId: row.local?.parentId }]])));
}

/** The batch with arrays of the store's own, taken before the first await: the caller may go on using theirs. */
function ownCopy({ put = [], remove = [], manifests = [], looks = [], state, outboxPut = [], outboxRemove = [] }: ReplicaBatch) {
  return {
    put: put.map(ownRow),
    remove: [...remove],
    manifests: manifests.map(({ manifestId, body }) => ({ manifestId, body: ownBytes(body) })),
    looks: looks.map(({ nodeId, body }) => ({ nodeId, body: ownBytes(body) })),
    state: state && ownBytes(state),
    outboxPut: outboxPut.map(({ counter, body }) => ({ counter, body: ownBytes(body) })),
    outboxRemove: [...outboxRemove],
  };
}

function ownRow({ nodeId, body, dirty, local, remote }: ReplicaRow): ReplicaRow {
  return { nodeId, body: ownBytes(body), dirty, ...(local && { local: { ...local } }), ...(remote && { remote: { ...remote } }) };
}

/** A plain array, alone in its buffer: IndexedDB stores the whole buffer of an array. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  const own = new Uint8Array(bytes.length);
  own.set(bytes);
  return own;
}
