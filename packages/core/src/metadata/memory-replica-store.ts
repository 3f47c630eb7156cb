import { TwinfoldError } from "../errors.js";
import type { ManifestId, NodeId, WorkspaceId } from "../ids.js";
import type { NameKey, ReplicaBatch, ReplicaRow, ReplicaStore } from "./replica-store.js";

/** By what rows are looked up, and how a row gives its key. Node ids have one length, so a key of two parts has one reading. */
const INDEXES = {
  localParent: ({ local }) => local?.parentId,
  localName: ({ local }) => local && nameIndexKey(local),
  remoteParent: ({ remote }) => remote?.parentId,
  remoteName: ({ remote }) => remote && nameIndexKey(remote),
  inode: ({ local }) => local?.inode,
  manifest: ({ local }) => local?.manifestId,
} satisfies Record<string, (row: ReplicaRow) => string | undefined>;

type IndexName = keyof typeof INDEXES;

const INDEX_ENTRIES = Object.entries(INDEXES) as ReadonlyArray<[IndexName, (row: ReplicaRow) => string | undefined]>;

function nameIndexKey({ parentId, nameKey }: NameKey): string {
  return parentId + nameKey;
}

/** The rows of one workspace. */
class Workspace {
  readonly #rows = new Map<NodeId, ReplicaRow>();
  readonly #indexes = new Map<IndexName, Map<string, Set<NodeId>>>(INDEX_ENTRIES.map(([name]) => [name, new Map()]));
  /** In the order in which they became dirty: a set keeps the place of what it already holds. */
  readonly #dirty = new Set<NodeId>();
  /** All ids ascending; undefined after one came or went. */
  #sortedIds: readonly NodeId[] | undefined;

  readonly manifests = new Map<ManifestId, Uint8Array>();
  readonly looks = new Map<NodeId, Uint8Array>();
  readonly outbox = new Map<number, Uint8Array>();
  state: Uint8Array | undefined;

  get(nodeId: NodeId): ReplicaRow | undefined {
    const row = this.#rows.get(nodeId);
    return row && copyOf(row);
  }

  find(index: IndexName, key: string, limit = Infinity): ReplicaRow[] {
    const ids = [...(this.#indexes.get(index)?.get(key) ?? [])].sort();
    return this.#pick(ids, limit);
  }

  dirty(limit: number): ReplicaRow[] {
    return this.#pick(this.#dirty, limit);
  }

  page(after: NodeId | undefined, limit: number): ReplicaRow[] {
    this.#sortedIds ??= [...this.#rows.keys()].sort();
    const start = after === undefined ? 0 : this.#sortedIds.findIndex((nodeId) => nodeId > after);
    return start < 0 ? [] : this.#pick(this.#sortedIds.slice(start, start + limit), limit);
  }

  counts(): { readonly nodes: number; readonly dirty: number } {
    return { nodes: this.#rows.size, dirty: this.#dirty.size };
  }

  put(row: ReplicaRow): void {
    const { nodeId } = row;
    const previous = this.#rows.get(nodeId);
    if (previous === undefined) this.#sortedIds = undefined;
    else this.#unindex(previous);
    this.#forgetLooks(nodeId, previous, row);
    this.#rows.set(nodeId, row);
    for (const [name, keyOf] of INDEX_ENTRIES) {
      const key = keyOf(row);
      if (key === undefined) continue;
      const index = this.#indexes.get(name);
      const ids = index?.get(key);
      if (ids === undefined) index?.set(key, new Set([nodeId]));
      else ids.add(nodeId);
    }
    if (row.dirty) this.#dirty.add(nodeId);
    else this.#dirty.delete(nodeId);
  }

  remove(nodeId: NodeId): void {
    const row = this.#rows.get(nodeId);
    if (row === undefined) return;
    this.#unindex(row);
    this.#forgetLooks(nodeId, row, undefined);
    this.#rows.delete(nodeId);
    this.#dirty.delete(nodeId);
    this.#sortedIds = undefined;
  }

  #forgetLooks(nodeId: NodeId, before: ReplicaRow | undefined, after: ReplicaRow | undefined): void {
    for (const row of [before, after]) if (row?.local !== undefined) this.looks.delete(row.local.parentId);
    if (before?.local !== undefined && after?.local === undefined) this.looks.delete(nodeId);
  }

  #unindex(row: ReplicaRow): void {
    for (const [name, keyOf] of INDEX_ENTRIES) {
      const key = keyOf(row);
      if (key === undefined) continue;
      const index = this.#indexes.get(name);
      const ids = index?.get(key);
      ids?.delete(row.nodeId);
      if (ids?.size === 0) index?.delete(key);
    }
  }

  #pick(ids: Iterable<NodeId>, limit: number): ReplicaRow[] {
    const picked: ReplicaRow[] = [];
    for (const nodeId of ids) {
      if (picked.length >= limit) break;
      const row = this.get(nodeId);
      if (row !== undefined) picked.push(row);
    }
    return picked;
  }
}

