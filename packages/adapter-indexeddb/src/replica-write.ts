import type { NodeId, ReplicaBatch, ReplicaRow, WorkspaceId } from "@twinfold/core";
import { keysUnder, type ReplicaSchema, type StoredWorkspace } from "./replica-format.js";
import { send, type Writing } from "./store-database.js";

type ReplicaWriting = Writing<ReplicaSchema>;

/** Writes one batch inside the caller's transaction. */
export async function writeBatch(transaction: ReplicaWriting, workspaceId: WorkspaceId, batch: ReplicaBatch): Promise<void> {
  const { put, remove, manifests, state, outboxPut, outboxRemove } = ownCopy(batch);
  const { workspace, ...found } = await mustGetWorkspace(transaction, workspaceId);
  const tally = { ...found };
  const nodes = transaction.objectStore("nodes");
  const turns = await turnsOf(transaction, workspace, [...remove, ...put.map(({ nodeId }) => nodeId)]);

  for (const nodeId of remove) {
    if (!turns.has(nodeId)) continue;
    tally.nodes--;
    if (turns.get(nodeId) !== undefined) tally.dirty--;
    turns.delete(nodeId);
    send(nodes.delete([workspace, nodeId]));
  }
  for (const { dirty, ...row } of put) {
    const turn = dirty ? (turns.get(row.nodeId) ?? tally.nextTurn++) : undefined;
    if (!turns.has(row.nodeId)) tally.nodes++;
    tally.dirty += Number(dirty) - Number(turns.get(row.nodeId) !== undefined);
    turns.set(row.nodeId, turn);
    send(nodes.put({ ...row, workspace, ...(turn !== undefined && { turn }) }));
  }
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
  for (const name of ["nodes", "manifests", "outbox"] as const) send(transaction.objectStore(name).delete(keysUnder(workspace)));
  send(workspaces.delete(workspace));
}

/** The workspace's row, made when there is none. */
async function mustGetWorkspace(transaction: ReplicaWriting, workspaceId: WorkspaceId): Promise<StoredWorkspace & { readonly workspace: number }> {
  const workspaces = transaction.objectStore("workspaces");
  const found = await workspaces.index("byId").get(workspaceId);
  const row = found ?? { workspaceId, nodes: 0, dirty: 0, nextTurn: 1 };
  return { ...row, workspace: row.workspace ?? (await workspaces.add(row)) };
}

/** The turns of those nodes that have a row; `undefined` for a clean one. */
async function turnsOf(transaction: ReplicaWriting, workspace: number, nodeIds: readonly NodeId[]): Promise<Map<NodeId, number | undefined>> {
  const nodes = transaction.objectStore("nodes");
  const rows = await Promise.all([...new Set(nodeIds)].map((nodeId) => nodes.get([workspace, nodeId])));
  return new Map(rows.flatMap((row) => (row === undefined ? [] : [[row.nodeId, row.turn]])));
}

/** The batch with arrays of the store's own, taken before the first await: the caller may go on using theirs. */
function ownCopy({ put = [], remove = [], manifests = [], state, outboxPut = [], outboxRemove = [] }: ReplicaBatch) {
  return {
    put: put.map(ownRow),
    remove: [...remove],
    manifests: manifests.map(({ manifestId, body }) => ({ manifestId, body: ownBytes(body) })),
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
