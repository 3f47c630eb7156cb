import {
  type AcceptedFrames,
  advance,
  applyDelta,
  type Change,
  type ChangeRow,
  type ChangesAnswer,
  chunkIdOf,
  type Commit,
  type CommitAnswer,
  type Cursor,
  decodeDelta,
  diffChunk,
  EMPTY_VECTOR,
  encodeCommit,
  encodeManifest,
  fflateCompression,
  type Frame,
  type HeadsAnswer,
  MAX_BATCH_BYTES,
  MAX_ROWS,
  type NodeId,
  type NodeName,
  manifestIdOf,
  nobleSha256,
  type ReplicaId,
  sketchChunk,
  type Transport,
  type WorkspaceId,
  bytesToHex,
} from "@twinfold/core";
import { assertBytes, assertEqual, assertRejects, assertTrue, rejectionOf } from "./assertions.js";
import { type Clause, type ConformanceOptions, describeClauses } from "./clauses.js";
import { CONFUSABLE_NAMES, patternedBytes, sampleDraftId, sampleManifestId, sampleReplicaId, upTo } from "./samples.js";
import type { TestRunner } from "./test-runner.js";

/** A hub with one empty workspace, reached over the transport that is tested. */
export interface TransportFixture {
  readonly transport: Transport;
  /** A workspace that the transport's account may change. */
  readonly workspaceId: WorkspaceId;
  /** A workspace of another account. */
  readonly foreignWorkspaceId: WorkspaceId;
  /** One more session of the same account, as a device of its own has. Without it those of a clause are all `transport`. */
  readonly connect?: (() => Promise<Transport>) | undefined;
  close(): Promise<void>;
}

const REPLICA = "b1".repeat(16) as ReplicaId;
const BYTES = new TextEncoder().encode("the bytes of one chunk");
const FRAME = frameOf(BYTES);
const SESSIONS = 32;
const COMMITS_PER_SESSION = 3;
const UNKNOWN = frameOf(new TextEncoder().encode("never uploaded")).chunkId;

function frameOf(bytes: Uint8Array): Frame {
  return { chunkId: chunkIdOf(bytes, nobleSha256), codec: "plain", plainBytes: bytes.length, payload: bytes };
}

/** Bytes without repetition, by a linear congruential generator. */
function noise(sizeBytes: number): Uint8Array {
  let state = 1;
  return new Uint8Array(sizeBytes).map(() => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
}

const OLD = frameOf(noise(60_000));
/** A chunk with some bytes changed in the middle. */
const NEW = frameOf(OLD.payload.slice().fill(0, 30_000, 30_100));
/** The one as a difference to the other. */
const DIFFERENCE = diffChunk(NEW.payload, [{ chunkId: OLD.chunkId, bytes: OLD.payload }], fflateCompression) as Uint8Array;
const TEXT = frameOf(new TextEncoder().encode("a chunk of text that repeats itself. ".repeat(500)));

function nodeId(n: number): NodeId {
  return n.toString(16).padStart(32, "0") as NodeId;
}

/** A new file of at most one chunk. */
function newFile(n: number, { workspaceId }: TransportFixture, bytes?: Uint8Array, name = `file ${n}`): Change {
  const manifest = encodeManifest(bytes === undefined ? [] : [{ chunkId: chunkIdOf(bytes, nobleSha256), lengthBytes: bytes.length }]);
  const manifestId = manifestIdOf(manifest, nobleSha256);
  return {
    kind: "put",
    nodeId: nodeId(n),
    place: { place: { parentId: workspaceId as string as NodeId, name: name as NodeName }, base: EMPTY_VECTOR },
    content: { content: { kind: "file", manifestId, sizeBytes: bytes?.length ?? 0, executable: true, mtimeNs: -1n }, base: EMPTY_VECTOR, manifest },
  };
}

type Sender = Pick<TransportFixture, "transport" | "workspaceId"> & { readonly replicaId?: ReplicaId | undefined };

function send({ transport, workspaceId, replicaId = REPLICA }: Sender, counter: number, ...changes: Change[]): Promise<CommitAnswer> {
  const commit: Commit = { replicaId, counter, changes };
  return transport.commit({ workspaceId, commit: encodeCommit(commit) });
}

async function mustCommit(fixture: Sender, counter: number, ...changes: Change[]) {
  const answer = await send(fixture, counter, ...changes);
  assertTrue(answer.kind === "done", `the commit is executed, got ${answer.kind}`);
  return answer;
}

async function changesSince(
  { transport, workspaceId }: TransportFixture,
  cursor: Cursor | undefined,
  inDoubt: readonly number[] = [],
): Promise<ChangesAnswer> {
  const { workspaces } = await transport.changes({ workspaces: [{ workspaceId, replicaId: REPLICA, cursor, inDoubt }] });
  assertEqual(workspaces.length, 1, "answers");
  return workspaces[0] as ChangesAnswer;
}

async function download(
  { transport, workspaceId }: TransportFixture,
  chunkIds: ReadonlyArray<Frame["chunkId"]>,
  accepts?: AcceptedFrames,
): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const frame of transport.download({ workspaceId, chunkIds, accepts })) frames.push(frame);
  return frames;
}