/** What a closed store leaves behind: a store opened on it later finds everything again. */
export interface ReplicaMemory {
  readonly workspaces: Map<WorkspaceId, Workspace>;
  inUse: boolean;
}

export function createReplicaMemory(): ReplicaMemory {
  return { workspaces: new Map(), inUse: false };
}

/**
 * A replica's metadata in memory: for tests, and for replicas that need not outlive their process.
 *
 * @throws {TwinfoldError} `ERR_IN_USE` when another store is open on `memory`.
 */
export function createMemoryReplicaStore(memory: ReplicaMemory = createReplicaMemory()): ReplicaStore {
  if (memory.inUse) {
    throw new TwinfoldError("ERR_IN_USE", "opening a replica's metadata in memory: another store is open on it; close that one first");
  }
  memory.inUse = true;
  let closed = false;

  function mustBeOpen(): void {
    if (closed) throw new TwinfoldError("ERR_CLOSED", "the replica's metadata in memory was closed");
  }

  /** To read from: one that was never written has no rows. */
  function open(workspaceId: WorkspaceId): Workspace {
    mustBeOpen();
    return memory.workspaces.get(workspaceId) ?? new Workspace();
  }

  return {
    async rows(workspaceId, nodeIds) {
      const workspace = open(workspaceId);
      return nodeIds.map((nodeId) => workspace.get(nodeId));
    },
    async localChildren(workspaceId, parentId) {
      return open(workspaceId).find("localParent", parentId);
    },
    async remoteChildren(workspaceId, parentId) {
      return open(workspaceId).find("remoteParent", parentId);
    },
    async localByName(workspaceId, keys) {
      const workspace = open(workspaceId);
      return keys.map((key) => workspace.find("localName", nameIndexKey(key)));
    },
    async remoteByName(workspaceId, keys) {
      const workspace = open(workspaceId);
      return keys.map((key) => workspace.find("remoteName", nameIndexKey(key)));
    },
    async byInode(workspaceId, inodes) {
      const workspace = open(workspaceId);
      return inodes.map((inode) => workspace.find("inode", inode));
    },
    async byManifest(workspaceId, manifestIds, limit) {
      const workspace = open(workspaceId);
      return manifestIds.map((manifestId) => workspace.find("manifest", manifestId, limit));
    },
    async dirty(workspaceId, limit) {
      return open(workspaceId).dirty(limit);
    },
    async page(workspaceId, after, limit) {
      return open(workspaceId).page(after, limit);
    },
    async counts(workspaceId) {
      return open(workspaceId).counts();
    },
    async manifests(workspaceId, manifestIds) {
      const { manifests } = open(workspaceId);
      return manifestIds.map((manifestId) => manifests.get(manifestId)?.slice());
    },
    async looks(workspaceId, nodeIds) {
      const { looks } = open(workspaceId);
      return nodeIds.map((nodeId) => looks.get(nodeId)?.slice());
    },
    async state(workspaceId) {
      return open(workspaceId).state?.slice();
    },
    async outbox(workspaceId) {
      const rows = [...open(workspaceId).outbox].sort(([a], [b]) => a - b);
      return rows.map(([counter, body]) => ({ counter, body: body.slice() }));
    },
    async write(workspaceId, batch) {
      const workspace = open(workspaceId);
      const { put, remove, manifests, looks, state, outboxPut, outboxRemove } = ownCopy(batch);
      // Nothing from here on can fail, so the batch is written whole.
      for (const nodeId of remove) workspace.remove(nodeId);
      for (const row of put) workspace.put(row);
      for (const { nodeId, body } of looks) workspace.looks.set(nodeId, body);
      for (const { manifestId, body } of manifests) workspace.manifests.set(manifestId, body);
      if (state !== undefined) workspace.state = state;
      for (const counter of outboxRemove) workspace.outbox.delete(counter);
      for (const { counter, body } of outboxPut) workspace.outbox.set(counter, body);
      memory.workspaces.set(workspaceId, workspace);
    },
    async removeWorkspace(workspaceId) {
      mustBeOpen();
      memory.workspaces.delete(workspaceId);
    },
    async close() {
      if (closed) return;
      closed = true;
      memory.inUse = false;
    },
  };
}

/** The batch with arrays of the store's own: the caller may go on using theirs. */
function ownCopy({ put = [], remove = [], manifests = [], looks = [], state, outboxPut = [], outboxRemove = [] }: ReplicaBatch) {
  return {
    put: put.map(copyOf),
    remove: [...remove],
    manifests: manifests.map(({ manifestId, body }) => ({ manifestId, body: body.slice() })),
    looks: looks.map(({ nodeId, body }) => ({ nodeId, body: body.slice() })),
    state: state?.slice(),
    outboxPut: outboxPut.map(({ counter, body }) => ({ counter, body: body.slice() })),
    outboxRemove: [...outboxRemove],
  };
}

function copyOf(row: ReplicaRow): ReplicaRow {
  return {
    nodeId: row.nodeId,
    body: row.body.slice(),
    dirty: row.dirty,
    ...(row.local && { local: { ...row.local } }),
    ...(row.remote && { remote: { ...row.remote } }),
  };
}
