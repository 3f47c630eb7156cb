import type { HubBatch, HubRow, HubStore, NodeRow, WorkspaceId } from "@twinfold/core";
import { assertBytes, assertEqual, assertRejects, assertTrue } from "./assertions.js";
import { type Clause, type ConformanceOptions, describeClauses } from "./clauses.js";
import {
  CONFUSABLE_NAMES,
  patternedBytes,
  sampleAccountId,
  sampleChunkId,
  sampleDraftId,
  sampleManifestId,
  sampleNodeId,
  sampleReplicaId,
  sampleWorkspaceId,
  upTo,
} from "./samples.js";
import type { TestRunner } from "./test-runner.js";
import { turn } from "./turn.js";

const OWNER = sampleAccountId(1);
const ROOT = sampleNodeId(0);
const W = sampleWorkspaceId(1);
const OTHER = sampleWorkspaceId(2);
const UNKNOWN = sampleWorkspaceId(3);

/** Four values for each are more than one SQL statement takes as variables (SQLite 32,766). Source: sqlite.org/limits.html */
const MANY = 10_000;
const WRITERS = 32;
const APPENDS_PER_WRITER = 4;
const MIB = 1024 * 1024;

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const chainOf = (n: number): Uint8Array => new Uint8Array(32).fill(n);

const workspaceRow = (workspaceId: WorkspaceId) => ({
  workspaceId,
  rootNodeId: ROOT,
  epoch: "0123456789abcdef".repeat(2),
  stamp: 0,
  headSeq: 0,
  chain: chainOf(7),
  compactedBelow: 0,
});

function node(n: number, nameKey: string, options: Partial<NodeRow> = {}): NodeRow {
  return { nodeId: sampleNodeId(n), parentId: ROOT, nameKey, deleted: false, seq: n, body: bytes(n & 255, 1), ...options };
}

const nodeRow = (...args: Parameters<typeof node>): HubRow => ({ table: "node", row: node(...args) });
const journalOf = (seq: number, body = bytes(seq & 255)) => ({ seq, body, chain: chainOf(seq & 255) });
const journalRow = (...args: Parameters<typeof journalOf>): HubRow => ({ table: "journal", row: journalOf(...args) });
const headRow = (headSeq: number): HubRow => {
  const { workspaceId: _id, stamp: _stamp, ...row } = workspaceRow(W);
  return { table: "workspace", row: { ...row, headSeq, chain: chainOf(headSeq & 255) } };
};

async function stampOf(store: HubStore, workspaceId = W): Promise<number> {
  const row = await store.workspace(workspaceId);
  assertTrue(row !== undefined, "a workspace that was created is there");
  return row.stamp;
}

/** Appends at the current stamp, which has to succeed. */
async function append(store: HubStore, ...rows: HubRow[]): Promise<void> {
  assertEqual(await store.append([{ workspaceId: W, expectedStamp: await stampOf(store), rows }]), ["appended"], "an append at the current stamp");
}

async function nameOf(store: HubStore, nameKey: string, parentId = ROOT): Promise<string | undefined> {
  const [found] = await store.nodesByName(W, [{ parentId, nameKey }]);
  return found?.nodeId;
}

/** A clause on a store with the empty workspaces `W` and `OTHER`. */
function onWorkspaces(check: Clause<HubStore>["check"]): Clause<HubStore> {
  return {
    async check(store, harness) {
      for (const workspaceId of [W, OTHER]) assertEqual(await store.createWorkspace(workspaceRow(workspaceId), OWNER), "created");
      await check(store, harness);
    },
  };
}

const reopened = (clause: Clause<HubStore>): Clause<HubStore> => ({ ...clause, needsReopen: true });

