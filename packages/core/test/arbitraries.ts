import fc from "fast-check";
import {
  type Change,
  type ChunkId,
  type Commit,
  type CommitAnswer,
  type Content,
  type Cursor,
  type DeviceId,
  type DraftId,
  type Head,
  HUB_REPLICA_ID,
  type JournalRow,
  type ManifestEntry,
  type ManifestId,
  type ManifestRun,
  type NodeId,
  nameProblem,
  type NodeName,
  type ReplicaId,
  type Sketch,
  type Verdict,
  type VersionVector,
  type WorkspaceId,
} from "../src/index.js";

const MAX_INT64 = 2n ** 63n - 1n;

function hexOf<T extends string>(bytes: number): fc.Arbitrary<T> {
  return fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((id) => Buffer.from(id).toString("hex") as T);
}

export const nodeId = hexOf<NodeId>(16);
export const workspaceId = hexOf<WorkspaceId>(16);
export const replicaId = hexOf<ReplicaId>(16);
export const deviceId = hexOf<DeviceId>(16);
export const chunkId = hexOf<ChunkId>(32);
export const manifestId = hexOf<ManifestId>(32);
export const hash8 = hexOf<string>(8);

export const integer = fc.oneof(fc.nat(300), fc.maxSafeNat());
export const int64 = fc.bigInt({ min: -MAX_INT64 - 1n, max: MAX_INT64 });
export const smallBytes = fc.uint8Array({ maxLength: 100 });
export const text = (maxLength: number): fc.Arbitrary<string> => fc.string({ unit: "binary", maxLength });

export const name = fc
  .oneof(fc.string({ unit: "binary", minLength: 1, maxLength: 20 }), fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }))
  .filter((candidate) => nameProblem(candidate) === undefined)
  .map((candidate) => candidate as NodeName);

/** Few replicas, so that vectors meet. */
export const knownReplica = fc.nat(5).map((n) => (n === 0 ? HUB_REPLICA_ID : (String(n).padStart(32, "0") as ReplicaId)));

export const versionVector: fc.Arbitrary<VersionVector> = fc
  .uniqueArray(fc.tuple(fc.oneof(knownReplica, replicaId), fc.integer({ min: 1, max: 5 })), { maxLength: 17, selector: ([replica]) => replica })
  .map((entries) => new Map(entries));

export const manifestEntry: fc.Arbitrary<ManifestEntry> = fc.record({ chunkId, lengthBytes: fc.integer({ min: 1, max: 4 * 2 ** 20 }) });
export const manifest = fc.array(manifestEntry, { maxLength: 30 });

export const manifestRun: fc.Arbitrary<ManifestRun> = fc.oneof(
  fc.record({ kind: fc.constant("entries" as const), entries: manifest }),
  fc.record({ kind: fc.constant("copy" as const), from: integer, count: integer }),
);

export const content: fc.Arbitrary<Content> = fc.oneof(
  fc.record({ kind: fc.constant("file" as const), manifestId, sizeBytes: integer, executable: fc.boolean(), mtimeNs: int64 }),
  fc.record({ kind: fc.constant("directory" as const) }),
  fc.record({ kind: fc.constant("symlink" as const), target: text(100) }),
  fc.record({ kind: fc.constant("mount" as const), workspaceId }),
);

const place = fc.record({ parentId: nodeId, name });

export const head: fc.Arbitrary<Head> = fc.record({
  nodeId,
  place,
  placeVector: versionVector,
  content,
  contentVector: versionVector,
  deleted: fc.boolean(),
  revision: integer,
  seq: integer,
});

export const journalRow: fc.Arbitrary<JournalRow> = fc.record({
  head,
  placeChanged: fc.boolean(),
  contentChanged: fc.boolean(),
  replicaId,
  commitCounter: integer,
  deviceId,
  deviceName: text(64),
  atMs: integer,
});

export const cursor: fc.Arbitrary<Cursor> = fc.record({ epoch: hexOf<string>(16), seq: integer, chain: hash8 });

const contentChange = fc.record({ content, base: versionVector, manifest: smallBytes }, { requiredKeys: ["content", "base"] });

export const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record(
    { kind: fc.constant("put" as const), nodeId, place: fc.record({ place, base: versionVector }), content: contentChange },
    { requiredKeys: ["kind", "nodeId"] },
  ),
  fc.record({ kind: fc.constant("delete" as const), nodeId, placeBase: versionVector, contentBase: versionVector }),
);

export const commit: fc.Arbitrary<Commit> = fc.record({ replicaId, counter: integer, changes: fc.array(change, { maxLength: 5 }) });

const VERDICTS: readonly Verdict[] = [
  "absent",
  "accepted",
  "unchanged",
  "conflict",
  "collision",
  "blocked",
  "reset",
  "moved",
  "missing-chunks",
  "missing-manifest",
  "forbidden",
  "over-quota",
  "too-large",
  "invalid",
];
const verdict = fc.constantFrom(...VERDICTS);

export const commitAnswer: fc.Arbitrary<CommitAnswer> = fc.oneof(
  fc.record(
    {
      kind: fc.constant("done" as const),
      verdicts: fc.array(fc.record({ place: verdict, content: verdict }), { maxLength: 5 }),
      firstSeq: integer,
      place: cursor,
    },
    { requiredKeys: ["kind", "verdicts"] },
  ),
  fc.record({ kind: fc.constant("ahead" as const), watermark: integer }),
  fc.record({ kind: fc.constantFrom("cloned" as const, "fenced" as const, "reset" as const) }),
);

