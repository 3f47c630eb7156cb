import { TwinfoldError } from "../errors.js";
import type { ChunkId, WorkspaceId } from "../ids.js";
import type { ChunkRow, HubBatch, HubRow, HubStore } from "./hub-store.js";
import { MemoryWorkspace } from "./memory-workspace.js";

/** The state of a memory hub store at one moment. */
export interface MemoryHubSnapshot {
  readonly workspaces: ReadonlyMap<WorkspaceId, MemoryWorkspace>;
  readonly chunks: ReadonlyMap<ChunkId, ChunkRow>;
}

export interface MemoryHubStore extends HubStore {
  /** What a disk would hold now, closed or not: give it to another store to open it again, or to put a hub back to this moment. */
  snapshot(): MemoryHubSnapshot;
}

/** A HubStore for tests, simulation and embedding. */
export function createMemoryHubStore(options: { readonly from?: MemoryHubSnapshot | undefined } = {}): MemoryHubStore {
  const workspaces = new Map([...(options.from?.workspaces ?? [])].map(([id, workspace]) => [id, workspace.copy()]));
  const chunks = new Map(options.from?.chunks);
  let closed = false;

  const begin = (what: string): void => {
    if (closed) throw new TwinfoldError("ERR_CLOSED", `cannot ${what}: the hub store is closed`);
  };
  const open = (what: string, workspaceId: WorkspaceId): MemoryWorkspace | undefined => {
    begin(`${what} of workspace ${workspaceId}`);
    return workspaces.get(workspaceId);
  };

  return {
    async createWorkspace(row, owner) {
      begin(`create workspace ${row.workspaceId}`);
      if (workspaces.has(row.workspaceId)) return "exists";
      const workspace = new MemoryWorkspace(ownArrays(row));
      workspace.members.set(owner, "owner");
      workspaces.set(row.workspaceId, workspace);
      return "created";
    },
    async workspace(workspaceId) {
      const row = open("read the row", workspaceId)?.row;
      return row && ownArrays(row);
    },
    async role(workspaceId, accountId) {
      return open("read the members", workspaceId)?.members.get(accountId);
    },
    async nodes(workspaceId, nodeIds) {
      const workspace = open("read nodes", workspaceId);
      return nodeIds.map((id) => ownArrays(workspace?.nodes.get(id)));
    },
    async nodesByName(workspaceId, keys) {
      const workspace = open("look up names", workspaceId);
      return keys.map((key) => ownArrays(workspace?.nodeByName(key.parentId, key.nameKey)));
    },
    async children(workspaceId, parentId, { after, limit }) {
      const ids = open("list a directory", workspaceId)?.childIds(parentId) ?? [];
      return ids.filter((id) => after === undefined || id > after).slice(0, limit);
    },
    async nodesSince(workspaceId, afterSeq, limit) {
      return (open("list nodes", workspaceId)?.nodesSince(afterSeq, limit) ?? []).map((row) => ownArrays(row));
    },
    async journal(workspaceId, afterSeq, limit) {
      return (open("read the journal", workspaceId)?.journalSince(afterSeq, limit) ?? []).map((row) => ownArrays(row));
    },
    async revisions(workspaceId, nodeId, limit) {
      const rows = open("read revisions", workspaceId)?.revisions.get(nodeId) ?? [];
      return rows.slice(0, limit).map((row) => ownArrays(row));
    },
    async manifests(workspaceId, manifestIds) {
      const workspace = open("read manifests", workspaceId);
      return manifestIds.map((id) => workspace?.manifests.get(id)?.slice());
    },
    async possessed(workspaceId, chunkIds) {
      const workspace = open("look up chunks", workspaceId);
      return new Map(
        chunkIds.flatMap((id) => {
          const lengthBytes = workspace?.possessed.get(id);
          return lengthBytes === undefined ? [] : [[id, lengthBytes] as const];
        }),
      );
    },
    async mark(workspaceId, replicaId) {
      return ownArrays(open("read a replica's mark", workspaceId)?.marks.get(replicaId));
    },
    async draft(workspaceId, draftId) {
      return ownArrays(open("read a draft", workspaceId)?.drafts.get(draftId));
    },
    async drafts(workspaceId, limit) {
      const rows = [...(open("list drafts", workspaceId)?.drafts.values() ?? [])];
      rows.sort((a, b) => (a.draftId < b.draftId ? -1 : 1));
      return rows.slice(0, limit).map(({ manifest: _entries, ...row }) => ownArrays(row));
    },
    async append(batches) {
      begin("append");
      const failures: unknown[] = [];
      const results = batches.map((batch) => {
        try {
          return workspaces.get(batch.workspaceId)?.append(ownRows(batch)) ?? "stale";
        } catch (error) {
          failures.push(error);
          return "stale";
        }
      });
      if (failures.length > 0) throw failures[0];
      return results;
    },
    async chunks(chunkIds) {
      begin("look up where chunks are");
      return chunkIds.map((id) => chunks.get(id));
    },
    async addChunks(rows) {
      begin("record where chunks are");
      for (const row of rows) if (!chunks.has(row.chunkId)) chunks.set(row.chunkId, { ...row });
    },
    async close() {
      closed = true;
    },
    snapshot: () => ({
      workspaces: new Map([...workspaces].map(([id, workspace]) => [id, workspace.copy()])),
      chunks: new Map(chunks),
    }),
  };
}

/** A copy whose byte arrays are copies too: what the caller does to its own reaches nobody. */
function ownArrays<T extends object | undefined>(row: T): T {
  if (row === undefined) return row;
  const copy: Record<string, unknown> = { ...row };
  for (const name in copy) {
    const value = copy[name];
    if (value instanceof Uint8Array) copy[name] = value.slice();
  }
  return copy as T;
}

function ownRows(batch: HubBatch): HubBatch {
  return { ...batch, rows: batch.rows.map((row) => ("row" in row ? ({ ...row, row: ownArrays(row.row) } as HubRow) : ownArrays(row))) };
}
