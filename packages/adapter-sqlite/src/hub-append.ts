import { type HubBatch, type HubRow, type NodeId, type NodeRow, TwinfoldError } from "@twinfold/core";
import { idBlob } from "./column-values.js";
import type { SqliteDatabase } from "./database.js";

/** What may change without the stamp: see `HubBatch.expectedStamp`. */
const UNSTAMPED: ReadonlySet<HubRow["table"]> = new Set(["possessed", "manifest", "draft", "draft-removed"]);

/** Writes one batch inside the caller's transaction: all of it, or a throw that the caller undoes. */
export type AppendBatch = (batch: HubBatch) => "appended" | "stale";

export function prepareAppend(sql: SqliteDatabase): AppendBatch {
  const moveStamp = sql.prepare("UPDATE workspaces SET stamp = stamp + 1 WHERE workspace_id = ? AND stamp = ? RETURNING workspace").pluck();
  const workspaceOf = sql.prepare("SELECT workspace FROM workspaces WHERE workspace_id = ?").pluck();
  const setWorkspace = sql.prepare(
    "UPDATE workspaces SET root_node_id = ?, epoch = ?, head_seq = ?, chain = ?, compacted_below = ? WHERE workspace = ?",
  );
  const setMember = sql.prepare("INSERT OR REPLACE INTO members (workspace, account_id, role) VALUES (?, ?, ?)");
  const removeMember = sql.prepare("DELETE FROM members WHERE workspace = ? AND account_id = ?");
  const removeNode = sql.prepare("DELETE FROM nodes WHERE workspace = ? AND node_id = ?");
  const addNode = sql.prepare("INSERT INTO nodes (workspace, node_id, parent_id, name_key, deleted, seq, body) VALUES (?, ?, ?, ?, ?, ?, ?)");
  const addJournal = sql.prepare("INSERT INTO journal (workspace, seq, body, chain) VALUES (?, ?, ?, ?)");
  const addRevision = sql.prepare("INSERT INTO revisions (workspace, node_id, revision, body) VALUES (?, ?, ?, ?)");
  const setManifest = sql.prepare("INSERT OR REPLACE INTO manifests (workspace, manifest_id, body) VALUES (?, ?, ?)");
  const setMark = sql.prepare(
    "INSERT OR REPLACE INTO marks (workspace, replica_id, account_id, watermark, answers, acked_seq) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const setPossessed = sql.prepare("INSERT OR REPLACE INTO possessed (workspace, chunk_id, length_bytes) VALUES (?, ?, ?)");
  const setDraft = sql.prepare(
    "INSERT OR REPLACE INTO drafts (workspace, draft_id, replica_id, manifest, length, touched_at_ms, about) VALUES (?, ?, ?, ?, ?, ?, ?)",
  );
  const removeDraft = sql.prepare("DELETE FROM drafts WHERE workspace = ? AND draft_id = ?");

  function writeRow(workspace: number, row: Exclude<HubRow, { readonly table: "node" }>): void {
    switch (row.table) {
      case "workspace": {
        const { rootNodeId, epoch, headSeq, chain, compactedBelow } = row.row;
        setWorkspace.run(idBlob(rootNodeId), idBlob(epoch), headSeq, chain, compactedBelow, workspace);
        return;
      }
      case "member":
        if (row.role === undefined) removeMember.run(workspace, idBlob(row.accountId));
        else setMember.run(workspace, idBlob(row.accountId), row.role);
        return;
      case "journal":
        addJournal.run(workspace, row.row.seq, row.row.body, row.row.chain);
        return;
      case "revision":
        addRevision.run(workspace, idBlob(row.row.nodeId), row.row.revision, row.row.body);
        return;
      case "manifest":
        setManifest.run(workspace, idBlob(row.manifestId), row.body);
        return;
      case "mark": {
        const { replicaId, accountId, watermark, answers, ackedSeq } = row.row;
        setMark.run(workspace, idBlob(replicaId), idBlob(accountId), watermark, answers, ackedSeq);
        return;
      }
      case "possessed":
        setPossessed.run(workspace, idBlob(row.chunkId), row.lengthBytes);
        return;
      case "draft": {
        const { draftId, replicaId, manifest, length, touchedAtMs, about = null } = row.row;
        setDraft.run(workspace, idBlob(draftId), idBlob(replicaId), manifest, length, touchedAtMs, about);
        return;
      }
      case "draft-removed":
        removeDraft.run(workspace, idBlob(row.draftId));
        return;
      default:
        row satisfies never;
    }
  }

  /** All old rows go before the first new one comes, so that nodes may swap names. */
  function writeNodes(workspace: number, nodes: ReadonlyMap<NodeId, NodeRow>): void {
    for (const nodeId of nodes.keys()) removeNode.run(workspace, idBlob(nodeId));
    for (const { nodeId, parentId, nameKey, deleted, seq, body } of nodes.values()) {
      addNode.run(workspace, idBlob(nodeId), idBlob(parentId), nameKey, deleted ? 1 : 0, seq, body);
    }
  }

  return ({ workspaceId, expectedStamp, rows }) => {
    const id = idBlob(workspaceId);
    const workspace = (expectedStamp === undefined ? workspaceOf.get(id) : moveStamp.get(id, expectedStamp)) as number | undefined;
    if (workspace === undefined) return "stale";
    const nodes = new Map<NodeId, NodeRow>();
    for (const row of rows) {
      if (expectedStamp === undefined && !UNSTAMPED.has(row.table)) {
        throw new TwinfoldError(
          "ERR_INVALID_ARGUMENT",
          `appending to the workspace ${workspaceId}: a ${row.table} row needs the stamp that its decision was read at`,
        );
      }
      if (row.table === "node") nodes.set(row.row.nodeId, row.row);
      else writeRow(workspace, row);
    }
    writeNodes(workspace, nodes);
    return "appended";
  };
}
