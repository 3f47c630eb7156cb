import {
  createMemoryReplicaStore,
  type ManifestId,
  type NodeId,
  type ReplicaBatch,
  type ReplicaRow,
  type ReplicaStore,
  type WorkspaceId,
} from "@twinfold/core";
import fc from "fast-check";
import { expect, it } from "vitest";
import { createSqliteReplicaStore } from "../src/index.js";
import { temporaryPath } from "./temporary-path.js";

/* A few ids, names and inodes, so that rows meet. */
const WORKSPACES = ["1", "2"].map((digit) => digit.repeat(32) as WorkspaceId);
const NODES = Array.from({ length: 6 }, (_, n) => n.toString(16).repeat(32) as NodeId);
const MANIFESTS = ["a", "b"].map((digit) => digit.repeat(64) as ManifestId);
const NAMES = ["a", "A", "%"];
const INODES = ["1", "2"];
const COUNTERS = [1, 2, 300];

const bytes = fc.uint8Array({ maxLength: 3 });
const name = fc.record({ parentId: fc.constantFrom(...NODES.slice(0, 2)), nameKey: fc.constantFrom(...NAMES) });
const local = fc
  .tuple(name, fc.option(fc.constantFrom(...INODES), { nil: undefined }), fc.option(fc.constantFrom(...MANIFESTS), { nil: undefined }))
  .map(([place, inode, manifestId]) => ({ ...place, ...(inode && { inode }), ...(manifestId && { manifestId }) }));
const row: fc.Arbitrary<ReplicaRow> = fc
  .record({ nodeId: fc.constantFrom(...NODES), body: bytes, dirty: fc.boolean(), local: fc.option(local), remote: fc.option(name) })
  .map(({ local, remote, ...rest }) => ({ ...rest, ...(local && { local }), ...(remote && { remote }) }));
const batch: fc.Arbitrary<ReplicaBatch> = fc.record(
  {
    put: fc.array(row, { maxLength: 6 }),
    remove: fc.array(fc.constantFrom(...NODES), { maxLength: 3 }),
    manifests: fc.array(fc.record({ manifestId: fc.constantFrom(...MANIFESTS), body: bytes }), { maxLength: 2 }),
    looks: fc.array(fc.record({ nodeId: fc.constantFrom(...NODES), body: bytes }), { maxLength: 3 }),
    state: bytes,
    outboxPut: fc.array(fc.record({ counter: fc.constantFrom(...COUNTERS), body: bytes }), { maxLength: 2 }),
    outboxRemove: fc.array(fc.constantFrom(...COUNTERS), { maxLength: 2 }),
  },
  { requiredKeys: [] },
);
const command = fc.record({
  workspaceId: fc.constantFrom(...WORKSPACES),
  batch: fc.option(batch, { freq: 12, nil: undefined }), // none: the workspace is removed
});

/** Everything that can be asked of a store. */
async function answersOf(store: ReplicaStore): Promise<unknown> {
  const keys = NODES.flatMap((parentId) => NAMES.map((nameKey) => ({ parentId, nameKey })));
  return Promise.all(
    WORKSPACES.map(async (workspaceId) => ({
      rows: await store.rows(workspaceId, NODES),
      localChildren: await Promise.all(NODES.map((parentId) => store.localChildren(workspaceId, parentId))),
      remoteChildren: await Promise.all(NODES.map((parentId) => store.remoteChildren(workspaceId, parentId))),
      localByName: await store.localByName(workspaceId, keys),
      remoteByName: await store.remoteByName(workspaceId, keys),
      byInode: await store.byInode(workspaceId, INODES),
      byManifest: (await store.byManifest(workspaceId, MANIFESTS, NODES.length)).map((rows) => new Set(rows)),
      limitedByManifest: (await store.byManifest(workspaceId, MANIFESTS, 1)).map(({ length }) => length),
      dirty: await store.dirty(workspaceId, NODES.length),
      firstDirty: await store.dirty(workspaceId, 2),
      page: await store.page(workspaceId, undefined, NODES.length),
      nextPage: await store.page(workspaceId, NODES[2], 2),
      counts: await store.counts(workspaceId),
      manifests: await store.manifests(workspaceId, MANIFESTS),
      looks: await store.looks(workspaceId, NODES),
      state: await store.state(workspaceId),
      outbox: await store.outbox(workspaceId),
    })),
  );
}

it("answers as the store in memory does, whatever was written, and so again after it was opened anew", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 12 }), async (commands) => {
      const path = temporaryPath();
      const model = createMemoryReplicaStore();
      let store = await createSqliteReplicaStore({ path });
      try {
        for (const { workspaceId, batch } of commands) {
          for (const each of [model, store]) {
            if (batch === undefined) await each.removeWorkspace(workspaceId);
            else await each.write(workspaceId, batch);
          }
          expect(await answersOf(store)).toEqual(await answersOf(model));
        }
        await store.close();
        store = await createSqliteReplicaStore({ path });
        expect(await answersOf(store)).toEqual(await answersOf(model));
      } finally {
        await store.close();
      }
    }),
    { numRuns: 60 },
  );
});
