import type { NodeId, ReplicaBatch, ReplicaRow, WorkspaceId } from "@twinfold/core";
import { idBlob } from "./column-values.js";
import type { SqliteDatabase } from "./database.js";

export interface ReplicaWrites {
  /** Writes one batch inside the caller's transaction. */
  write(workspaceId: WorkspaceId, batch: ReplicaBatch): void;
  removeWorkspace(workspaceId: WorkspaceId): void;
}

/** Of a row that goes: its turn when it was dirty, and its local parent. */
type RemovedNode = readonly [turn: number | null, localParentId: Buffer | null];

interface Tally {
  readonly workspace: number;
  /** Directories whose looks are to be forgotten, as hex. */
  readonly changed: Set<string>;
  nodes: number;
  dirty: number;
  nextTurn: number;
}

/** What the rows of the two trees are found by. */
const LOCAL = ["local_parent_id", "local_name_key", "inode", "manifest_id"];
const REMOTE = ["remote_parent_id", "remote_name_key"];

/** Row id, turn, local parent, and whether the columns of each tree are as they are to be. */
type StoredNode = [row: number, turn: number | null, localParentId: Buffer | null, isHere: number, isThere: number];

export function prepareWrites(sql: SqliteDatabase): ReplicaWrites {
  const tallyOf = sql.prepare(
    `INSERT INTO workspaces (workspace_id) VALUES (?) ON CONFLICT DO UPDATE SET workspace_id = excluded.workspace_id
     RETURNING workspace, nodes, dirty, next_turn AS nextTurn`,
  );
  const setTally = sql.prepare("UPDATE workspaces SET nodes = ?, dirty = ?, next_turn = ? WHERE workspace = ?");
  const setState = sql.prepare("UPDATE workspaces SET state = ? WHERE workspace = ?");
  const storedNode = sql
    .prepare(`SELECT rowid, dirty_turn, local_parent_id, ${areStill(LOCAL)}, ${areStill(REMOTE)} FROM nodes WHERE workspace = ? AND node_id = ?`)
    .raw();
  const addNode = sql.prepare(
    `INSERT INTO nodes (body, dirty_turn, ${[...LOCAL, ...REMOTE].join(", ")}, workspace, node_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const updateNode = prepareUpdate([]);
  const updateLocal = prepareUpdate(LOCAL);
  const updateRemote = prepareUpdate(REMOTE);
  const updateBoth = prepareUpdate([...LOCAL, ...REMOTE]);
  const removeNode = sql.prepare("DELETE FROM nodes WHERE workspace = ? AND node_id = ? RETURNING dirty_turn, local_parent_id").raw();
  const putManifest = sql.prepare(
    `INSERT INTO manifests (workspace, manifest_id, body) VALUES (?, ?, ?)
     ON CONFLICT (workspace, manifest_id) DO UPDATE SET body = excluded.body WHERE body <> excluded.body`,
  );
  const putLook = sql.prepare(
    `INSERT INTO looks (workspace, node_id, body) VALUES (?, ?, ?)
     ON CONFLICT (workspace, node_id) DO UPDATE SET body = excluded.body`,
  );
  const removeLook = sql.prepare("DELETE FROM looks WHERE workspace = ? AND node_id = ?");
  const putOutbox = sql.prepare("INSERT OR REPLACE INTO outbox (workspace, counter, body) VALUES (?, ?, ?)");
  const removeOutbox = sql.prepare("DELETE FROM outbox WHERE workspace = ? AND counter = ?");
  const forget = ["nodes", "manifests", "looks", "outbox", "workspaces"].map((table) =>
    sql.prepare(`DELETE FROM ${table} WHERE workspace = (SELECT workspace FROM workspaces WHERE workspace_id = ?)`),
  );

  function remove(tally: Tally, nodeId: NodeId): void {
    const before = removeNode.get(tally.workspace, idBlob(nodeId)) as RemovedNode | undefined;
    if (before === undefined) return;
    const [turn, parentId] = before;
    tally.nodes--;
    if (turn !== null) tally.dirty--;
    if (parentId !== null) tally.changed.add(parentId.toString("hex")).add(nodeId);
  }

  /** An UPDATE writes the indexes of every column that it names, changed or not: so it names only the trees that the row moved in. */
  function prepareUpdate(columns: readonly string[]) {
    return sql.prepare(`UPDATE nodes SET ${["body", "dirty_turn", ...columns].map((column) => `${column} = ?`).join(", ")} WHERE rowid = ?`);
  }

  function put(tally: Tally, { nodeId, body, dirty, local, remote }: ReplicaRow): void {
    const id = idBlob(nodeId);
    const here = [optionalId(local?.parentId), local?.nameKey ?? null, local?.inode ?? null, optionalId(local?.manifestId)];
    const there = [optionalId(remote?.parentId), remote?.nameKey ?? null];
    const stored = storedNode.get(...here, ...there, tally.workspace, id) as StoredNode | undefined;
    if (local !== undefined) tally.changed.add(local.parentId);
    if (stored === undefined) {
      addNode.run(body, dirty ? tally.nextTurn++ : null, ...here, ...there, tally.workspace, id);
      tally.nodes++;
      tally.dirty += Number(dirty);
      return;
    }
    const [row, previous, parentId, isHere, isThere] = stored;
    if (parentId !== null) tally.changed.add(parentId.toString("hex"));
    if (parentId !== null && local === undefined) tally.changed.add(nodeId);
    const turn = dirty ? (previous ?? tally.nextTurn++) : null;
    tally.dirty += Number(dirty) - Number(previous !== null);
    if (isHere && isThere) updateNode.run(body, turn, row);
    else if (isThere) updateLocal.run(body, turn, ...here, row);
    else if (isHere) updateRemote.run(body, turn, ...there, row);
    else updateBoth.run(body, turn, ...here, ...there, row);
  }

  return {
    write(workspaceId, { put: rows, remove: nodeIds, manifests, looks, state, outboxPut, outboxRemove }) {
      const tally: Tally = { ...(tallyOf.get(idBlob(workspaceId)) as Omit<Tally, "changed">), changed: new Set() };
      const { workspace } = tally;
      for (const nodeId of nodeIds ?? []) remove(tally, nodeId);
      for (const row of rows ?? []) put(tally, row);
      for (const nodeId of tally.changed) removeLook.run(workspace, idBlob(nodeId));
      for (const { nodeId, body } of looks ?? []) putLook.run(workspace, idBlob(nodeId), body);
      for (const { manifestId, body } of manifests ?? []) putManifest.run(workspace, idBlob(manifestId), body);
      if (state !== undefined) setState.run(state, workspace);
      for (const counter of outboxRemove ?? []) removeOutbox.run(workspace, counter);
      for (const { counter, body } of outboxPut ?? []) putOutbox.run(workspace, counter, body);
      setTally.run(tally.nodes, tally.dirty, tally.nextTurn, workspace);
    },
    removeWorkspace(workspaceId) {
      for (const statement of forget) statement.run(idBlob(workspaceId));
    },
  };
}

function optionalId(id: string | undefined): Uint8Array | null {
  return id === undefined ? null : idBlob(id);
}

function areStill(columns: readonly string[]): string {
  return columns.map((column) => `${column} IS ?`).join(" AND ");
}
