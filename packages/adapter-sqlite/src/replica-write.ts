import type { NodeId, ReplicaBatch, ReplicaRow, WorkspaceId } from "@twinfold/core";
import { idBlob } from "./column-values.js";
import type { SqliteDatabase } from "./database.js";

export interface ReplicaWrites {
  /** Writes one batch inside the caller's transaction. */
  write(workspaceId: WorkspaceId, batch: ReplicaBatch): void;
  removeWorkspace(workspaceId: WorkspaceId): void;
}

interface Tally {
  readonly workspace: number;
  nodes: number;
  dirty: number;
  nextTurn: number;
}

export function prepareWrites(sql: SqliteDatabase): ReplicaWrites {
  const tallyOf = sql.prepare(
    `INSERT INTO workspaces (workspace_id) VALUES (?) ON CONFLICT DO UPDATE SET workspace_id = excluded.workspace_id
     RETURNING workspace, nodes, dirty, next_turn AS nextTurn`,
  );
  const setTally = sql.prepare("UPDATE workspaces SET nodes = ?, dirty = ?, next_turn = ? WHERE workspace = ?");
  const setState = sql.prepare("UPDATE workspaces SET state = ? WHERE workspace = ?");
  const turnOf = sql.prepare("SELECT dirty_turn FROM nodes WHERE workspace = ? AND node_id = ?").pluck();
  const putNode = sql.prepare(
    `INSERT INTO nodes (workspace, node_id, body, dirty_turn, local_parent_id, local_name_key, inode, manifest_id, remote_parent_id, remote_name_key)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (workspace, node_id) DO UPDATE SET
       body = excluded.body,
       dirty_turn = excluded.dirty_turn,
       local_parent_id = excluded.local_parent_id,
       local_name_key = excluded.local_name_key,
       inode = excluded.inode,
       manifest_id = excluded.manifest_id,
       remote_parent_id = excluded.remote_parent_id,
       remote_name_key = excluded.remote_name_key`,
  );
  const removeNode = sql.prepare("DELETE FROM nodes WHERE workspace = ? AND node_id = ? RETURNING dirty_turn").pluck();
  const putManifest = sql.prepare(
    `INSERT INTO manifests (workspace, manifest_id, body) VALUES (?, ?, ?)
     ON CONFLICT (workspace, manifest_id) DO UPDATE SET body = excluded.body`,
  );
  const putOutbox = sql.prepare("INSERT OR REPLACE INTO outbox (workspace, counter, body) VALUES (?, ?, ?)");
  const removeOutbox = sql.prepare("DELETE FROM outbox WHERE workspace = ? AND counter = ?");
  const forget = ["nodes", "manifests", "outbox", "workspaces"].map((table) =>
    sql.prepare(`DELETE FROM ${table} WHERE workspace = (SELECT workspace FROM workspaces WHERE workspace_id = ?)`),
  );

  function remove(tally: Tally, nodeId: NodeId): void {
    const turn = removeNode.get(tally.workspace, idBlob(nodeId)) as number | null | undefined;
    if (turn === undefined) return;
    tally.nodes--;
    if (turn !== null) tally.dirty--;
  }

  function put(tally: Tally, { nodeId, body, dirty, local, remote }: ReplicaRow): void {
    const id = idBlob(nodeId);
    const previous = turnOf.get(tally.workspace, id) as number | null | undefined;
    const turn = dirty ? (previous ?? tally.nextTurn++) : null;
    if (previous === undefined) tally.nodes++;
    tally.dirty += Number(dirty) - Number(typeof previous === "number");
    putNode.run(
      tally.workspace,
      id,
      body,
      turn,
      optionalId(local?.parentId),
      local?.nameKey ?? null,
      local?.inode ?? null,
      optionalId(local?.manifestId),
      optionalId(remote?.parentId),
      remote?.nameKey ?? null,
    );
  }

  return {
    write(workspaceId, { put: rows, remove: nodeIds, manifests, state, outboxPut, outboxRemove }) {
      const tally = tallyOf.get(idBlob(workspaceId)) as Tally;
      const { workspace } = tally;
      for (const nodeId of nodeIds ?? []) remove(tally, nodeId);
      for (const row of rows ?? []) put(tally, row);
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