/** The chunk of a frame, of which `OLD` is at hand. */
function chunkOf({ codec, payload, plainBytes }: Frame): Uint8Array {
  if (codec === "deflate") return fflateCompression.inflate(payload, plainBytes);
  return codec === "delta" ? applyDelta(decodeDelta(payload, fflateCompression), new Map([[OLD.chunkId, OLD.payload]]), plainBytes) : payload;
}

/** Every head, in the pages that the hub makes of them, each with the place from which `changes` goes on. */
async function headPages({ transport, workspaceId }: TransportFixture): Promise<HeadsAnswer[]> {
  const pages: HeadsAnswer[] = [];
  for (let afterSeq: number | undefined = 0; afterSeq !== undefined; ) {
    const page: HeadsAnswer = await transport.heads({ workspaceId, afterSeq });
    pages.push(page);
    afterSeq = page.nextAfterSeq;
  }
  return pages;
}

/** Every row after `cursor`, in the answers that the hub makes of them. */
async function rowsSince(fixture: TransportFixture, cursor: Cursor): Promise<ChangeRow[][]> {
  const answers: ChangeRow[][] = [];
  for (let from = cursor, more = true; more; ) {
    const answer = await changesSince(fixture, from);
    if (answer.kind === "unchanged") break;
    assertTrue(answer.kind === "rows", `the cursor is known, got ${answer.kind}`);
    answers.push([...answer.rows]);
    ({ cursor: from, more } = answer);
  }
  return answers;
}

