import { type ManifestId, type NameKey, type ReplicaRow, type ReplicaStore, TwinfoldError, type WorkspaceId } from "@twinfold/core";
import { keysUnder, REPLICA_FORMAT, type ReplicaSchema, type StoredNode } from "./replica-format.js";
import { removeWorkspace, writeBatch } from "./replica-write.js";
import { type Reading, StoreDatabase } from "./store-database.js";
import { takeTabLock, type TabLocks } from "./tab-lock.js";

/** `getAll` takes an unsigned long. Source: W3C Indexed Database API 3.0, 4.5. */
const MAX_COUNT = 2 ** 32 - 1;

export interface IdbReplicaStoreOptions {
  /** Tells this site's replica stores apart. The database, and the lock on it, are called `twinfold-replica:` and this name. */
  readonly name: string;
  /** @default `navigator.locks` */
  readonly locks?: TabLocks | undefined;
}

/**
 * One device's metadata in IndexedDB, which one tab or worker of the site at a time can open.
 *
 * @throws {TwinfoldError} `ERR_IN_USE` while it is open in this or another tab; `ERR_NEWER_FORMAT`; `ERR_PERMISSION_DENIED` when the browser
 *   forbids the site to store data; `ERR_STORE_FAILED`.
 */
export async function createIdbReplicaStore({ name, locks = globalThis.navigator?.locks }: IdbReplicaStoreOptions): Promise<ReplicaStore> {
  const place = `twinfold-replica:${name}`;
  const lock = await takeTabLock(locks, place);
  const database = await StoreDatabase.open<ReplicaSchema>(place, REPLICA_FORMAT).catch(async (error: unknown) => {
    await lock.release();
    throw error;
  });
  // Whoever stole the lock writes now: this store must not.
  void lock.gone.then(() => database.end(() => new TwinfoldError("ERR_IN_USE", `${place} was taken over by another tab; reload this page`)));
  void database.ended.then(() => lock.release());

  /** Runs `body` with the workspace's number; one that was never written is 0, which no row has. */
  function read<T>(workspaceId: WorkspaceId, body: (transaction: Reading<ReplicaSchema>, workspace: number) => Promise<T>): Promise<T> {
    return database.read("reading", async (transaction) =>
      body(transaction, (await transaction.objectStore("workspaces").index("byId").getKey(workspaceId)) ?? 0),
    );
  }

  function workspaceRow(workspaceId: WorkspaceId) {
    return database.read("reading", async (transaction) => transaction.objectStore("workspaces").index("byId").get(workspaceId));
  }

  function children(index: "byLocalName" | "byRemoteName", workspaceId: WorkspaceId, parentId: string): Promise<readonly ReplicaRow[]> {
    return read(workspaceId, async (transaction, workspace) =>
      rowsFrom(await transaction.objectStore("nodes").index(index).getAll(keysUnder(workspace, parentId))).sort((a, b) =>
        a.nodeId < b.nodeId ? -1 : 1,
      ),
    );
  }

  function byName(index: "byLocalName" | "byRemoteName", workspaceId: WorkspaceId, keys: readonly NameKey[]) {
    return read(workspaceId, async (transaction, workspace) => {
      const names = transaction.objectStore("nodes").index(index);
      return Promise.all(keys.map(async ({ parentId, nameKey }) => rowsFrom(await names.getAll([workspace, parentId, nameKey]))));
    });
  }

  return {
    rows(workspaceId, nodeIds) {
      return read(workspaceId, async (transaction, workspace) => {
        const nodes = transaction.objectStore("nodes");
        const found = await Promise.all(nodeIds.map((nodeId) => nodes.get([workspace, nodeId])));
        return found.map((row) => row && rowFrom(row));
      });
    },
    localChildren: (workspaceId, parentId) => children("byLocalName", workspaceId, parentId),
    remoteChildren: (workspaceId, parentId) => children("byRemoteName", workspaceId, parentId),
    localByName: (workspaceId, keys) => byName("byLocalName", workspaceId, keys),
    remoteByName: (workspaceId, keys) => byName("byRemoteName", workspaceId, keys),
    byInode(workspaceId, inodes) {
      return read(workspaceId, async (transaction, workspace) => {
        const index = transaction.objectStore("nodes").index("byInode");
        return Promise.all(inodes.map(async (inode) => rowsFrom(await index.getAll([workspace, inode]))));
      });
    },
    byManifest(workspaceId, manifestIds, limit) {
      return read(workspaceId, async (transaction, workspace) => {
        const index = transaction.objectStore("nodes").index("byManifest");
        const rowsOf = (manifestId: ManifestId) => atMost(limit, (count) => index.getAll([workspace, manifestId], count));
        return Promise.all(manifestIds.map(async (manifestId) => rowsFrom(await rowsOf(manifestId))));
      });
    },
    dirty(workspaceId, limit) {
      return read(workspaceId, async (transaction, workspace) => {
        const index = transaction.objectStore("nodes").index("byTurn");
        return rowsFrom(await atMost(limit, (count) => index.getAll(keysUnder(workspace), count)));
      });
    },
    page(workspaceId, after, limit) {
      return read(workspaceId, async (transaction, workspace) => {
        const keys = IDBKeyRange.bound([workspace, after ?? ""], [workspace, []], true);
        return rowsFrom(await atMost(limit, (count) => transaction.objectStore("nodes").getAll(keys, count)));
      });
    },
    async counts(workspaceId) {
      const { nodes = 0, dirty = 0 } = (await workspaceRow(workspaceId)) ?? {};
      return { nodes, dirty };
    },
    manifests(workspaceId, manifestIds) {
      return read(workspaceId, async (transaction, workspace) => {
        const manifests = transaction.objectStore("manifests");
        return Promise.all(manifestIds.map((manifestId) => manifests.get([workspace, manifestId])));
      });
    },
    looks(workspaceId, nodeIds) {
      return read(workspaceId, async (transaction, workspace) => {
        const looks = transaction.objectStore("looks");
        return Promise.all(nodeIds.map((nodeId) => looks.get([workspace, nodeId])));
      });
    },
    async state(workspaceId) {
      return (await workspaceRow(workspaceId))?.state;
    },
    outbox(workspaceId) {
      return read(workspaceId, async (transaction, workspace) => {
        const outbox = transaction.objectStore("outbox");
        const [keys, bodies] = await Promise.all([outbox.getAllKeys(keysUnder(workspace)), outbox.getAll(keysUnder(workspace))]);
        return bodies.map((body, i) => ({ counter: (keys[i] as (typeof keys)[number])[1], body }));
      });
    },
    write: (workspaceId, batch) => database.write("writing to", async (transaction) => writeBatch(transaction, workspaceId, batch)),
    removeWorkspace: (workspaceId) => database.write("removing a workspace from", async (transaction) => removeWorkspace(transaction, workspaceId)),
    async close() {
      await database.close();
      await lock.release();
    },
  };
}

/** IndexedDB takes no limit of 0, which means none, and none beyond 32 bits. */
async function atMost<T>(limit: number, read: (count: number) => Promise<T[]>): Promise<T[]> {
  return limit < 1 ? [] : await read(Math.min(limit, MAX_COUNT));
}

function rowsFrom(rows: readonly StoredNode[]): ReplicaRow[] {
  return rows.map(rowFrom);
}

function rowFrom({ nodeId, body, turn, local, remote }: StoredNode): ReplicaRow {
  return { nodeId, body, dirty: turn !== undefined, ...(local && { local }), ...(remote && { remote }) };
}