export const changeRow = fc.record({ row: journalRow, manifest: smallBytes }, { requiredKeys: ["row"] });
export const hello = fc.record({
  features: fc.array(text(16), { maxLength: 5 }),
  maxFileBytes: integer,
  maxBatchBytes: integer,
  maxCommitChanges: integer,
});
const outcomes = fc.array(fc.record({ counter: integer, commitHash: fc.option(hexOf<string>(32), { nil: undefined }), answer: commitAnswer }), {
  maxLength: 4,
});
const counters = fc.array(integer, { maxLength: 5 });
const chunkIds = fc.array(chunkId, { maxLength: 5 });
const runs = fc.array(manifestRun, { maxLength: 4 });

const sketch: fc.Arbitrary<Sketch> = fc.array(fc.record({ fingerprint: hash8, lengthBytes: fc.nat(16_384) }), { maxLength: 5 }).map((pieces) => {
  let end = 0;
  return pieces.map((piece) => {
    end += piece.lengthBytes;
    return { ...piece, offsetBytes: end - piece.lengthBytes };
  });
});

const draftId = hexOf<DraftId>(16);
const draftAbout = fc.record({ nodeId, place, sizeBytes: integer });

/** What a replica may ask, by operation. */
export const requests = {
  changes: fc.record(
    {
      helloHash: hash8,
      workspaces: fc.array(
        fc.record({ workspaceId, replicaId, cursor, highest: cursor, inDoubt: counters }, { requiredKeys: ["workspaceId", "replicaId", "inDoubt"] }),
        { maxLength: 3 },
      ),
    },
    { requiredKeys: ["workspaces"] },
  ),
  outcomes: fc.record({ workspaceId, replicaId, counters }),
  wait: fc.record(
    {
      workspaces: fc.array(fc.record({ workspaceId, afterSeq: integer }), { maxLength: 3 }),
      timeoutMs: integer,
      drafts: fc.array(fc.record({ workspaceId, replicaId, known: fc.array(fc.record({ draftId, length: integer }), { maxLength: 3 }) }), {
        maxLength: 3,
      }),
    },
    { requiredKeys: ["workspaces", "timeoutMs"] },
  ),
  heads: fc.record({ workspaceId, afterSeq: integer }),
  manifests: fc.record({
    workspaceId,
    wanted: fc.array(fc.record({ manifestId, baseManifestId: manifestId }, { requiredKeys: ["manifestId"] }), { maxLength: 3 }),
  }),
  versions: fc.record({ workspaceId, nodeIds: fc.array(nodeId, { maxLength: 3 }), limit: integer }),
  missing: fc.record({ workspaceId, chunkIds }),
  draft: fc.record(
    { workspaceId, replicaId, draftId, firstIndex: integer, baseManifestId: manifestId, runs, closeAs: manifestId, about: draftAbout },
    { requiredKeys: ["workspaceId", "replicaId", "draftId", "firstIndex", "runs"] },
  ),
  sketches: fc.record({ workspaceId, chunkIds, averageBytes: integer }),
  download: fc.record(
    {
      workspaceId,
      chunkIds,
      accepts: fc.record({
        deflate: fc.boolean(),
        bases: chunkIds,
        basesOf: fc.array(fc.array(integer, { maxLength: 3 }), { maxLength: 5 }),
        unverified: fc.option(fc.boolean(), { nil: undefined }),
      }),
    },
    { requiredKeys: ["workspaceId", "chunkIds"] },
  ),
  commit: fc.record({ workspaceId, commit: smallBytes, cursor }, { requiredKeys: ["workspaceId", "commit"] }),
};

/** What a hub may answer, by operation. */
export const answers = {
  hello,
  changes: fc.record(
    {
      hello,
      workspaces: fc.array(
        fc.oneof(
          fc.record({
            kind: fc.constant("rows" as const),
            outcomes,
            rows: fc.array(changeRow, { maxLength: 3 }),
            cursor,
            more: fc.boolean(),
          }),
          fc.record({ kind: fc.constant("unchanged" as const), outcomes }),
          fc.record({ kind: fc.constant("reset" as const), outcomes }),
          fc.record({ kind: fc.constant("gone" as const) }),
        ),
        { maxLength: 3 },
      ),
    },
    { requiredKeys: ["workspaces"] },
  ),
  outcomes,
  wait: fc.record(
    {
      moved: fc.array(workspaceId, { maxLength: 3 }),
      drafts: fc.array(
        fc.record(
          {
            workspaceId,
            replicaId,
            draftId,
            grown: fc.record({ about: draftAbout, firstIndex: integer, entries: fc.array(manifestEntry, { maxLength: 4 }) }),
          },
          { requiredKeys: ["workspaceId", "replicaId", "draftId"] },
        ),
        { maxLength: 3 },
      ),
    },
    { requiredKeys: ["moved"] },
  ),
  heads: fc.record(
    {
      rootNodeId: nodeId,
      heads: fc.array(fc.record({ head, manifest: smallBytes }, { requiredKeys: ["head"] }), { maxLength: 3 }),
      nextAfterSeq: integer,
      cursor,
    },
    { requiredKeys: ["rootNodeId", "heads", "cursor"] },
  ),
  manifests: fc.array(fc.record({ manifestId, runs }, { requiredKeys: ["manifestId"] }), { maxLength: 3 }),
  versions: fc.array(
    fc.record({
      nodeId,
      revision: integer,
      seq: integer,
      manifestId,
      sizeBytes: integer,
      executable: fc.boolean(),
      mtimeNs: int64,
      atMs: integer,
      deviceId,
      deviceName: text(64),
      contentVector: versionVector,
    }),
    { maxLength: 3 },
  ),
  missing: chunkIds,
  draft: fc.record({ length: integer, closed: fc.boolean() }),
  sketches: fc.array(sketch, { maxLength: 3 }),
  upload: fc.record({ stored: chunkIds, sendPlain: chunkIds }),
  commit: commitAnswer,
};