const CLAUSES = {
  "TR1 what a resolved commit accepted is there for the next call": {
    check: async (fixture) => {
      const answer = await mustCommit(fixture, 1, newFile(1, fixture), newFile(2, fixture));
      assertEqual([answer.firstSeq, answer.place?.seq], [1, 2], "seqs");
      const { heads, rootNodeId } = await fixture.transport.heads({ workspaceId: fixture.workspaceId, afterSeq: 0 });
      assertEqual(
        heads.map(({ head }) => [head.nodeId, head.seq, head.revision, head.place.parentId]),
        [
          [nodeId(1), 1, 1, rootNodeId],
          [nodeId(2), 2, 1, rootNodeId],
        ],
      );
      assertEqual(heads[0]?.head.placeVector, advance(EMPTY_VECTOR, REPLICA), "vector");
    },
  },
  "TR1 32 sessions that commit at once make a journal without gaps, and no commit is lost": {
    check: async (fixture) => {
      const { cursor } = await fixture.transport.heads({ workspaceId: fixture.workspaceId, afterSeq: 0 });
      const { connect = async () => fixture.transport, workspaceId } = fixture;
      const sessions = await Promise.all(upTo(SESSIONS).map(connect));
      await Promise.all(
        sessions.map(async (transport, i) => {
          const sender = { transport, workspaceId, replicaId: sampleReplicaId(i + 1) };
          for (const counter of upTo(COMMITS_PER_SESSION)) {
            const { verdicts } = await mustCommit(sender, counter, newFile(i * COMMITS_PER_SESSION + counter, fixture));
            assertEqual(verdicts, [{ place: "accepted", content: "accepted" }]);
          }
        }),
      );
      const heads = (await rowsSince(fixture, cursor)).flat().map(({ row }) => row.head);
      const count = SESSIONS * COMMITS_PER_SESSION;
      assertEqual(
        heads.map(({ seq }) => seq),
        upTo(count),
        "seqs",
      );
      assertEqual(new Set(heads.map((head) => head.nodeId)), new Set(upTo(count).map(nodeId)), "nodes");
    },
  },
  "TR1 names cross as they are": {
    check: async (fixture) => {
      const names = CONFUSABLE_NAMES.filter((name) => name === name.normalize("NFC"));
      const { verdicts } = await mustCommit(fixture, 1, ...names.map((name, i) => newFile(i + 1, fixture, undefined, name)));
      assertEqual(new Set(verdicts.map(({ place }) => place)), new Set(["accepted"]));
      const heads = (await headPages(fixture)).flatMap((page) => page.heads);
      assertEqual(
        heads.map(({ head }) => head.place.name),
        names,
      );
      const twin = await mustCommit(fixture, 2, newFile(100, fixture, undefined, "e\u0301"));
      assertEqual(twin.verdicts[0]?.place, "collision", "the other spelling of a name");
    },
  },
  "TR2 a commit that is sent eight times at once is executed once and answered alike": {
    check: async (fixture) => {
      const answers = await Promise.all(upTo(8).map(() => send(fixture, 1, newFile(1, fixture))));
      assertEqual(answers[0]?.kind, "done");
      for (const answer of answers) assertEqual(answer, answers[0]);
      assertEqual((await headPages(fixture)).flatMap((page) => page.heads).length, 1, "nodes");
    },
  },
  "TR2 a repeated commit is executed once and answered alike": {
    check: async (fixture) => {
      const first = await mustCommit(fixture, 1, newFile(1, fixture));
      assertEqual(await send(fixture, 1, newFile(1, fixture)), first);
      assertEqual(await send(fixture, 1, newFile(2, fixture)), { kind: "cloned" });
      const { heads } = await fixture.transport.heads({ workspaceId: fixture.workspaceId, afterSeq: 0 });
      assertEqual(heads.length, 1, "nodes");
    },
  },
  "TR2 a commit from the place of another history is answered reset and not executed, before or after the same from the right place": {
    check: async (fixture) => {
      const { transport, workspaceId } = fixture;
      const { place } = await mustCommit(fixture, 1, newFile(1, fixture));
      assertTrue(place !== undefined, "the first commit has a place");
      const commit = encodeCommit({ replicaId: REPLICA, counter: 2, changes: [newFile(2, fixture)] });
      const others = [
        { ...place, epoch: "00".repeat(16) },
        { ...place, seq: place.seq + 1 },
        { ...place, chain: "00".repeat(8) },
      ];
      for (const cursor of others) assertEqual(await transport.commit({ workspaceId, commit, cursor }), { kind: "reset" });
      const { cursor } = await transport.heads({ workspaceId, afterSeq: 0 });
      assertEqual(cursor, place, "the journal's end");
      const done = await transport.commit({ workspaceId, commit, cursor });
      assertEqual([done.kind, done.kind === "done" && done.firstSeq], ["done", place.seq + 1]);
      for (const again of [undefined, place, ...others]) assertEqual(await transport.commit({ workspaceId, commit, cursor: again }), done);
    },
  },
  "TR2 a repeated upload and a repeated close of a draft are answered alike": {
    check: async ({ transport, workspaceId }) => {
      for (let i = 0; i < 2; i++) assertEqual((await transport.upload({ workspaceId, frames: [FRAME] })).stored, [FRAME.chunkId]);
      const entries = [{ chunkId: FRAME.chunkId, lengthBytes: BYTES.length }];
      const closeAs = manifestIdOf(encodeManifest(entries), nobleSha256);
      const draftId = "d1".repeat(16) as Parameters<Transport["draft"]>[0]["draftId"];
      const request = { workspaceId, replicaId: REPLICA, draftId, firstIndex: 0, runs: [{ kind: "entries" as const, entries }], closeAs };
      for (let i = 0; i < 2; i++) assertEqual(await transport.draft(request), { length: 1, closed: true });
      assertEqual(await transport.manifests({ workspaceId, wanted: [{ manifestId: closeAs }] }), [{ manifestId: closeAs, runs: request.runs }]);
    },
  },
  "TR2 a draft that is continued from the wrong place answers its length": {
    check: async ({ transport, workspaceId }) => {
      const runs = [{ kind: "entries" as const, entries: [{ chunkId: FRAME.chunkId, lengthBytes: BYTES.length }] }];
      const draft = { workspaceId, replicaId: REPLICA, draftId: "d2".repeat(16) as Parameters<Transport["draft"]>[0]["draftId"], runs };
      assertEqual(await transport.draft({ ...draft, firstIndex: 0 }), { length: 1, closed: false });
      assertEqual(await transport.draft({ ...draft, firstIndex: 0 }), { length: 1, closed: false });
      assertEqual(await transport.draft({ ...draft, firstIndex: 1 }), { length: 2, closed: false });
    },
  },
  "TR3 the outcome of an executed commit is its answer, with the hash of what was executed": {
    check: async (fixture) => {
      const { transport, workspaceId } = fixture;
      const change = newFile(1, fixture);
      const answer = await mustCommit(fixture, 1, change);
      const commitHash = bytesToHex(nobleSha256(encodeCommit({ replicaId: REPLICA, counter: 1, changes: [change] })));
      assertEqual(await transport.outcomes({ workspaceId, replicaId: REPLICA, counters: [1] }), [{ counter: 1, commitHash, answer }]);
    },
  },
  "TR3 a commit that was asked for before it came never executes": {
    check: async (fixture) => {
      const begin = (await fixture.transport.heads({ workspaceId: fixture.workspaceId, afterSeq: 0 })).cursor;
      const changes = await changesSince(fixture, begin, [1]);
      assertEqual(changes.kind === "unchanged" && changes.outcomes, [{ counter: 1, answer: { kind: "fenced" } }]);
      assertEqual(await send(fixture, 1, newFile(1, fixture)), { kind: "fenced" });
      assertEqual(await send(fixture, 3, newFile(1, fixture)), { kind: "ahead", watermark: 1 });
      await mustCommit(fixture, 2, newFile(1, fixture));
    },
  },
  "TR4 changes come in ascending order without gaps, from a cursor to the end": {
    check: async (fixture) => {
      const begin = (await fixture.transport.heads({ workspaceId: fixture.workspaceId, afterSeq: 0 })).cursor;
      for (let counter = 1; counter <= 3; counter++)
        await mustCommit(fixture, counter, newFile(2 * counter, fixture), newFile(2 * counter + 1, fixture));
      const seqs: number[] = [];
      let cursor = begin;
      for (let more = true; more; ) {
        const answer = await changesSince(fixture, cursor);
        assertTrue(answer.kind === "rows", `the cursor is known, got ${answer.kind}`);
        assertTrue(answer.rows.length > 0, "a row when there is one");
        seqs.push(...answer.rows.map(({ row }) => row.head.seq));
        assertTrue(
          answer.rows.every(({ manifest }) => manifest !== undefined),
          "a short manifest travels with its row",
        );
        ({ cursor, more } = answer);
      }
      assertEqual(seqs, [1, 2, 3, 4, 5, 6]);
      assertEqual(await changesSince(fixture, cursor), { kind: "unchanged", outcomes: [] });
    },
  },
  "TR4 the answers of changes come in the order of the queries, whatever each says": {
    check: async (fixture) => {
      const { transport, workspaceId, foreignWorkspaceId } = fixture;
      const { cursor: begin } = await transport.heads({ workspaceId, afterSeq: 0 });
      await mustCommit(fixture, 1, newFile(1, fixture));
      const { cursor: end } = await transport.heads({ workspaceId, afterSeq: 0 });
      const own = { workspaceId, replicaId: REPLICA, inDoubt: [] };
      const queries = {
        unchanged: { ...own, cursor: end },
        rows: { ...own, cursor: begin, highest: end },
        gone: { ...own, workspaceId: foreignWorkspaceId },
        reset: own,
      };
      for (const kinds of [Object.keys(queries), Object.keys(queries).reverse()] as Array<Array<keyof typeof queries>>) {
        const { workspaces } = await transport.changes({ workspaces: kinds.map((kind) => queries[kind]) });
        assertEqual(
          workspaces.map(({ kind }) => kind),
          kinds,
        );
      }
    },
  },
  "TR4 1,200 nodes come in several answers, none twice and none left out": {
    check: async (fixture) => {
      const { cursor } = await fixture.transport.heads({ workspaceId: fixture.workspaceId, afterSeq: 0 });
      const numbers = upTo(1_200);
      for (const [i, part] of [numbers.slice(0, 600), numbers.slice(600)].entries()) {
        await mustCommit(fixture, i + 1, ...part.map((n) => newFile(n, fixture)));
      }
      const pages = await headPages(fixture);
      const answers = await rowsSince(fixture, cursor);
      assertEqual(
        pages.flatMap((page) => page.heads.map(({ head }) => head.seq)),
        numbers,
        "seqs of heads",
      );
      assertEqual(
        answers.flat().map(({ row }) => row.head.seq),
        numbers,
        "seqs of changes",
      );
      for (const { heads } of pages) assertTrue(heads.length <= MAX_ROWS, `at most ${MAX_ROWS} heads in a page`);
      for (const rows of answers) assertTrue(rows.length <= MAX_ROWS, `at most ${MAX_ROWS} rows in an answer`);
      const first = pages[0]?.cursor as Cursor;
      assertEqual((await rowsSince(fixture, first)).flat(), [], "rows after the first page's place");
    },
  },
  "TR4 no cursor, one of another journal, or one beyond the end is answered reset": {
    check: async (fixture) => {
      await mustCommit(fixture, 1, newFile(1, fixture));
      const { cursor } = await fixture.transport.heads({ workspaceId: fixture.workspaceId, afterSeq: 0 });
      const foreign = [undefined, { ...cursor, epoch: "ee".repeat(16) }, { ...cursor, seq: 2 }, { ...cursor, chain: "00".repeat(8) }];
      for (const place of foreign) assertEqual((await changesSince(fixture, place)).kind, "reset", JSON.stringify(place));
      const { transport, workspaceId } = fixture;
      const query = { workspaceId, replicaId: REPLICA, cursor, highest: { ...cursor, seq: 9 }, inDoubt: [] };
      assertEqual((await transport.changes({ workspaces: [query] })).workspaces[0]?.kind, "reset", "highest");
    },
  },
  "TR5 wait resolves at once when the workspace is past the seq, and when it becomes so": {
    check: async (fixture) => {
      const { transport, workspaceId } = fixture;
      const later = transport.wait({ workspaces: [{ workspaceId, afterSeq: 0 }], timeoutMs: 30_000 });
      await mustCommit(fixture, 1, newFile(1, fixture));
      assertEqual(await later, { moved: [workspaceId] });
      assertEqual(await transport.wait({ workspaces: [{ workspaceId, afterSeq: 0 }], timeoutMs: 30_000 }), { moved: [workspaceId] });
    },
  },
  "TR5 wait resolves at once when the hub is behind the seq": {
    check: async ({ transport, workspaceId }) => {
      assertEqual(await transport.wait({ workspaces: [{ workspaceId, afterSeq: 1 }], timeoutMs: 30_000 }), { moved: [workspaceId] });
    },
  },
  "TR5 wait tells how drafts of other replicas grow, replace each other and end, where the hub offers that, and a journal that moved before them": {
    check: async (fixture) => {
      const { transport, workspaceId, foreignWorkspaceId } = fixture;
      if (!(await transport.hello()).features.includes("drafts")) return;
      const [reader, first, second] = [sampleReplicaId(2), sampleDraftId(1), sampleDraftId(2)];
      const place = { parentId: workspaceId as string as NodeId, name: "large" as NodeName };
      const about = { nodeId: nodeId(1), place, sizeBytes: 3 };
      const entries = [1, 2, 3].map((n) => ({ chunkId: frameOf(Uint8Array.of(n)).chunkId, lengthBytes: 1 }));
      const piece = (draftId: typeof first, from: number, to: number) => ({
        workspaceId,
        replicaId: REPLICA,
        draftId,
        firstIndex: from,
        runs: [{ kind: "entries" as const, entries: entries.slice(from, to) }],
      });
      const wait = (known: ReadonlyArray<readonly [typeof first, number]>, asking = reader) =>
        transport.wait({
          workspaces: [{ workspaceId, afterSeq: 0 }],
          timeoutMs: 30_000,
          drafts: [{ workspaceId, replicaId: asking, known: known.map(([draftId, length]) => ({ draftId, length })) }],
        });
      const told = (...drafts: object[]) => ({ moved: [], drafts: drafts.map((draft) => ({ workspaceId, replicaId: reader, ...draft })) });

      const held = wait([]);
      await transport.draft({ ...piece(first, 0, 2), about });
      assertEqual(await held, told({ draftId: first, grown: { about, firstIndex: 0, entries: entries.slice(0, 2) } }), "a wait that was held");
      await transport.draft({ ...piece(first, 2, 3), about });
      assertEqual(await wait([[first, 2]]), told({ draftId: first, grown: { about, firstIndex: 2, entries: entries.slice(2) } }), "what is new");
      await transport.draft({ ...piece(second, 0, 1), about });
      const replaced = told({ draftId: first }, { draftId: second, grown: { about, firstIndex: 0, entries: entries.slice(0, 1) } });
      assertEqual(await wait([[first, 3]]), replaced, "another draft of the same node");
      await transport.draft({ ...piece(second, 1, 3), closeAs: manifestIdOf(encodeManifest(entries), nobleSha256) });
      assertEqual(await wait([[second, 1]]), told({ draftId: second }), "a closed draft");
      await transport.draft(piece(sampleDraftId(3), 0, 3)); // about nothing, and so told to nobody
      await transport.draft({ ...piece(first, 0, 3), about });
      const quiet = [wait([[first, 3]]), wait([[first, Number.MAX_SAFE_INTEGER]]), wait([], REPLICA)];
      await mustCommit(fixture, 1, newFile(1, fixture));
      assertEqual(
        await Promise.all(quiet),
        upTo(3).map(() => ({ moved: [workspaceId] })),
        "waits that knew all, or were the replica's own",
      );
      assertEqual(await wait([]), { moved: [workspaceId] }, "a journal that moved");
      const foreign = [{ workspaceId: foreignWorkspaceId, replicaId: reader, known: [] }];
      await assertRejects(transport.wait({ workspaces: [], timeoutMs: 1, drafts: foreign }), "ERR_NOT_FOUND");
    },
  },
  "TR6 missing names what the workspace does not possess": {
    check: async ({ transport, workspaceId }) => {
      await transport.upload({ workspaceId, frames: [FRAME] });
      assertEqual(await transport.missing({ workspaceId, chunkIds: [UNKNOWN, FRAME.chunkId] }), [UNKNOWN]);
    },
  },
  "TR6 nothing asked is answered with nothing": {
    check: async (fixture) => {
      const { transport, workspaceId } = fixture;
      assertEqual(await transport.missing({ workspaceId, chunkIds: [] }), []);
      assertEqual(await transport.manifests({ workspaceId, wanted: [] }), []);
      assertEqual(await transport.versions({ workspaceId, nodeIds: [], limit: 1 }), []);
      assertEqual(await transport.outcomes({ workspaceId, replicaId: REPLICA, counters: [] }), []);
      assertEqual((await transport.changes({ workspaces: [] })).workspaces, []);
      assertEqual((await transport.upload({ workspaceId, frames: [] })).stored, []);
      assertEqual(await download(fixture, []), []);
    },
  },
  "TR6 a commit whose chunks are missing is refused, and accepted after their upload": {
    check: async (fixture) => {
      const { transport, workspaceId } = fixture;
      const refused = await mustCommit(fixture, 1, newFile(1, fixture, BYTES));
      assertEqual(refused.verdicts[0]?.content, "missing-chunks");
      await transport.upload({ workspaceId, frames: [FRAME] });
      const accepted = await mustCommit(fixture, 2, newFile(1, fixture, BYTES));
      assertEqual(accepted.verdicts, [{ place: "accepted", content: "accepted" }]);
      const revisions = await transport.versions({ workspaceId, nodeIds: [nodeId(1)], limit: 10 });
      assertEqual(
        revisions.map(({ revision, sizeBytes, mtimeNs, contentVector }) => [revision, sizeBytes, mtimeNs, [...contentVector]]),
        [[1, BYTES.length, -1n, [...advance(EMPTY_VECTOR, REPLICA)]]],
      );
    },
  },
  "TR7 an upload keeps its sound frames when one of them is not its id's": {
    check: async (fixture) => {
      const { transport, workspaceId } = fixture;
      const broken = { ...FRAME, chunkId: UNKNOWN };
      await assertRejects(transport.upload({ workspaceId, frames: [FRAME, broken] }), "ERR_INTEGRITY");
      assertEqual(await transport.missing({ workspaceId, chunkIds: [FRAME.chunkId, UNKNOWN] }), [UNKNOWN]);
    },
  },
  "TR7 a chunk that came as a difference, or compressed, is stored as what it is, where the hub offers that": {
    check: async (fixture) => {
      const { transport, workspaceId } = fixture;
      const { features } = await transport.hello();
      await transport.upload({ workspaceId, frames: [OLD] });
      const frames: Frame[] = [];
      if (features.includes("delta")) frames.push({ ...NEW, codec: "delta", payload: DIFFERENCE });
      if (features.includes("deflate")) frames.push({ ...TEXT, codec: "deflate", payload: fflateCompression.deflate(TEXT.payload) });
      const asked = frames.map(({ chunkId }) => chunkId);
      assertEqual(await transport.upload({ workspaceId, frames }), { stored: asked, sendPlain: [] });
      for (const frame of await download(fixture, asked)) {
        assertEqual(frame.codec, "plain", "codec of what nothing else was accepted for");
        assertBytes(frame.payload, frame.chunkId === NEW.chunkId ? NEW.payload : TEXT.payload);
      }
    },
  },
  "TR7 what cannot be rebuilt is asked for plain, and not stored: a base that is not possessed, or bytes that are not the id's": {
    check: async ({ transport, workspaceId }) => {
      if (!(await transport.hello()).features.includes("delta")) return;
      const delta: Frame = { ...NEW, codec: "delta", payload: DIFFERENCE };
      assertEqual(await transport.upload({ workspaceId, frames: [delta, FRAME] }), { stored: [FRAME.chunkId], sendPlain: [NEW.chunkId] });
      await transport.upload({ workspaceId, frames: [OLD] });
      assertEqual(await transport.upload({ workspaceId, frames: [{ ...delta, chunkId: UNKNOWN }] }), { stored: [], sendPlain: [UNKNOWN] });
      assertEqual(await transport.missing({ workspaceId, chunkIds: [NEW.chunkId, UNKNOWN, FRAME.chunkId] }), [NEW.chunkId, UNKNOWN]);
    },
  },
  "TR7 a malformed difference, and one that stands for more than it says, are refused as ERR_PROTOCOL, and the sound frames are kept": {
    check: async ({ transport, workspaceId }) => {
      const { features } = await transport.hello();
      await transport.upload({ workspaceId, frames: [OLD] });
      const refused: Frame[] = [];
      if (features.includes("delta")) {
        refused.push({ ...NEW, codec: "delta", payload: DIFFERENCE.subarray(0, DIFFERENCE.length - 1) });
        refused.push({ ...NEW, codec: "delta", plainBytes: NEW.plainBytes - 1, payload: DIFFERENCE });
      }
      if (features.includes("deflate")) {
        refused.push({ ...TEXT, codec: "deflate", payload: new Uint8Array(50).fill(255) });
        refused.push({ ...TEXT, codec: "deflate", plainBytes: 100, payload: fflateCompression.deflate(TEXT.payload) });
      }
      for (const [n, frame] of refused.entries()) {
        const sound = frameOf(Uint8Array.of(n));
        await assertRejects(transport.upload({ workspaceId, frames: [frame, sound] }), "ERR_PROTOCOL");
        assertEqual(await transport.missing({ workspaceId, chunkIds: [frame.chunkId, sound.chunkId] }), [frame.chunkId]);
      }
    },
  },
  "TR7 chunks of more than 8 MiB are refused, however few bytes tell them": {
    check: async ({ transport, workspaceId }) => {
      if (!(await transport.hello()).features.includes("deflate")) return;
      const frames = [1, 2, 3].map((fill): Frame => {
        const frame = frameOf(new Uint8Array(MAX_BATCH_BYTES / 2).fill(fill));
        return { ...frame, codec: "deflate", payload: fflateCompression.deflate(frame.payload) };
      });
      await assertRejects(transport.upload({ workspaceId, frames }), "ERR_TOO_LARGE");
    },
  },
  "TR8 download gives a frame for each chunk in the order asked, absent for what is not possessed": {
    check: async (fixture) => {
      const other = frameOf(new Uint8Array(70_000).fill(7));
      await fixture.transport.upload({ workspaceId: fixture.workspaceId, frames: [FRAME, other] });
      const frames = await download(fixture, [other.chunkId, UNKNOWN, FRAME.chunkId]);
      assertEqual(
        frames.map(({ chunkId, codec }) => [chunkId, codec]),
        [
          [other.chunkId, "plain"],
          [UNKNOWN, "absent"],
          [FRAME.chunkId, "plain"],
        ],
      );
      assertBytes(frames[0]?.payload, other.payload);
      assertBytes(frames[2]?.payload, BYTES);
    },
  },
  "TR8 chunks of 1 byte and of 4 MiB cross whole, 8 MiB of them at once": {
    check: async (fixture) => {
      const frames = [patternedBytes(MAX_BATCH_BYTES / 2), patternedBytes(MAX_BATCH_BYTES / 2 - 1).fill(7, 0, 99), Uint8Array.of(9)].map(frameOf);
      const asked = frames.map(({ chunkId }) => chunkId);
      const { stored } = await fixture.transport.upload({ workspaceId: fixture.workspaceId, frames });
      assertEqual(new Set(stored), new Set(asked), "chunks that are stored");
      const got = await download(fixture, asked);
      for (const [i, frame] of frames.entries()) assertBytes(got[i]?.payload, frame.payload, `a chunk of ${frame.plainBytes} bytes`);
    },
  },
  "TR8 a download that is left half-way harms no call after it": {
    check: async (fixture) => {
      const { transport, workspaceId } = fixture;
      const frames = [1, 2, 3].map((fill) => frameOf(new Uint8Array(300_000).fill(fill)));
      await transport.upload({ workspaceId, frames });
      const asked = frames.map(({ chunkId }) => chunkId);
      for await (const { chunkId } of transport.download({ workspaceId, chunkIds: asked })) {
        assertEqual(chunkId, asked[0]);
        break;
      }
      assertEqual((await download(fixture, asked)).length, 3);
    },
  },
  "TR8 an answer that is put into a room is the same": {
    check: async (fixture) => {
      const { transport, workspaceId } = fixture;
      const frames = [frameOf(patternedBytes(300_000)), FRAME];
      await transport.upload({ workspaceId, frames });
      const asked = [FRAME.chunkId, UNKNOWN, (frames[0] as Frame).chunkId];
      const into = new Uint8Array(400_000).fill(255);
      const got: Frame[] = [];
      for await (const frame of transport.download({ workspaceId, chunkIds: asked }, { into })) got.push(frame);
      assertEqual(
        got.map(({ chunkId }) => chunkId),
        asked,
      );
      assertBytes(got[0]?.payload, BYTES);
      assertBytes(got[2]?.payload, frames[0]?.payload as Uint8Array);
    },
  },
  "TR8 more than 8 MiB at once are refused": {
    check: async (fixture) => {
      const { transport, workspaceId } = fixture;
      const frames = [1, 2, 3].map((fill) => frameOf(new Uint8Array(MAX_BATCH_BYTES / 2).fill(fill)));
      for (const frame of frames) await transport.upload({ workspaceId, frames: [frame] });
      const asked = frames.map(({ chunkId }) => chunkId);
      await assertRejects(download(fixture, asked), "ERR_TOO_LARGE");
    },
  },
  "TR8 a download that accepts it may be answered by a difference to a base that is named for the chunk, or compressed": {
    check: async (fixture) => {
      await fixture.transport.upload({ workspaceId: fixture.workspaceId, frames: [OLD, NEW, TEXT] });
      if ((await fixture.transport.hello()).features.length === 0) return;
      const asked = [TEXT.chunkId, UNKNOWN, NEW.chunkId];
      const frames = await download(fixture, asked, { deflate: true, bases: [UNKNOWN, OLD.chunkId], basesOf: [[], [0, 7], [0, 1]] });
      assertEqual(
        frames.map(({ chunkId }) => chunkId),
        asked,
      );
      const [text, unknown, edited] = frames as [Frame, Frame, Frame];
      assertEqual(unknown.codec, "absent");
      assertBytes(chunkOf(text), TEXT.payload);
      assertBytes(chunkOf(edited), NEW.payload);
      for (const { payload, plainBytes } of frames) assertTrue(payload.length <= plainBytes, "no frame is larger than its chunk");
      for (const { codec } of await download(fixture, asked, { deflate: false, bases: [OLD.chunkId], basesOf: [[], [], []] })) {
        assertTrue(codec === "plain" || codec === "absent", `what was not accepted is not sent, got ${codec}`);
      }
    },
  },
  "TR8 a download that the asker alone checks gives the same frames, where the hub offers that": {
    check: async (fixture) => {
      const { transport, workspaceId } = fixture;
      await transport.upload({ workspaceId, frames: [FRAME, TEXT, NEW] });
      if (!(await transport.hello()).features.includes("unverified")) return;
      const asked = [TEXT.chunkId, UNKNOWN, NEW.chunkId, FRAME.chunkId];
      const frames = await download(fixture, asked, { deflate: false, bases: [], basesOf: [], unverified: true });
      assertEqual(
        frames.map(({ chunkId, codec }) => [chunkId, codec]),
        asked.map((chunkId) => [chunkId, chunkId === UNKNOWN ? "absent" : "plain"]),
      );
      for (const [i, { payload }] of [TEXT, NEW, FRAME].entries()) assertBytes(frames[i === 0 ? 0 : i + 1]?.payload, payload);
    },
  },
  "TR9 a workspace of others is answered as one that does not exist": {
    check: async ({ transport, foreignWorkspaceId }) => {
      for (const workspaceId of [foreignWorkspaceId, "ff".repeat(16) as WorkspaceId]) {
        const { workspaces } = await transport.changes({ workspaces: [{ workspaceId, replicaId: REPLICA, inDoubt: [1] }] });
        assertEqual(workspaces, [{ kind: "gone" }]);
        await assertRejects(transport.heads({ workspaceId, afterSeq: 0 }), "ERR_NOT_FOUND");
        await assertRejects(transport.missing({ workspaceId, chunkIds: [UNKNOWN] }), "ERR_NOT_FOUND");
        await assertRejects(transport.upload({ workspaceId, frames: [FRAME] }), "ERR_NOT_FOUND");
        await assertRejects(transport.sketches({ workspaceId, chunkIds: [UNKNOWN], averageBytes: 1024 }), "ERR_NOT_FOUND");
        await assertRejects(transport.outcomes({ workspaceId, replicaId: REPLICA, counters: [1] }), "ERR_NOT_FOUND");
      }
    },
  },
  "TR10 a commit that is not one is refused as ERR_PROTOCOL": {
    check: async ({ transport, workspaceId }) => {
      await assertRejects(transport.commit({ workspaceId, commit: new Uint8Array([1, 2, 3]) }), "ERR_PROTOCOL");
      await assertRejects(transport.commit({ workspaceId, commit: encodeCommit({ replicaId: REPLICA, counter: 1, changes: [] }) }), "ERR_PROTOCOL");
    },
  },
  "TR11 a call of an aborted signal rejects with its own reason, and has no effect": {
    check: async (fixture) => {
      const { transport, workspaceId } = fixture;
      const commit = encodeCommit({ replicaId: REPLICA, counter: 1, changes: [newFile(1, fixture)] });
      const draftId = sampleDraftId(1);
      for (const reason of [new Error("stop"), "a reason that is no error"]) {
        const aborted = { signal: AbortSignal.abort(reason) };
        const calls: Readonly<Record<keyof Transport, () => Promise<unknown>>> = {
          hello: () => transport.hello(aborted),
          changes: () => transport.changes({ workspaces: [{ workspaceId, replicaId: REPLICA, inDoubt: [1] }] }, aborted),
          outcomes: () => transport.outcomes({ workspaceId, replicaId: REPLICA, counters: [1] }, aborted),
          wait: () => transport.wait({ workspaces: [{ workspaceId, afterSeq: 0 }], timeoutMs: 30_000 }, aborted),
          heads: () => transport.heads({ workspaceId, afterSeq: 0 }, aborted),
          manifests: () => transport.manifests({ workspaceId, wanted: [{ manifestId: sampleManifestId(1) }] }, aborted),
          versions: () => transport.versions({ workspaceId, nodeIds: [nodeId(1)], limit: 1 }, aborted),
          missing: () => transport.missing({ workspaceId, chunkIds: [UNKNOWN] }, aborted),
          draft: () => transport.draft({ workspaceId, replicaId: REPLICA, draftId, firstIndex: 0, runs: [] }, aborted),
          sketches: () => transport.sketches({ workspaceId, chunkIds: [UNKNOWN], averageBytes: 1024 }, aborted),
          upload: () => transport.upload({ workspaceId, frames: [FRAME] }, aborted),
          download: async () => {
            for await (const _frame of transport.download({ workspaceId, chunkIds: [UNKNOWN] }, aborted));
          },
          commit: () => transport.commit({ workspaceId, commit }, aborted),
        };
        for (const [name, call] of Object.entries(calls)) assertEqual(await rejectionOf(call(), `${name} resolved`), reason, name);
      }
      assertEqual(await transport.missing({ workspaceId, chunkIds: [FRAME.chunkId] }), [FRAME.chunkId]);
      await mustCommit(fixture, 1, newFile(2, fixture));
    },
  },
  "TR11 a wait and a download that are aborted on their way reject with the signal's own reason": {
    check: async ({ transport, workspaceId }) => {
      const reason = new Error("stop");
      const later = new AbortController();
      const waiting = rejectionOf(transport.wait({ workspaces: [{ workspaceId, afterSeq: 0 }], timeoutMs: 30_000 }, { signal: later.signal }));
      later.abort(reason);
      assertEqual(await waiting, reason);
      const frames = [1, 2, 3].map((fill) => frameOf(patternedBytes(2_000_000).fill(fill, 0, 1_000)));
      await transport.upload({ workspaceId, frames });
      const middle = new AbortController();
      const reading = async () => {
        const chunkIds = frames.map(({ chunkId }) => chunkId);
        for await (const _frame of transport.download({ workspaceId, chunkIds }, { signal: middle.signal })) middle.abort(reason);
      };
      assertEqual(await rejectionOf(reading()), reason);
    },
  },
  "TR12 sketches gives the pieces of each chunk in the order asked, and none of one that is not possessed": {
    check: async ({ transport, workspaceId }) => {
      if (!(await transport.hello()).features.includes("delta")) return;
      await transport.upload({ workspaceId, frames: [OLD, FRAME] });
      for (const averageBytes of [1024, 4096, 65_536]) {
        const sketches = await transport.sketches({ workspaceId, chunkIds: [FRAME.chunkId, UNKNOWN, OLD.chunkId], averageBytes });
        assertEqual(sketches, [sketchChunk(BYTES, averageBytes, nobleSha256), [], sketchChunk(OLD.payload, averageBytes, nobleSha256)]);
      }
      assertEqual(await transport.sketches({ workspaceId, chunkIds: [], averageBytes: 1024 }), []);
      await assertRejects(transport.sketches({ workspaceId, chunkIds: [OLD.chunkId], averageBytes: 1000 }), "ERR_INVALID_ARGUMENT");
    },
  },
  "TR12 the pieces of more than 8 MiB of chunks are refused": {
    check: async ({ transport, workspaceId }) => {
      if (!(await transport.hello()).features.includes("delta")) return;
      const frames = [1, 2, 3].map((fill) => frameOf(new Uint8Array(MAX_BATCH_BYTES / 2).fill(fill)));
      for (const frame of frames) await transport.upload({ workspaceId, frames: [frame] });
      const chunkIds = frames.map(({ chunkId }) => chunkId);
      await assertRejects(transport.sketches({ workspaceId, chunkIds, averageBytes: 4096 }), "ERR_TOO_LARGE");
    },
  },
} satisfies Record<string, Clause<TransportFixture>>;

export type TransportClause = keyof typeof CLAUSES;

/** Checks every numbered guarantee of `Transport`. Each clause is given a new hub with two empty workspaces. */
export function transportConformance(runner: TestRunner, options: ConformanceOptions<TransportFixture, TransportClause>): void {
  describeClauses(runner, "Transport conformance", CLAUSES, options);
}
