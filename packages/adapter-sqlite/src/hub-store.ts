import type {
  ChunkId,
  ChunkRow,
  DraftId,
  DraftRow,
  HubStore,
  NodeId,
  NodeRow,
  ReplicaId,
  ReplicaMark,
  RevisionRow,
  Role,
  StoredJournalRow,
  WorkspaceRow,
} from "@twinfold/core";
import { bytesFrom, idBlob, idFrom, LIMIT, limitValue } from "./column-values.js";
import { prepareAppend } from "./hub-append.js";
import { HUB_FORMAT } from "./hub-format.js";
import { StoreDatabase } from "./store-database.js";

/** `T` as its row of the table: ids and bytes are blobs. */
type Stored<T, Ids extends keyof T> = Omit<T, Ids> & { readonly [K in Ids]: Uint8Array };

type StoredWorkspace = Stored<WorkspaceRow, "workspaceId" | "rootNodeId" | "epoch">;
type StoredNode = Omit<Stored<NodeRow, "nodeId" | "parentId">, "deleted"> & { readonly deleted: number };

type StoredDraft = Omit<Stored<DraftRow, "draftId" | "replicaId">, "manifest" | "about"> & { readonly about: Uint8Array | null };

const DRAFT_COLUMNS = "draft_id AS draftId, replica_id AS replicaId, length, touched_at_ms AS touchedAtMs, about";
const NODE_COLUMNS = "node_id AS nodeId, parent_id AS parentId, name_key AS nameKey, deleted, seq, body";
/** Each statement about a workspace begins with its id. */
const WORKSPACE = "(SELECT workspace FROM workspaces WHERE workspace_id = ?)";

/**
 * A hub's metadata in one SQLite file, of format `HUB_FORMAT`.
 *
 * Appends of one turn of the event loop share one fsync. Reads of many keys cost about 2 µs a key, appends about 25 µs a change.
 *
 * @throws {TwinfoldError} `ERR_NEWER_FORMAT`; `ERR_STORE_FAILED` when the file cannot be opened, or is damaged.
 */
