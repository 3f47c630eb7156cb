import type { NodeId, ReplicaBatch, ReplicaRow, ReplicaStore } from "@twinfold/core";
import { assertBytes, assertEqual, assertRejects, assertTrue, rejectionOf } from "./assertions.js";
import { type Clause, type ConformanceOptions, describeClauses } from "./clauses.js";
import { CONFUSABLE_NAMES, patternedBytes, sampleManifestId, sampleNodeId, sampleWorkspaceId, upTo } from "./samples.js";
import type { TestRunner } from "./test-runner.js";
import { turn } from "./turn.js";

const ROOT = sampleNodeId(0);
const W = sampleWorkspaceId(1);
const OTHER = sampleWorkspaceId(2);

/** Ten values for each are more than one SQL statement takes as variables (SQLite 32,766). Source: sqlite.org/limits.html */
const MANY = 10_000;
const WRITERS = 32;

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

function row(n: number, options: Partial<ReplicaRow> = {}): ReplicaRow {
  return { nodeId: sampleNodeId(n), body: bytes(n & 255), dirty: false, ...options };
}

const named = (n: number, nameKey: string, parentId = ROOT): ReplicaRow => {
  const place = { parentId, nameKey };
  return row(n, { local: { ...place, inode: `inode ${n}`, manifestId: sampleManifestId(1) }, remote: place });
};

const FOLDER = sampleNodeId(200);
const OTHER_FOLDER = sampleNodeId(201);

const inFolder = (n: number, parentId: NodeId): ReplicaRow => row(n, { local: { parentId, nameKey: `name ${n}` } });

const numbersOf = (rows: readonly ReplicaRow[]): number[] => rows.map(({ nodeId }) => Number.parseInt(nodeId, 16));

