import {
  type AccountId,
  type ChunkId,
  createMemoryHubStore,
  type DraftId,
  type HubRow,
  type HubStore,
  isTwinfoldError,
  type ManifestId,
  type NodeId,
  type NodeRow,
  type ReplicaId,
  type Role,
  type WorkspaceId,
} from "@twinfold/core";
import fc from "fast-check";
import { expect, it } from "vitest";
import { createSqliteHubStore } from "../src/index.js";
import { temporaryPath } from "./temporary-path.js";

/* A few ids and names, so that rows meet. The third workspace is never created. */
const WORKSPACES = ["1", "2", "3"].map((digit) => digit.repeat(32) as WorkspaceId);
const NODES = Array.from({ length: 5 }, (_, n) => n.toString(16).repeat(32) as NodeId);
const MANIFESTS = ["a", "b"].map((digit) => digit.repeat(64) as ManifestId);
const CHUNKS = ["c", "d", "e"].map((digit) => digit.repeat(64) as ChunkId);
const ACCOUNTS = ["4", "5"].map((digit) => digit.repeat(32) as AccountId);
const [OWNER, ROOT] = ["4".repeat(32) as AccountId, "0".repeat(32) as NodeId];
const REPLICAS = ["6", "7"].map((digit) => digit.repeat(32) as ReplicaId);
const DRAFTS = ["8", "9"].map((digit) => digit.repeat(32) as DraftId);
const NAMES = ["a", "A", "%"];

const bytes = fc.uint8Array({ maxLength: 3 });
const chain = fc.uint8Array({ minLength: 32, maxLength: 32 });
const roles: ReadonlyArray<Role | undefined> = ["owner", "editor", "viewer", undefined];

/** New versions of nodes; their seqs are given when they are appended. */
const versions = fc.uniqueArray(
  fc.record({
    nodeId: fc.constantFrom(...NODES),
    parentId: fc.constantFrom(...NODES.slice(0, 2)),
    nameKey: fc.constantFrom(...NAMES),
    deleted: fc.boolean(),
    body: bytes,
  }),
  { selector: ({ nodeId }) => nodeId, maxLength: 5 },
);

const unstamped: fc.Arbitrary<HubRow> = fc.oneof(
  fc.record({ table: fc.constant("manifest" as const), manifestId: fc.constantFrom(...MANIFESTS), body: bytes }),
  fc.record({ table: fc.constant("possessed" as const), chunkId: fc.constantFrom(...CHUNKS), lengthBytes: fc.nat() }),
  fc
    .record(
      {
        draftId: fc.constantFrom(...DRAFTS),
        replicaId: fc.constantFrom(...REPLICAS),
        manifest: bytes,
        length: fc.nat(),
        touchedAtMs: fc.maxSafeNat(),
        about: bytes,
      },
      { requiredKeys: ["draftId", "replicaId", "manifest", "length", "touchedAtMs"] },
    )
    .map((row): HubRow => ({ table: "draft", row })),
  fc.record({ table: fc.constant("draft-removed" as const), draftId: fc.constantFrom(...DRAFTS) }),
);
const stamped: fc.Arbitrary<HubRow> = fc.oneof(
  fc
    .record({
      rootNodeId: fc.constantFrom(...NODES),
      epoch: fc.constant("0".repeat(32)),
      headSeq: fc.maxSafeNat(),
      chain,
      compactedBelow: fc.constant(0),
    })
    .map((row): HubRow => ({ table: "workspace", row })),
  fc.record({ table: fc.constant("member" as const), accountId: fc.constantFrom(...ACCOUNTS), role: fc.constantFrom(...roles) }),
  fc
    .record({
      replicaId: fc.constantFrom(...REPLICAS),
      accountId: fc.constantFrom(...ACCOUNTS),
      watermark: fc.maxSafeNat(),
      answers: bytes,
      ackedSeq: fc.maxSafeNat(),
    })
    .map((row): HubRow => ({ table: "mark", row })),
);
const chunk = fc.record({
  chunkId: fc.constantFrom(...CHUNKS),
  pack: fc.constantFrom("p", "q"),
  offset: fc.maxSafeNat(),
  storedBytes: fc.nat(),
  plainBytes: fc.nat(),
  codec: fc.constantFrom("plain" as const, "deflate" as const),
});