export async function createSqliteHubStore({ path }: { readonly path: string }): Promise<HubStore> {
  const database = new StoreDatabase(path, HUB_FORMAT);
  const { sql } = database;
  const appendBatch = prepareAppend(sql);

  const addWorkspace = sql
    .prepare(
      `INSERT INTO workspaces (workspace_id, root_node_id, epoch, stamp, head_seq, chain, compacted_below) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING RETURNING workspace`,
    )
    .pluck();
  const addMember = sql.prepare("INSERT INTO members (workspace, account_id, role) VALUES (?, ?, 'owner')");
  const workspaceById = sql.prepare(
    `SELECT workspace_id AS workspaceId, root_node_id AS rootNodeId, epoch, stamp, head_seq AS headSeq, chain, compacted_below AS compactedBelow
     FROM workspaces WHERE workspace_id = ?`,
  );
  const workspaceKey = sql.prepare("SELECT workspace FROM workspaces WHERE workspace_id = ?").pluck();
  const roleOf = sql.prepare(`SELECT role FROM members WHERE workspace = ${WORKSPACE} AND account_id = ?`).pluck();
  const nodeById = sql.prepare(`SELECT ${NODE_COLUMNS} FROM nodes WHERE workspace = ? AND node_id = ?`);
  const nodeByName = sql.prepare(`SELECT ${NODE_COLUMNS} FROM nodes WHERE workspace = ? AND parent_id = ? AND name_key = ? AND deleted = 0`);
  const childIds = sql
    .prepare(`SELECT node_id FROM nodes WHERE workspace = ${WORKSPACE} AND parent_id = ? AND deleted = 0 AND node_id > ? ORDER BY node_id ${LIMIT}`)
    .pluck();
  const nodesLater = sql.prepare(`SELECT ${NODE_COLUMNS} FROM nodes WHERE workspace = ${WORKSPACE} AND seq > ? ORDER BY seq, node_id ${LIMIT}`);
  const journalLater = sql.prepare(`SELECT seq, body, chain FROM journal WHERE workspace = ${WORKSPACE} AND seq > ? ORDER BY seq ${LIMIT}`);
  const revisionsOf = sql.prepare(
    `SELECT revision, body FROM revisions WHERE workspace = ${WORKSPACE} AND node_id = ? ORDER BY revision DESC ${LIMIT}`,
  );
  const manifestById = sql.prepare("SELECT body FROM manifests WHERE workspace = ? AND manifest_id = ?").pluck();
  const possessedLength = sql.prepare("SELECT length_bytes FROM possessed WHERE workspace = ? AND chunk_id = ?").pluck();
  const markOf = sql.prepare(
    `SELECT account_id AS accountId, watermark, answers, acked_seq AS ackedSeq FROM marks WHERE workspace = ${WORKSPACE} AND replica_id = ?`,
  );
  const draftById = sql.prepare(`SELECT ${DRAFT_COLUMNS}, manifest FROM drafts WHERE workspace = ${WORKSPACE} AND draft_id = ?`);
  const draftsOf = sql.prepare(`SELECT ${DRAFT_COLUMNS} FROM drafts WHERE workspace = ${WORKSPACE} ORDER BY draft_id LIMIT ?`);
  const chunkById = sql.prepare(
    `SELECT pack, payload_offset AS offset, stored_bytes AS storedBytes, plain_bytes AS plainBytes, codec FROM chunks WHERE chunk_id = ?`,
  );
  const addChunk = sql.prepare(
    "INSERT INTO chunks (chunk_id, pack, payload_offset, stored_bytes, plain_bytes, codec) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
  );

  /** For reads of many keys, which look the workspace up once. An unknown one is NULL, which equals nothing. */
  function keyOf(workspaceId: string): number | null {
    return (workspaceKey.get(idBlob(workspaceId)) as number | undefined) ?? null;
  }

  return {
    async createWorkspace(row, owner) {
      return database.write(() => {
        const { workspaceId, rootNodeId, epoch, stamp, headSeq, chain, compactedBelow } = row;
        const workspace = addWorkspace.get(idBlob(workspaceId), idBlob(rootNodeId), idBlob(epoch), stamp, headSeq, chain, compactedBelow);
        if (workspace === undefined) return "exists";
        addMember.run(workspace, idBlob(owner));
        return "created";
      });
    },
    async workspace(workspaceId) {
      return database.read(() => {
        const row = workspaceById.get(idBlob(workspaceId)) as StoredWorkspace | undefined;
        if (row === undefined) return undefined;
        return { ...row, workspaceId, rootNodeId: idFrom(row.rootNodeId), epoch: idFrom(row.epoch), chain: bytesFrom(row.chain) };
      });
    },
    async role(workspaceId, accountId) {
      return database.read(() => roleOf.get(idBlob(workspaceId), idBlob(accountId)) as Role | undefined);
    },
    async nodes(workspaceId, nodeIds) {
      return database.readMany(() => {
        const workspace = keyOf(workspaceId);
        return nodeIds.map((nodeId) => nodeFrom(nodeById.get(workspace, idBlob(nodeId))));
      });
    },
    async nodesByName(workspaceId, keys) {
      return database.readMany(() => {
        const workspace = keyOf(workspaceId);
        return keys.map(({ parentId, nameKey }) => nodeFrom(nodeByName.get(workspace, idBlob(parentId), nameKey)));
      });
    },
    async children(workspaceId, parentId, { after, limit }) {
      return database.read(() => {
        const blobs = childIds.all(idBlob(workspaceId), idBlob(parentId), idBlob(after ?? ""), limitValue(limit)) as Uint8Array[];
        return blobs.map((blob) => idFrom<NodeId>(blob));
      });
    },
    async nodesSince(workspaceId, afterSeq, limit) {
      return database.read(() => nodesLater.all(idBlob(workspaceId), afterSeq, limitValue(limit)).map((row) => mustBeNode(row)));
    },
    async journal(workspaceId, afterSeq, limit) {
      return database.read(() => {
        const rows = journalLater.all(idBlob(workspaceId), afterSeq, limitValue(limit)) as StoredJournalRow[];
        return rows.map(({ seq, body, chain }) => ({ seq, body: bytesFrom(body), chain: bytesFrom(chain) }));
      });
    },
    async revisions(workspaceId, nodeId, limit) {
      return database.read(() => {
        const rows = revisionsOf.all(idBlob(workspaceId), idBlob(nodeId), limitValue(limit)) as Array<Omit<RevisionRow, "nodeId">>;
        return rows.map(({ revision, body }) => ({ nodeId, revision, body: bytesFrom(body) }));
      });
    },
    async manifests(workspaceId, manifestIds) {
      return database.readMany(() => {
        const workspace = keyOf(workspaceId);
        return manifestIds.map((manifestId) => {
          const body = manifestById.get(workspace, idBlob(manifestId)) as Uint8Array | undefined;
          return body && bytesFrom(body);
        });
      });
    },
    async possessed(workspaceId, chunkIds) {
      return database.readMany(() => {
        const workspace = keyOf(workspaceId);
        const lengths = new Map<ChunkId, number>();
        for (const chunkId of chunkIds) {
          const lengthBytes = possessedLength.get(workspace, idBlob(chunkId)) as number | undefined;
          if (lengthBytes !== undefined) lengths.set(chunkId, lengthBytes);
        }
        return lengths;
      });
    },
    async mark(workspaceId, replicaId) {
      return database.read(() => {
        const row = markOf.get(idBlob(workspaceId), idBlob(replicaId)) as Stored<ReplicaMark, "accountId"> | undefined;
        return row && { ...row, replicaId, accountId: idFrom(row.accountId), answers: bytesFrom(row.answers) };
      });
    },
    async draft(workspaceId, draftId) {
      return database.read(() => {
        const row = draftById.get(idBlob(workspaceId), idBlob(draftId)) as (StoredDraft & Pick<DraftRow, "manifest">) | undefined;
        return row && { ...draftFrom(row), manifest: bytesFrom(row.manifest) };
      });
    },
    async drafts(workspaceId, limit) {
      return database.read(() => (draftsOf.all(idBlob(workspaceId), limitValue(limit)) as StoredDraft[]).map(draftFrom));
    },
    async append(batches) {
      const writes = batches.map((batch) => database.write(() => appendBatch(batch)));
      await Promise.allSettled(writes); // a failure is told when the other batches are durable
      return Promise.all(writes);
    },
    async chunks(chunkIds) {
      return database.readMany(() =>
        chunkIds.map((chunkId) => {
          const row = chunkById.get(idBlob(chunkId)) as Omit<ChunkRow, "chunkId"> | undefined;
          return row && { chunkId, ...row };
        }),
      );
    },
    async addChunks(rows) {
      return database.write(() => {
        for (const { chunkId, pack, offset, storedBytes, plainBytes, codec } of rows) {
          addChunk.run(idBlob(chunkId), pack, offset, storedBytes, plainBytes, codec);
        }
      });
    },
    async close() {
      database.close();
    },
  };
}

function draftFrom({ draftId, replicaId, length, touchedAtMs, about }: StoredDraft): Omit<DraftRow, "manifest"> {
  const row = { draftId: idFrom<DraftId>(draftId), replicaId: idFrom<ReplicaId>(replicaId), length, touchedAtMs };
  return about === null ? row : { ...row, about: bytesFrom(about) };
}

function nodeFrom(row: unknown): NodeRow | undefined {
  return row === undefined ? undefined : mustBeNode(row);
}

function mustBeNode(row: unknown): NodeRow {
  const { nodeId, parentId, nameKey, deleted, seq, body } = row as StoredNode;
  return { nodeId: idFrom(nodeId), parentId: idFrom(parentId), nameKey, deleted: deleted !== 0, seq, body: bytesFrom(body) };
}