const CLAUSES = {
  "RS1 all of a batch can be read": {
    async check(store) {
      const full = row(1, {
        dirty: true,
        local: { parentId: ROOT, nameKey: "a", inode: "7:9", manifestId: sampleManifestId(1) },
        remote: { parentId: sampleNodeId(2), nameKey: "b" },
      });
      const rows = [full, row(2), row(3, { local: { parentId: ROOT, nameKey: "c" } }), row(4, { remote: { parentId: ROOT, nameKey: "d" } })];
      const outbox = [
        { counter: 2, body: bytes(2) },
        { counter: 1, body: bytes(1) },
      ];
      await store.write(W, {
        put: rows,
        manifests: [{ manifestId: sampleManifestId(1), body: bytes(5) }],
        looks: [{ nodeId: ROOT, body: bytes(7) }],
        state: bytes(6),
        outboxPut: outbox,
      });
      assertEqual(await store.rows(W, [1, 2, 3, 4].map(sampleNodeId)), rows);
      assertEqual(await store.manifests(W, [sampleManifestId(1)]), [bytes(5)]);
      assertEqual(await store.looks(W, [ROOT]), [bytes(7)]);
      assertEqual(await store.state(W), bytes(6));
      assertEqual(await store.outbox(W), outbox.toReversed(), "the outbox, ascending by counter");
      assertEqual(await store.counts(W), { nodes: 4, dirty: 1 });
    },
  },
  "RS1 bodies come back whole, from nothing to 8 MiB": {
    async check(store) {
      const sizes = [0, 1, 65_537, 8 * 1024 * 1024];
      const bodies = sizes.map(patternedBytes);
      await store.write(W, {
        put: bodies.slice(0, 3).map((body, i) => row(i, { body })),
        manifests: bodies.map((body, i) => ({ manifestId: sampleManifestId(i), body })),
        outboxPut: bodies.map((body, counter) => ({ counter, body })),
      });
      const [rows, outbox] = [await store.page(W, undefined, sizes.length), await store.outbox(W)];
      const manifests = await store.manifests(
        W,
        sizes.map((_, i) => sampleManifestId(i)),
      );
      for (const [i, body] of bodies.entries()) {
        if (i < 3) assertBytes(rows[i]?.body, body, `a row of ${body.length} bytes`);
        assertBytes(manifests[i], body, `a manifest of ${body.length} bytes`);
        assertBytes(outbox[i]?.body, body, `a commit of ${body.length} bytes`);
      }
    },
  },
  "RS1 the outbox is in the order of its numbers, beyond 32 bits too": {
    async check(store) {
      const counters = [10, 9, 2 ** 32 + 1, 1, Number.MAX_SAFE_INTEGER];
      await store.write(W, { outboxPut: counters.map((counter) => ({ counter, body: bytes(1) })) });
      const ordered = async () => (await store.outbox(W)).map(({ counter }) => counter);
      assertEqual(await ordered(), [1, 9, 10, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER]);
      await store.write(W, { outboxRemove: [2 ** 32 + 1, 9] });
      assertEqual(await ordered(), [1, 10, Number.MAX_SAFE_INTEGER]);
    },
  },
  "RS1 a reader sees all of a batch or nothing of it": {
    async check(store) {
      let writing = true;
      const written = store.write(W, { put: upTo(WRITERS).map((n) => row(n, { dirty: true })) }).finally(() => {
        writing = false;
      });
      do {
        const { nodes, dirty } = await store.counts(W);
        assertTrue((nodes === 0 || nodes === WRITERS) && dirty === nodes, `none or all of ${WRITERS} rows, got ${nodes}`);
        await turn();
      } while (writing);
      await written;
      assertEqual(await store.counts(W), { nodes: WRITERS, dirty: WRITERS });
    },
  },
  "RS1 a batch that fails changes nothing, and harms no other": {
    async check(store) {
      await store.write(W, { put: [row(1)], state: bytes(1) });
      const broken = { put: [row(2), { ...row(3), body: undefined as unknown as Uint8Array }], remove: [sampleNodeId(1)], state: bytes(2) };
      const outcomes = await Promise.allSettled([store.write(W, { put: [row(4)] }), store.write(W, broken), store.write(OTHER, { put: [row(5)] })]);
      assertEqual(
        outcomes.map(({ status }) => status),
        ["fulfilled", "rejected", "fulfilled"],
      );
      assertEqual(numbersOf(await store.page(W, undefined, 10)), [1, 4]);
      assertEqual(numbersOf(await store.page(OTHER, undefined, 10)), [5]);
      assertEqual(await store.state(W), bytes(1));
      assertEqual(await store.counts(W), { nodes: 2, dirty: 0 });
    },
  },
  "RS1 remove is done before put": {
    async check(store) {
      await store.write(W, { put: [named(1, "a"), named(2, "b")] });
      await store.write(W, { put: [named(1, "c")], remove: [1, 2, 3].map(sampleNodeId) });
      assertEqual(await store.page(W, undefined, 10), [named(1, "c")]);
      assertEqual(
        await store.localByName(
          W,
          ["a", "b"].map((nameKey) => ({ parentId: ROOT, nameKey })),
        ),
        [[], []],
      );
      assertEqual(await store.byInode(W, ["inode 2"]), [[]]);
      assertEqual(await store.counts(W), { nodes: 1, dirty: 0 });
      await store.write(W, {
        outboxPut: [
          { counter: 1, body: bytes(1) },
          { counter: 2, body: bytes(2) },
        ],
      });
      await store.write(W, { outboxPut: [{ counter: 1, body: bytes(3) }], outboxRemove: [1, 2, 9] });
      assertEqual(await store.outbox(W), [{ counter: 1, body: bytes(3) }]);
    },
  },
  "RS1 what a batch does not name stays": {
    async check(store) {
      const outbox = [{ counter: 1, body: bytes(1) }];
      await store.write(W, { put: [row(1)], state: bytes(1), outboxPut: outbox, manifests: [{ manifestId: sampleManifestId(1), body: bytes(1) }] });
      await store.write(W, { looks: [{ nodeId: ROOT, body: bytes(1) }] });
      await store.write(W, {});
      await store.write(W, { put: [], remove: [], manifests: [], looks: [], outboxPut: [], outboxRemove: [] });
      assertEqual(await store.rows(W, [sampleNodeId(1)]), [row(1)]);
      assertEqual(await store.looks(W, [ROOT]), [bytes(1)]);
      assertEqual(await store.state(W), bytes(1));
      assertEqual(await store.outbox(W), outbox);
      assertEqual(await store.manifests(W, [sampleManifestId(1)]), [bytes(1)]);
    },
  },
  "RS1 concurrent writes are all there": {
    async check(store) {
      await Promise.all(upTo(WRITERS).map((n) => store.write(W, { put: [row(n, { dirty: true })], outboxPut: [{ counter: n, body: bytes(n) }] })));
      assertEqual(await store.counts(W), { nodes: WRITERS, dirty: WRITERS });
      assertEqual(numbersOf(await store.dirty(W, WRITERS)), upTo(WRITERS));
      assertEqual((await store.outbox(W)).length, WRITERS);
    },
  },
  "RS2 several keys are answered in their order, absent and repeated ones too": {
    async check(store) {
      await store.write(W, { put: [named(1, "a"), named(2, "b")], manifests: [{ manifestId: sampleManifestId(1), body: bytes(1) }] });
      const found = [named(2, "b"), undefined, named(1, "a"), named(2, "b")];
      const lists = found.map((one) => (one === undefined ? [] : [one]));
      const keys = ["b", "x", "a", "b"].map((nameKey) => ({ parentId: ROOT, nameKey }));
      assertEqual(await store.rows(W, [2, 7, 1, 2].map(sampleNodeId)), found);
      assertEqual(await store.localByName(W, keys), lists);
      assertEqual(await store.remoteByName(W, keys), lists);
      assertEqual(
        await store.byInode(
          W,
          [2, 7, 1, 2].map((n) => `inode ${n}`),
        ),
        lists,
      );
      assertEqual(await store.manifests(W, [2, 1].map(sampleManifestId)), [undefined, bytes(1)]);
      await store.write(W, { looks: [{ nodeId: sampleNodeId(1), body: bytes(1) }] });
      assertEqual(await store.looks(W, [2, 1, 1].map(sampleNodeId)), [undefined, bytes(1), bytes(1)]);
      for (const none of [store.rows(W, []), store.localByName(W, []), store.remoteByName(W, []), store.byInode(W, []), store.manifests(W, [])]) {
        assertEqual(await none, []);
      }
      assertEqual(await store.looks(W, []), []);
    },
  },
  "RS2 a row that is written again is found by its new keys only": {
    async check(store) {
      await store.write(W, { put: [named(1, "a")] });
      const moved = row(1, { local: { parentId: sampleNodeId(5), nameKey: "b", inode: "new" } });
      await store.write(W, { put: [moved] });
      assertEqual(await store.localChildren(W, ROOT), []);
      assertEqual(await store.remoteChildren(W, ROOT), []);
      assertEqual(await store.byInode(W, ["inode 1", "new"]), [[], [moved]]);
      assertEqual(await store.byManifest(W, [sampleManifestId(1)], 10), [[]]);
      assertEqual(await store.localChildren(W, sampleNodeId(5)), [moved]);
    },
  },
  "RS2 a batch may swap the names and inodes of two rows": {
    async check(store) {
      await store.write(W, { put: [named(1, "a"), named(2, "b")] });
      const [first, second] = [row(1, { ...named(2, "b"), nodeId: sampleNodeId(1) }), row(2, { ...named(1, "a"), nodeId: sampleNodeId(2) })];
      await store.write(W, { put: [first, second] });
      const keys = ["a", "b"].map((nameKey) => ({ parentId: ROOT, nameKey }));
      assertEqual(await store.localByName(W, keys), [[second], [first]]);
      assertEqual(await store.remoteByName(W, keys), [[second], [first]]);
      assertEqual(await store.byInode(W, ["inode 1", "inode 2"]), [[second], [first]]);
    },
  },
  "RS2 pages go through all rows by node id": {
    async check(store) {
      await store.write(W, { put: [5, 1, 3, 2, 4].map((n) => row(n)) });
      assertEqual(numbersOf(await store.page(W, undefined, 2)), [1, 2]);
      assertEqual(numbersOf(await store.page(W, sampleNodeId(2), 2)), [3, 4]);
      await store.write(W, { remove: [sampleNodeId(4)], put: [row(6)] });
      assertEqual(numbersOf(await store.page(W, sampleNodeId(4), 2)), [5, 6], "after a row that is gone");
      assertEqual(await store.page(W, sampleNodeId(6), 2), []);
    },
  },
  "RS2 10,000 rows can be written and asked for at once": {
    async check(store) {
      const rows = upTo(MANY).map((n) => named(n, `name ${n}`));
      const keys = rows.map(({ nodeId }, i) => ({ nodeId, parentId: ROOT, nameKey: `name ${i + 1}` }));
      await store.write(W, { put: rows, manifests: upTo(MANY).map((n) => ({ manifestId: sampleManifestId(n), body: bytes(1) })) });
      assertEqual(
        await store.rows(
          W,
          rows.map(({ nodeId }) => nodeId),
        ),
        rows,
      );
      assertEqual((await store.localByName(W, keys)).flat(), rows);
      assertEqual((await store.remoteByName(W, keys)).flat(), rows);
      assertEqual(
        (
          await store.byInode(
            W,
            upTo(MANY).map((n) => `inode ${n}`),
          )
        ).flat(),
        rows,
      );
      assertEqual((await store.manifests(W, upTo(MANY + 1).map(sampleManifestId))).filter((body) => body !== undefined).length, MANY);
      await store.write(W, { remove: rows.map(({ nodeId }) => nodeId) });
      assertEqual(await store.counts(W), { nodes: 0, dirty: 0 });
    },
  },
  "RS3 workspaces do not see each other's rows": {
    async check(store) {
      const batch = { put: [row(1, { ...named(1, "a"), dirty: true })], state: bytes(1), outboxPut: [{ counter: 1, body: bytes(1) }] };
      await store.write(W, { ...batch, manifests: [{ manifestId: sampleManifestId(1), body: bytes(1) }], looks: [{ nodeId: ROOT, body: bytes(1) }] });
      assertEqual(await store.rows(OTHER, [sampleNodeId(1)]), [undefined]);
      assertEqual(await store.localByName(OTHER, [{ parentId: ROOT, nameKey: "a" }]), [[]]);
      assertEqual(await store.byInode(OTHER, ["inode 1"]), [[]]);
      assertEqual(await store.byManifest(OTHER, [sampleManifestId(1)], 1), [[]]);
      assertEqual(await store.localChildren(OTHER, ROOT), []);
      assertEqual(await store.remoteChildren(OTHER, ROOT), []);
      assertEqual(await store.dirty(OTHER, 1), []);
      assertEqual(await store.page(OTHER, undefined, 1), []);
      assertEqual(await store.counts(OTHER), { nodes: 0, dirty: 0 });
      assertEqual(await store.manifests(OTHER, [sampleManifestId(1)]), [undefined]);
      assertEqual(await store.looks(OTHER, [ROOT]), [undefined]);
      assertEqual(await store.state(OTHER), undefined);
      assertEqual(await store.outbox(OTHER), []);
      await store.write(OTHER, { put: [named(1, "a")] });
      assertEqual(await store.looks(W, [ROOT]), [bytes(1)], "after a row of another workspace was written");
    },
  },
  "RS3 a workspace that is removed is forgotten, and no other": {
    async check(store) {
      for (const workspaceId of [W, OTHER]) {
        await store.write(workspaceId, { put: [row(1, { dirty: true })], state: bytes(1), outboxPut: [{ counter: 1, body: bytes(1) }] });
        await store.write(workspaceId, {
          manifests: [{ manifestId: sampleManifestId(1), body: bytes(1) }],
          looks: [{ nodeId: ROOT, body: bytes(1) }],
        });
      }
      await store.removeWorkspace(W);
      await store.removeWorkspace(sampleWorkspaceId(9));
      assertEqual(await store.counts(W), { nodes: 0, dirty: 0 });
      assertEqual(await store.page(W, undefined, 1), []);
      assertEqual(await store.dirty(W, 1), []);
      assertEqual(await store.state(W), undefined);
      assertEqual(await store.outbox(W), []);
      assertEqual(await store.manifests(W, [sampleManifestId(1)]), [undefined]);
      assertEqual(await store.looks(W, [ROOT]), [undefined]);
      assertEqual(await store.looks(OTHER, [ROOT]), [bytes(1)]);
      assertEqual(await store.counts(OTHER), { nodes: 1, dirty: 1 });
      assertEqual(await store.outbox(OTHER), [{ counter: 1, body: bytes(1) }]);
      await store.write(W, { put: [row(2)] });
      assertEqual(await store.page(W, undefined, 10), [row(2)], "the rows of a workspace that came back");
    },
  },
  "RS4 all rows with one key are given": {
    async check(store) {
      const other = row(4, { local: { parentId: ROOT, nameKey: "a", inode: "inode 1" } });
      await store.write(W, { put: [named(1, "a"), named(2, "a"), named(3, "b"), other] });
      const key = { parentId: ROOT, nameKey: "a" };
      assertEqual(new Set(numbersOf((await store.localByName(W, [key]))[0] ?? [])), new Set([1, 2, 4]));
      assertEqual(new Set(numbersOf((await store.remoteByName(W, [key]))[0] ?? [])), new Set([1, 2]));
      assertEqual(new Set(numbersOf((await store.byInode(W, ["inode 1"]))[0] ?? [])), new Set([1, 4]));
      assertEqual(new Set(numbersOf(await store.localChildren(W, ROOT))), new Set([1, 2, 3, 4]));
      assertEqual(new Set(numbersOf(await store.remoteChildren(W, ROOT))), new Set([1, 2, 3]));
      const [none, all] = await store.byManifest(W, [sampleManifestId(2), sampleManifestId(1)], 10);
      assertEqual(none, []);
      assertEqual(new Set(numbersOf(all ?? [])), new Set([1, 2, 3]));
      const limited = await store.byManifest(W, [sampleManifestId(1), sampleManifestId(1)], 2);
      assertEqual(
        limited.map(({ length }) => length),
        [2, 2],
        "rows of a limited read, for each",
      );
    },
  },
  "RS5 dirty rows come in the order in which they became dirty": {
    async check(store) {
      const dirty = (n: number): ReplicaRow => row(n, { dirty: true });
      await store.write(W, { put: [dirty(5), dirty(1), row(3)] });
      await store.write(W, { put: [dirty(4), row(2)] });
      assertEqual(numbersOf(await store.dirty(W, 10)), [5, 1, 4]);
      await store.write(W, { put: [dirty(4), dirty(5)] });
      assertEqual(numbersOf(await store.dirty(W, 10)), [5, 1, 4], "after rows were written dirty again");
      await store.write(W, { put: [row(5), dirty(3)] });
      await store.write(W, { put: [dirty(5)] });
      assertEqual(numbersOf(await store.dirty(W, 10)), [1, 4, 3, 5], "after a row was clean in between");
      assertEqual(numbersOf(await store.dirty(W, 2)), [1, 4]);
      await store.write(W, { remove: [1, 3].map(sampleNodeId) });
      assertEqual(await store.counts(W), { nodes: 3, dirty: 2 });
      assertEqual(numbersOf(await store.dirty(W, 10)), [4, 5]);
    },
  },
  "RS6 names are told apart byte by byte": {
    async check(store) {
      const rows = CONFUSABLE_NAMES.map((name, i) => ({ ...named(i + 1, name), local: { parentId: ROOT, nameKey: name, inode: name } }));
      await store.write(W, { put: rows });
      const keys = CONFUSABLE_NAMES.map((nameKey) => ({ parentId: ROOT, nameKey }));
      const lists = rows.map((one) => [one]);
      assertEqual(await store.localByName(W, keys), lists);
      assertEqual(await store.remoteByName(W, keys), lists);
      assertEqual(await store.byInode(W, CONFUSABLE_NAMES), lists);
      assertEqual(
        await store.localByName(
          W,
          ["a__", "B", ""].map((nameKey) => ({ parentId: ROOT, nameKey })),
        ),
        [[], [], []],
      );
    },
  },
  "RS7 a store that is open is not opened again until it is closed": {
    needsReopen: true,
    async check(store, { reopen }) {
      await store.write(W, { put: [row(1)] });
      await assertRejects(reopen(store), "ERR_IN_USE", "opening a store that is open");
      await store.write(W, { put: [row(2)] });
      await store.close();
      const again = await reopen(store);
      assertEqual(numbersOf(await again.page(W, undefined, 10)), [1, 2]);
    },
  },
  "RS8 after close every call rejects": {
    async check(store) {
      await store.close();
      await store.close();
      const calls: ReadonlyArray<() => Promise<unknown>> = [
        () => store.rows(W, []),
        () => store.localChildren(W, ROOT),
        () => store.remoteChildren(W, ROOT),
        () => store.localByName(W, []),
        () => store.remoteByName(W, []),
        () => store.byInode(W, []),
        () => store.byManifest(W, [sampleManifestId(1)], 1),
        () => store.dirty(W, 1),
        () => store.page(W, undefined, 1),
        () => store.counts(W),
        () => store.manifests(W, []),
        () => store.looks(W, []),
        () => store.state(W),
        () => store.outbox(W),
        () => store.write(W, {}),
        () => store.removeWorkspace(W),
      ];
      for (const call of calls) await assertRejects(call(), "ERR_CLOSED", String(call));
    },
  },
  "RS8 what was written is there when the store is opened again": {
    needsReopen: true,
    async check(store, { reopen }) {
      const dirty = [3, 1, 2].map((n) => ({ ...named(n, `name ${n}`), dirty: true }));
      await store.write(W, { put: dirty, looks: [{ nodeId: ROOT, body: bytes(9) }], state: bytes(1), outboxPut: [{ counter: 1, body: bytes(1) }] });
      await store.close();
      const again = await reopen(store);
      assertEqual(await again.dirty(W, 10), dirty);
      assertEqual(await again.counts(W), { nodes: 3, dirty: 3 });
      assertEqual(await again.looks(W, [ROOT]), [bytes(9)]);
      assertEqual(await again.state(W), bytes(1));
      assertEqual(await again.outbox(W), [{ counter: 1, body: bytes(1) }]);
      await again.write(W, { put: [row(4, { dirty: true })] });
      assertEqual(numbersOf(await again.dirty(W, 10)), [3, 1, 2, 4], "a turn of a later session");
    },
  },
  "RS8 of 32 writes under way when the store closes, those that resolved are there, whole": {
    needsReopen: true,
    async check(store, { reopen }) {
      const writing = Promise.allSettled(upTo(WRITERS).map((n) => store.write(W, { put: [row(n)], outboxPut: [{ counter: n, body: bytes(n) }] })));
      await store.close();
      const resolved = (await writing).flatMap(({ status }, i) => (status === "fulfilled" ? [i + 1] : []));
      const again = await reopen(store);
      const rows = numbersOf(await again.page(W, undefined, WRITERS));
      const counters = (await again.outbox(W)).map(({ counter }) => counter);
      assertEqual(rows, counters, "rows and outbox of the same writes");
      assertEqual(new Set(rows.filter((n) => resolved.includes(n))), new Set(resolved), "writes that resolved");
    },
  },
  "RS9 arrays given and taken are the caller's own": {
    async check(store) {
      const body = bytes(1, 2, 3);
      await store.write(W, { put: [row(1, { body })], state: body, outboxPut: [{ counter: 1, body }] });
      body.fill(0);
      const [taken] = await store.rows(W, [sampleNodeId(1)]);
      assertBytes(taken?.body, bytes(1, 2, 3));
      taken?.body.fill(9);
      const state = await store.state(W);
      state?.slice().fill(9); // a Buffer's slice would share its memory
      assertBytes(state, bytes(1, 2, 3));
      assertTrue(state?.constructor === Uint8Array, "bytes are a plain Uint8Array");
      assertBytes((await store.rows(W, [sampleNodeId(1)]))[0]?.body, bytes(1, 2, 3));
      assertBytes((await store.outbox(W))[0]?.body, bytes(1, 2, 3));
      await store.write(W, { state: bytes() });
      assertBytes(await store.state(W), bytes(), "an empty state");
    },
  },
  "RS10 a look is forgotten when a row comes into its directory, is written in it, leaves it, or is removed from it": {
    async check(store) {
      const changes: Readonly<Record<string, readonly [before: readonly ReplicaRow[], change: ReplicaBatch]>> = {
        comes: [[], { put: [inFolder(1, FOLDER)] }],
        "is written": [[inFolder(1, FOLDER)], { put: [{ ...inFolder(1, FOLDER), body: bytes(9) }] }],
        "is renamed": [[inFolder(1, FOLDER)], { put: [{ ...inFolder(1, FOLDER), local: { parentId: FOLDER, nameKey: "other" } }] }],
        "moves out": [[inFolder(1, FOLDER)], { put: [inFolder(1, OTHER_FOLDER)] }],
        "moves in": [[inFolder(1, OTHER_FOLDER)], { put: [inFolder(1, FOLDER)] }],
        "is no more on the disk": [[inFolder(1, FOLDER)], { put: [row(1, { remote: { parentId: FOLDER, nameKey: "a" } })] }],
        "is removed": [[inFolder(1, FOLDER)], { remove: [sampleNodeId(1)] }],
        "is removed and written anew": [[inFolder(1, FOLDER)], { remove: [sampleNodeId(1)], put: [row(1)] }],
        "is written together with many": [[], { put: upTo(100).map((n) => inFolder(n, n === 50 ? FOLDER : ROOT)) }],
      };
      for (const [what, [before, change]] of Object.entries(changes)) {
        await store.write(W, { put: before, looks: [{ nodeId: FOLDER, body: bytes(1) }] });
        await store.write(W, change);
        assertEqual(await store.looks(W, [FOLDER]), [undefined], what);
        await store.removeWorkspace(W);
      }
    },
  },
  "RS10 a look is forgotten when its directory leaves the local tree": {
    async check(store) {
      const folder: ReplicaRow = { ...inFolder(1, ROOT), nodeId: FOLDER };
      for (const change of [{ remove: [FOLDER] }, { put: [{ nodeId: FOLDER, body: bytes(1), dirty: true }] }]) {
        await store.write(W, { put: [folder], looks: [{ nodeId: FOLDER, body: bytes(1) }] });
        await store.write(W, change);
        assertEqual(await store.looks(W, [FOLDER]), [undefined]);
      }
    },
  },
  "RS10 a look stays when other rows are written": {
    async check(store) {
      const folder: ReplicaRow = { ...inFolder(1, ROOT), nodeId: FOLDER };
      const rows = [folder, inFolder(2, FOLDER), inFolder(3, OTHER_FOLDER), row(4, { remote: { parentId: FOLDER, nameKey: "a" } })];
      await store.write(W, { put: rows, looks: [{ nodeId: FOLDER, body: bytes(1) }] });
      assertEqual(await store.looks(W, [FOLDER]), [bytes(1)], "written with its rows");
      await store.write(W, { put: [folder, inFolder(3, ROOT), { ...row(4), dirty: true }, row(5)], state: bytes(1) });
      await store.write(W, { remove: [3, 4, 9].map(sampleNodeId), outboxPut: [{ counter: 1, body: bytes(1) }] });
      assertEqual(await store.looks(W, [FOLDER]), [bytes(1)]);
    },
  },
  "RS10 a batch that fails forgets no look": {
    async check(store) {
      await store.write(W, { put: [inFolder(1, FOLDER)], looks: [{ nodeId: FOLDER, body: bytes(1) }] });
      const broken = { put: [inFolder(2, FOLDER), { ...row(3), body: undefined as unknown as Uint8Array }] };
      await rejectionOf(store.write(W, broken));
      assertEqual(await store.looks(W, [FOLDER]), [bytes(1)]);
    },
  },
} satisfies Record<string, Clause<ReplicaStore>>;

export type ReplicaStoreClause = keyof typeof CLAUSES;

/** Checks every numbered guarantee of `ReplicaStore`. */
export function replicaStoreConformance(runner: TestRunner, options: ConformanceOptions<ReplicaStore, ReplicaStoreClause>): void {
  describeClauses(runner, "ReplicaStore conformance", CLAUSES, options);
}