const batch = fc.record({
  workspaceId: fc.constantFrom(...WORKSPACES),
  stampOffset: fc.constantFrom(0, 0, 0, 0, -1, 1),
  versions,
  others: fc.array(fc.oneof(unstamped, stamped), { maxLength: 4 }),
});
const command = fc.oneof(
  { weight: 6, arbitrary: fc.array(batch, { minLength: 1, maxLength: 3 }).map((batches) => ({ kind: "append" as const, batches })) },
  { weight: 2, arbitrary: fc.array(unstamped, { maxLength: 4 }).map((rows) => ({ kind: "add" as const, rows })) },
  { weight: 1, arbitrary: fc.array(chunk, { maxLength: 4 }).map((rows) => ({ kind: "chunks" as const, rows })) },
);

/** Everything that can be asked of a store. */
async function answersOf(store: HubStore): Promise<unknown> {
  const keys = NODES.flatMap((parentId) => NAMES.map((nameKey) => ({ parentId, nameKey })));
  const workspaces = WORKSPACES.map(async (workspaceId) => ({
    workspace: await store.workspace(workspaceId),
    roles: await Promise.all(ACCOUNTS.map((accountId) => store.role(workspaceId, accountId))),
    nodes: await store.nodes(workspaceId, NODES),
    byName: await store.nodesByName(workspaceId, keys),
    children: await Promise.all(NODES.map((parentId) => store.children(workspaceId, parentId, { limit: 3 }))),
    laterChildren: await Promise.all(NODES.map((parentId) => store.children(workspaceId, parentId, { after: NODES[1], limit: 9 }))),
    nodesSince: await store.nodesSince(workspaceId, 2, 4),
    journal: await store.journal(workspaceId, 1, 4),
    revisions: await Promise.all(NODES.map((nodeId) => store.revisions(workspaceId, nodeId, 2))),
    manifests: await store.manifests(workspaceId, MANIFESTS),
    possessed: await store.possessed(workspaceId, CHUNKS),
    marks: await Promise.all(REPLICAS.map((replicaId) => store.mark(workspaceId, replicaId))),
    draftsById: await Promise.all(DRAFTS.map((draftId) => store.draft(workspaceId, draftId))),
    drafts: await store.drafts(workspaceId, 9),
    firstDrafts: await store.drafts(workspaceId, 1),
  }));
  return { workspaces: await Promise.all(workspaces), chunks: await store.chunks(CHUNKS) };
}

/** What a hub writes of an accepted change. */
function rowsOf(row: NodeRow): readonly HubRow[] {
  const { nodeId, seq, body } = row;
  return [
    { table: "node", row },
    { table: "journal", row: { seq, body, chain: new Uint8Array(32).fill(seq) } },
    { table: "revision", row: { nodeId, revision: seq, body } },
  ];
}

/** The outcome of an append, or the code of its failure. */
function outcomeOf(appending: ReturnType<HubStore["append"]>): Promise<unknown> {
  return appending.catch((error: unknown) => (isTwinfoldError(error) ? error.code : error));
}

it("answers as the store in memory does, whatever was appended, and so again after it was opened anew", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 10 }), async (commands) => {
      const path = temporaryPath();
      const model = createMemoryHubStore();
      let store: HubStore = await createSqliteHubStore({ path });
      try {
        for (const workspaceId of WORKSPACES.slice(0, 2)) {
          const journal = { epoch: "0".repeat(32), stamp: 0, headSeq: 0, chain: new Uint8Array(32), compactedBelow: 0 };
          for (const each of [model, store]) await each.createWorkspace({ workspaceId, rootNodeId: ROOT, ...journal }, OWNER);
        }
        let seq = 0;
        for (const command of commands) {
          if (command.kind === "chunks") {
            for (const each of [model, store]) await each.addChunks(command.rows);
          } else {
            const batches = await Promise.all(
              command.kind === "add"
                ? WORKSPACES.map(async (workspaceId) => ({ workspaceId, rows: command.rows }))
                : command.batches.map(async ({ workspaceId, stampOffset, versions, others }) => {
                    const stamp = (await model.workspace(workspaceId))?.stamp ?? 0;
                    const rows = versions.flatMap((version) => rowsOf({ ...version, seq: ++seq }));
                    return { workspaceId, expectedStamp: Math.max(0, stamp + stampOffset), rows: [...rows, ...others] };
                  }),
            );
            expect(await outcomeOf(store.append(batches))).toEqual(await outcomeOf(model.append(batches)));
          }
          expect(await answersOf(store)).toEqual(await answersOf(model));
        }
        await store.close();
        store = await createSqliteHubStore({ path });
        expect(await answersOf(store)).toEqual(await answersOf(model));
      } finally {
        await store.close();
      }
    }),
    { numRuns: 60 },
  );
});