const CLAUSES = {
  "HS1 all rows of a batch can be read": onWorkspaces(async (store) => {
    const mark = { replicaId: sampleReplicaId(1), accountId: OWNER, watermark: 5, answers: bytes(1, 2), ackedSeq: 3 };
    const draft = {
      draftId: sampleDraftId(1),
      replicaId: sampleReplicaId(1),
      manifest: bytes(9),
      length: 3,
      touchedAtMs: 1_700_000_000_000,
      about: bytes(8),
    };
    const revision = { nodeId: sampleNodeId(1), revision: 1, body: bytes(4) };
    await append(
      store,
      headRow(1),
      { table: "member", accountId: sampleAccountId(2), role: "viewer" },
      nodeRow(1, "a"),
      journalRow(1),
      { table: "revision", row: revision },
      { table: "manifest", manifestId: sampleManifestId(1), body: bytes(5) },
      { table: "mark", row: mark },
      { table: "possessed", chunkId: sampleChunkId(1), lengthBytes: 10 },
      { table: "draft", row: draft },
    );
    assertEqual((await store.workspace(W))?.headSeq, 1);
    assertBytes((await store.workspace(W))?.chain, chainOf(1));
    assertEqual(await store.role(W, sampleAccountId(2)), "viewer");
    assertEqual(await store.nodes(W, [sampleNodeId(1)]), [node(1, "a")]);
    assertEqual(await store.journal(W, 0, 10), [{ seq: 1, body: bytes(1), chain: chainOf(1) }]);
    assertEqual(await store.revisions(W, sampleNodeId(1), 10), [revision]);
    assertEqual(await store.manifests(W, [sampleManifestId(1)]), [bytes(5)]);
    assertEqual(await store.mark(W, sampleReplicaId(1)), mark);
    assertEqual(await store.possessed(W, [sampleChunkId(1)]), new Map([[sampleChunkId(1), 10]]));
    assertEqual(await store.draft(W, sampleDraftId(1)), draft);
  }),
  "HS1 drafts are listed without their entries, by id, as many as are asked for": onWorkspaces(async (store) => {
    const draft = (n: number) => ({ draftId: sampleDraftId(n), replicaId: sampleReplicaId(n), length: n, touchedAtMs: 10 - n });
    const listed = [draft(1), { ...draft(2), about: bytes(8) }, draft(3)];
    await append(
      store,
      ...[2, 0, 1].map((n): HubRow => ({ table: "draft", row: { ...(listed[n] as ReturnType<typeof draft>), manifest: bytes(9) } })),
    );
    assertEqual(await store.drafts(W, 10), listed);
    assertEqual(await store.drafts(W, 2), listed.slice(0, 2));
    assertEqual(await store.drafts(OTHER, 10), [], "drafts of another workspace");
    await append(store, { table: "draft-removed", draftId: sampleDraftId(2) });
    assertEqual(await store.drafts(W, 10), [draft(1), draft(3)]);
  }),
  "HS1 a later row replaces the one with its key": onWorkspaces(async (store) => {
    const member = (role: "viewer" | "editor" | undefined): HubRow => ({ table: "member", accountId: sampleAccountId(2), role });
    const draft = (touchedAtMs: number): HubRow => ({
      table: "draft",
      row: { draftId: sampleDraftId(1), replicaId: sampleReplicaId(1), manifest: bytes(), length: 0, touchedAtMs },
    });
    const mark = (watermark: number): HubRow => ({
      table: "mark",
      row: { replicaId: sampleReplicaId(1), accountId: OWNER, watermark, answers: bytes(), ackedSeq: 0 },
    });
    await append(store, nodeRow(1, "a"), member("viewer"), draft(1), mark(1));
    await append(store, nodeRow(1, "b", { seq: 9, body: bytes(2) }), member("editor"), draft(2), mark(2));
    assertEqual(await store.nodes(W, [sampleNodeId(1)]), [node(1, "b", { seq: 9, body: bytes(2) })]);
    assertEqual(await nameOf(store, "a"), undefined, "the name that a node had before");
    assertEqual(await store.nodesSince(W, 0, 10), [node(1, "b", { seq: 9, body: bytes(2) })]);
    assertEqual(await store.role(W, sampleAccountId(2)), "editor");
    assertEqual((await store.draft(W, sampleDraftId(1)))?.touchedAtMs, 2);
    assertEqual((await store.mark(W, sampleReplicaId(1)))?.watermark, 2);
    await append(store, member(undefined), { table: "draft-removed", draftId: sampleDraftId(1) });
    assertEqual(await store.role(W, sampleAccountId(2)), undefined, "the role of a removed member");
    assertEqual(await store.draft(W, sampleDraftId(1)), undefined, "a removed draft");
  }),
  "HS1 bodies come back whole, from nothing to 8 MiB": onWorkspaces(async (store) => {
    const sizes = [0, 1, 65_537, 8 * MIB];
    await append(
      store,
      ...sizes.map((sizeBytes, i): HubRow => ({ table: "manifest", manifestId: sampleManifestId(i), body: patternedBytes(sizeBytes) })),
    );
    const bodies = await store.manifests(
      W,
      sizes.map((_, i) => sampleManifestId(i)),
    );
    for (const [i, body] of bodies.entries()) assertBytes(body, patternedBytes(sizes[i] as number), `${sizes[i]} bytes`);
    await append(store, nodeRow(1, "a", { body: bytes() }), nodeRow(2, "b", { body: patternedBytes(65_537) }));
    assertEqual(
      (await store.nodesSince(W, 0, 2)).map(({ body }) => body),
      [bytes(), patternedBytes(65_537)],
    );
  }),
  "HS1 numbers beyond 32 bits come back as they were": onWorkspaces(async (store) => {
    const large = Number.MAX_SAFE_INTEGER;
    const mark = { replicaId: sampleReplicaId(1), accountId: OWNER, watermark: large, answers: bytes(), ackedSeq: large - 1 };
    await append(store, nodeRow(1, "a", { seq: large }), headRow(large), { table: "mark", row: mark }, { table: "journal", row: journalOf(large) });
    assertEqual((await store.workspace(W))?.headSeq, large);
    assertEqual(await store.mark(W, sampleReplicaId(1)), mark);
    assertEqual(await store.nodesSince(W, large - 1, 1), [node(1, "a", { seq: large })]);
    assertEqual(await store.nodesSince(W, large, 1), []);
    assertEqual(await store.journal(W, large - 1, 1), [journalOf(large)]);
  }),
  "HS1 HS6 a reader sees all of a batch or nothing of it": onWorkspaces(async (store) => {
    let writing = true;
    const written = append(store, ...upTo(WRITERS).map((n) => nodeRow(n, `name ${n}`))).finally(() => {
      writing = false;
    });
    do {
      const { length } = await store.nodesSince(W, 0, WRITERS + 1);
      assertTrue(length === 0 || length === WRITERS, `none or all of ${WRITERS} rows, got ${length}`);
      await turn();
    } while (writing);
    await written;
    assertEqual((await store.nodesSince(W, 0, WRITERS + 1)).length, WRITERS);
  }),
  "HS1 HS10 a batch that fails rejects and changes nothing, and the others of its call stand": onWorkspaces(async (store) => {
    await append(store, nodeRow(1, "taken"));
    const clash: HubBatch = { workspaceId: W, expectedStamp: 1, rows: [journalRow(1), headRow(1), nodeRow(2, "free"), nodeRow(3, "taken")] };
    const fine = (workspaceId: WorkspaceId, n: number): HubBatch => ({
      workspaceId,
      rows: [{ table: "possessed", chunkId: sampleChunkId(n), lengthBytes: 1 }],
    });
    await assertRejects(store.append([fine(W, 1), clash, fine(OTHER, 2)]), "ERR_STORE_FAILED", "a call with a batch that breaks HS5");
    assertEqual(await stampOf(store), 1, "the stamp after a batch that failed");
    assertEqual(await store.journal(W, 0, 10), []);
    assertEqual((await store.workspace(W))?.headSeq, 0);
    assertEqual(await store.nodes(W, [sampleNodeId(2), sampleNodeId(3)]), [undefined, undefined]);
    assertEqual((await store.possessed(W, [sampleChunkId(1)])).size, 1, "rows of the batch before");
    assertEqual((await store.possessed(OTHER, [sampleChunkId(2)])).size, 1, "rows of the batch after");
  }),
  "HS1 concurrent appends that fail or are stale harm no other": onWorkspaces(async (store) => {
    await append(store, nodeRow(1, "taken"));
    const outcomes = await Promise.allSettled([
      store.append([{ workspaceId: W, expectedStamp: 0, rows: [nodeRow(2, "x")] }]),
      store.append([{ workspaceId: W, expectedStamp: 1, rows: [nodeRow(3, "taken")] }]),
      store.append([{ workspaceId: W, expectedStamp: 1, rows: [nodeRow(4, "y")] }]),
      store.append([{ workspaceId: OTHER, expectedStamp: 0, rows: [nodeRow(5, "z")] }]),
    ]);
    assertEqual(
      outcomes.map((outcome) => (outcome.status === "fulfilled" ? outcome.value[0] : "failed")),
      ["stale", "failed", "appended", "appended"],
    );
    assertEqual(
      (await store.nodesSince(W, 0, 10)).map(({ nodeId }) => nodeId),
      [sampleNodeId(1), sampleNodeId(4)],
    );
  }),
  "HS2 a stale batch changes nothing; an accepted one moves the stamp by one": onWorkspaces(async (store) => {
    await append(store, nodeRow(1, "a"));
    assertEqual(await stampOf(store), 1);
    for (const expectedStamp of [0, 2]) {
      const rows = [nodeRow(2, "b"), journalRow(1), headRow(9)];
      assertEqual(await store.append([{ workspaceId: W, expectedStamp, rows }]), ["stale"]);
    }
    assertEqual(await stampOf(store), 1);
    assertEqual(await store.nodes(W, [sampleNodeId(2)]), [undefined]);
    assertEqual(await store.journal(W, 0, 10), []);
    assertEqual(await store.append([{ workspaceId: W, expectedStamp: 1, rows: [] }]), ["appended"], "a batch without rows");
    assertEqual(await stampOf(store), 2);
    assertEqual(await stampOf(store, OTHER), 0, "another workspace's stamp");
  }),
  "HS2 an append to a workspace that does not exist is stale": onWorkspaces(async (store) => {
    assertEqual(await store.append([{ workspaceId: UNKNOWN, expectedStamp: 0, rows: [nodeRow(1, "a")] }]), ["stale"]);
    assertEqual(await store.workspace(UNKNOWN), undefined);
    assertEqual(await store.nodes(UNKNOWN, [sampleNodeId(1)]), [undefined]);
  }),
  "HS3 of two appends with one stamp exactly one is appended": onWorkspaces(async (store) => {
    const batch = (n: number): HubBatch => ({ workspaceId: W, expectedStamp: 0, rows: [nodeRow(n, `name ${n}`)] });
    const apart = await Promise.all([store.append([batch(1)]), store.append([batch(2)])]);
    assertEqual(apart.flat().sort(), ["appended", "stale"]);
    assertEqual(
      (
        await store.append([
          { ...batch(3), expectedStamp: 1 },
          { ...batch(4), expectedStamp: 1 },
        ])
      ).toSorted(),
      ["appended", "stale"],
    );
    assertEqual((await store.nodesSince(W, 0, 10)).length, 2);
  }),
  "HS3 32 concurrent writers make a journal without gaps, and no row is lost": onWorkspaces(async (store) => {
    async function write(writer: number): Promise<void> {
      for (let n = 0; n < APPENDS_PER_WRITER; ) {
        const { stamp, headSeq } = (await store.workspace(W)) ?? workspaceRow(W);
        const seq = headSeq + 1;
        const rows = [journalRow(seq, bytes(writer, n)), headRow(seq)];
        const [outcome] = await store.append([{ workspaceId: W, expectedStamp: stamp, rows }]);
        if (outcome === "appended") n++;
      }
    }
    await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
    const count = WRITERS * APPENDS_PER_WRITER;
    const rows = await store.journal(W, 0, count + 1);
    assertEqual(
      rows.map(({ seq }) => seq),
      Array.from({ length: count }, (_, i) => i + 1),
      "the journal's seqs",
    );
    assertEqual(new Set(rows.map(({ body }) => body.join("/"))).size, count, "distinct rows");
    assertEqual(await stampOf(store), count);
  }),
  "HS4 a batch without a stamp is appended, and leaves the stamp alone": onWorkspaces(async (store) => {
    const rows: HubRow[] = [
      { table: "possessed", chunkId: sampleChunkId(1), lengthBytes: 1 },
      { table: "manifest", manifestId: sampleManifestId(1), body: bytes(1) },
      { table: "draft", row: { draftId: sampleDraftId(1), replicaId: sampleReplicaId(1), manifest: bytes(), length: 0, touchedAtMs: 1 } },
    ];
    assertEqual(
      await store.append([
        { workspaceId: W, rows },
        { workspaceId: UNKNOWN, rows },
      ]),
      ["appended", "stale"],
    );
    assertEqual(await stampOf(store), 0);
    assertEqual((await store.possessed(W, [sampleChunkId(1)])).size, 1);
    assertEqual((await store.possessed(UNKNOWN, [sampleChunkId(1)])).size, 0);
  }),
  "HS4 32 batches without a stamp do not make one with a stamp stale, nor wait for it": onWorkspaces(async (store) => {
    const possession = (n: number): HubBatch => ({ workspaceId: W, rows: [{ table: "possessed", chunkId: sampleChunkId(n), lengthBytes: n }] });
    const stamped = store.append([{ workspaceId: W, expectedStamp: 0, rows: [nodeRow(1, "a")] }]);
    const outcomes = await Promise.all(upTo(WRITERS).map((n) => store.append([possession(n)])));
    assertEqual(new Set(outcomes.flat()), new Set(["appended"]));
    assertEqual(await stamped, ["appended"]);
    assertEqual(await stampOf(store), 1);
    assertEqual((await store.possessed(W, upTo(WRITERS).map(sampleChunkId))).size, WRITERS);
  }),
  "HS5 two live nodes cannot have one name": onWorkspaces(async (store) => {
    await append(store, nodeRow(1, "a"));
    await assertRejects(store.append([{ workspaceId: W, expectedStamp: 1, rows: [nodeRow(2, "a")] }]), "ERR_STORE_FAILED");
    assertEqual(await nameOf(store, "a"), sampleNodeId(1));
    await append(store, nodeRow(2, "a", { deleted: true }), nodeRow(3, "a", { parentId: sampleNodeId(9) }));
    assertEqual(await nameOf(store, "a"), sampleNodeId(1), "beside a deleted node with its name, and one elsewhere");
    await append(store, nodeRow(1, "a", { deleted: true }));
    assertEqual(await nameOf(store, "a"), undefined, "the name of deleted nodes");
    await append(store, nodeRow(2, "a"));
    assertEqual(await nameOf(store, "a"), sampleNodeId(2), "after a deleted node came back");
  }),
  "HS5 a batch may give a deleted or moved node's name to another, in any order of its rows": onWorkspaces(async (store) => {
    await append(store, nodeRow(1, "a"), nodeRow(2, "b"));
    await append(store, nodeRow(3, "a"), nodeRow(1, "a", { deleted: true }));
    await append(store, nodeRow(2, "b", { parentId: sampleNodeId(9) }), nodeRow(4, "b"));
    assertEqual([await nameOf(store, "a"), await nameOf(store, "b"), await nameOf(store, "b", sampleNodeId(9))], [3, 4, 2].map(sampleNodeId));
    const rows = [nodeRow(5, "twice"), nodeRow(6, "twice")];
    await assertRejects(store.append([{ workspaceId: W, expectedStamp: 3, rows }]), "ERR_STORE_FAILED", "two new nodes of one name");
    assertEqual(await nameOf(store, "twice"), undefined);
    await append(store, nodeRow(5, "once"), nodeRow(5, "twice"));
    assertEqual([await nameOf(store, "once"), await nameOf(store, "twice")], [undefined, sampleNodeId(5)], "a node that is written twice");
  }),
  "HS5 a batch may swap names, and pass them on in a chain": onWorkspaces(async (store) => {
    await append(store, nodeRow(1, "a"), nodeRow(2, "b"), nodeRow(3, "c"));
    await append(store, nodeRow(1, "b"), nodeRow(2, "a"));
    assertEqual([await nameOf(store, "a"), await nameOf(store, "b")], [sampleNodeId(2), sampleNodeId(1)]);
    await append(store, nodeRow(4, "c"), nodeRow(3, "a"), nodeRow(2, "b"), nodeRow(1, "b", { deleted: true }));
    assertEqual([await nameOf(store, "a"), await nameOf(store, "b"), await nameOf(store, "c")], [3, 2, 4].map(sampleNodeId));
  }),
  "HS6 several keys are answered in their order, absent and repeated ones too": onWorkspaces(async (store) => {
    await append(store, nodeRow(1, "a"), nodeRow(2, "b"), { table: "manifest", manifestId: sampleManifestId(1), body: bytes(1) });
    const ids = [2, 7, 1, 2].map(sampleNodeId);
    const found = [node(2, "b"), undefined, node(1, "a"), node(2, "b")];
    assertEqual(await store.nodes(W, ids), found);
    assertEqual(
      await store.nodesByName(
        W,
        ["b", "x", "a", "b"].map((nameKey) => ({ parentId: ROOT, nameKey })),
      ),
      found,
    );
    assertEqual(await store.manifests(W, [2, 1].map(sampleManifestId)), [undefined, bytes(1)]);
    const row = { chunkId: sampleChunkId(1), pack: "p", offset: 2 ** 40, storedBytes: 3, plainBytes: 4, codec: "deflate" } as const;
    await store.addChunks([row]);
    assertEqual(await store.chunks([2, 1].map(sampleChunkId)), [undefined, row]);
  }),
  "HS6 empty lists are answered with empty lists": onWorkspaces(async (store) => {
    assertEqual(await store.append([]), []);
    assertEqual(await store.nodes(W, []), []);
    assertEqual(await store.nodesByName(W, []), []);
    assertEqual(await store.manifests(W, []), []);
    assertEqual(await store.possessed(W, []), new Map());
    assertEqual(await store.chunks([]), []);
    await store.addChunks([]);
  }),
  "HS6 lists are paged by what follows": onWorkspaces(async (store) => {
    const numbers = Array.from({ length: 7 }, (_, i) => i + 1);
    await append(
      store,
      ...numbers.map((n) => nodeRow(n, `name ${n}`, { deleted: n === 4, seq: 20 - n })),
      ...numbers.map((seq) => journalRow(seq)),
      ...numbers.map((revision): HubRow => ({ table: "revision", row: { nodeId: sampleNodeId(1), revision, body: bytes(revision) } })),
    );
    assertEqual(await store.children(W, ROOT, { limit: 2 }), [1, 2].map(sampleNodeId));
    assertEqual(await store.children(W, ROOT, { after: sampleNodeId(2), limit: 3 }), [3, 5, 6].map(sampleNodeId), "live children only");
    assertEqual(await store.children(W, ROOT, { after: sampleNodeId(7), limit: 3 }), []);
    assertEqual(
      (await store.nodesSince(W, 0, 3)).map(({ seq }) => seq),
      [13, 14, 15],
    );
    assertEqual(
      (await store.nodesSince(W, 15, 10)).map(({ seq, deleted }) => [seq, deleted]),
      [
        [16, true],
        [17, false],
        [18, false],
        [19, false],
      ],
    );
    assertEqual(
      (await store.journal(W, 2, 2)).map(({ seq }) => seq),
      [3, 4],
    );
    assertEqual(
      (await store.revisions(W, sampleNodeId(1), 2)).map(({ revision }) => revision),
      [7, 6],
      "newest first",
    );
    assertEqual(await store.revisions(W, sampleNodeId(2), 2), []);
  }),
  "HS6 10,000 keys can be written and asked for at once": onWorkspaces(async (store) => {
    const numbers = Array.from({ length: MANY }, (_, i) => i + 1);
    const possessed = numbers.map((n): HubRow => ({ table: "possessed", chunkId: sampleChunkId(2 * n), lengthBytes: n }));
    await append(store, ...numbers.map((n) => nodeRow(n, `name ${n}`)), ...possessed);
    const rows = numbers.map((n) => ({ chunkId: sampleChunkId(n), pack: "p", offset: n, storedBytes: 1, plainBytes: 1, codec: "plain" }) as const);
    await store.addChunks(rows);
    const expected = numbers.map((n) => node(n, `name ${n}`));
    assertEqual(await store.nodes(W, numbers.map(sampleNodeId)), expected);
    assertEqual(
      await store.nodesByName(
        W,
        numbers.map((n) => ({ parentId: ROOT, nameKey: `name ${n}` })),
      ),
      expected,
    );
    const found = await store.possessed(W, numbers.map(sampleChunkId));
    assertEqual(
      numbers.map((n) => found.get(sampleChunkId(n))),
      numbers.map((n) => (n % 2 === 0 ? n / 2 : undefined)),
      "lengths of possessed chunks",
    );
    assertEqual(await store.chunks(numbers.map(sampleChunkId)), rows);
    assertEqual((await store.manifests(W, numbers.map(sampleManifestId))).length, MANY);
  }),
  "HS6 workspaces do not see each other's rows": onWorkspaces(async (store) => {
    await append(store, nodeRow(1, "a"), journalRow(1), { table: "possessed", chunkId: sampleChunkId(1), lengthBytes: 1 });
    assertEqual(await store.nodes(OTHER, [sampleNodeId(1)]), [undefined]);
    assertEqual(await store.nodesByName(OTHER, [{ parentId: ROOT, nameKey: "a" }]), [undefined]);
    assertEqual(await store.children(OTHER, ROOT, { limit: 10 }), []);
    assertEqual(await store.nodesSince(OTHER, 0, 10), []);
    assertEqual(await store.journal(OTHER, 0, 10), []);
    assertEqual(await store.possessed(OTHER, [sampleChunkId(1)]), new Map());
  }),
  "HS6 a chunk keeps its first place": onWorkspaces(async (store) => {
    const row = { chunkId: sampleChunkId(1), pack: "first", offset: 1, storedBytes: 1, plainBytes: 1, codec: "plain" } as const;
    await store.addChunks([row]);
    await store.addChunks([
      { ...row, pack: "second" },
      { ...row, chunkId: sampleChunkId(2), pack: "second" },
    ]);
    assertEqual(
      (await store.chunks([1, 2].map(sampleChunkId))).map((chunk) => chunk?.pack),
      ["first", "second"],
    );
  }),
  "HS7 names are told apart byte by byte": onWorkspaces(async (store) => {
    await append(store, ...CONFUSABLE_NAMES.map((name, i) => nodeRow(i + 1, name)));
    const keys = CONFUSABLE_NAMES.map((nameKey) => ({ parentId: ROOT, nameKey }));
    assertEqual(
      await store.nodesByName(W, keys),
      CONFUSABLE_NAMES.map((name, i) => node(i + 1, name)),
    );
    assertEqual(
      await store.nodesByName(
        W,
        ["B", "a__", "__PROTO__", "hasOwnProperty", ""].map((nameKey) => ({ parentId: ROOT, nameKey })),
      ),
      [undefined, undefined, undefined, undefined, undefined],
    );
  }),
  "HS8 a workspace is created once": onWorkspaces(async (store) => {
    assertEqual(await store.workspace(W), workspaceRow(W));
    assertEqual(await store.role(W, OWNER), "owner");
    const again = { ...workspaceRow(W), headSeq: 5, stamp: 9 };
    assertEqual(await store.createWorkspace(again, sampleAccountId(2)), "exists");
    assertEqual(await store.workspace(W), workspaceRow(W));
    assertEqual(await store.role(W, sampleAccountId(2)), undefined);
    const both = [sampleAccountId(3), sampleAccountId(4)];
    const outcomes = await Promise.all(both.map((owner) => store.createWorkspace(workspaceRow(UNKNOWN), owner)));
    assertEqual(outcomes.toSorted(), ["created", "exists"]);
    const winner = outcomes.indexOf("created");
    assertEqual(
      await Promise.all(both.map((owner) => store.role(UNKNOWN, owner))),
      [0, 1].map((i) => (i === winner ? "owner" : undefined)),
    );
  }),
  "HS9 after close every call rejects": onWorkspaces(async (store) => {
    await store.close();
    await store.close();
    const calls: ReadonlyArray<() => Promise<unknown>> = [
      () => store.createWorkspace(workspaceRow(UNKNOWN), OWNER),
      () => store.workspace(W),
      () => store.role(W, OWNER),
      () => store.nodes(W, []),
      () => store.nodesByName(W, []),
      () => store.children(W, ROOT, { limit: 1 }),
      () => store.nodesSince(W, 0, 1),
      () => store.journal(W, 0, 1),
      () => store.revisions(W, ROOT, 1),
      () => store.manifests(W, []),
      () => store.possessed(W, []),
      () => store.mark(W, sampleReplicaId(1)),
      () => store.draft(W, sampleDraftId(1)),
      () => store.drafts(W, 1),
      () => store.append([{ workspaceId: W, expectedStamp: 0, rows: [] }]),
      () => store.chunks([]),
      () => store.addChunks([]),
    ];
    for (const call of calls) await assertRejects(call(), "ERR_CLOSED", String(call));
  }),
  "HS9 what was appended is there when the store is opened again": reopened(
    onWorkspaces(async (store, { reopen }) => {
      await append(store, nodeRow(1, "a"), journalRow(1), headRow(1));
      const last = store.append([{ workspaceId: W, expectedStamp: 1, rows: [nodeRow(2, "b")] }]); // answered or refused, but never lost
      await store.close();
      const answered = await last.then(
        ([outcome]) => outcome === "appended",
        () => false,
      );
      const again = await reopen(store);
      assertEqual(await again.workspace(W), { ...workspaceRow(W), stamp: answered ? 2 : 1, headSeq: 1, chain: chainOf(1) });
      assertEqual((await again.nodesSince(W, 0, 10)).length, answered ? 2 : 1);
      assertEqual((await again.journal(W, 0, 10)).length, 1);
    }),
  ),
  "HS9 of 32 appends under way when the store closes, those that were answered are there": reopened(
    onWorkspaces(async (store, { reopen }) => {
      const possession = (n: number): HubBatch => ({ workspaceId: W, rows: [{ table: "possessed", chunkId: sampleChunkId(n), lengthBytes: n }] });
      const appending = Promise.allSettled(upTo(WRITERS).map((n) => store.append([possession(n)])));
      await store.close();
      const answered = (await appending).flatMap(({ status }, i) => (status === "fulfilled" ? [sampleChunkId(i + 1)] : []));
      const found = await (await reopen(store)).possessed(W, answered);
      assertEqual(new Set(found.keys()), new Set(answered));
    }),
  ),
  "HS10 arrays given and taken are the caller's own": onWorkspaces(async (store) => {
    const body = bytes(1, 2, 3);
    await append(store, nodeRow(1, "a", { body }), { table: "manifest", manifestId: sampleManifestId(1), body });
    body.fill(0);
    const [first] = await store.nodes(W, [sampleNodeId(1)]);
    assertBytes(first?.body, bytes(1, 2, 3));
    first?.body.fill(9);
    const [manifest] = await store.manifests(W, [sampleManifestId(1)]);
    manifest?.slice().fill(9); // a Buffer's slice would share its memory
    assertEqual((await store.nodes(W, [sampleNodeId(1)]))[0]?.body, bytes(1, 2, 3));
    assertBytes(manifest, bytes(1, 2, 3));
    assertTrue(manifest?.constructor === Uint8Array, "bytes are a plain Uint8Array");
  }),
} satisfies Record<string, Clause<HubStore>>;

export type HubStoreClause = keyof typeof CLAUSES;

/** Checks every numbered guarantee of `HubStore`. */
export function hubStoreConformance(runner: TestRunner, options: ConformanceOptions<HubStore, HubStoreClause>): void {
  describeClauses(runner, "HubStore conformance", CLAUSES, options);
}
