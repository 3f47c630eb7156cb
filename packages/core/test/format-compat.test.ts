import { describe, expect, it } from "vitest";
import {
  answerCodecs,
  bytesToHex,
  type ChunkId,
  type Codec,
  commitAnswerCodec,
  commitCodec,
  type Content,
  type Cursor,
  cursorAt,
  cursorCodec,
  decode,
  decodeDelta,
  decodeFrameHeader,
  decodeManifest,
  type DeviceId,
  draftAboutCodec,
  type DraftId,
  encode,
  encodeDelta,
  encodeFrameHeader,
  encodeJournalRow,
  encodeManifest,
  fflateCompression,
  firstChain,
  type Frame,
  type Head,
  headCodec,
  hexToBytes,
  HUB_REPLICA_ID,
  type JournalRow,
  journalRowCodec,
  type LocalState,
  manifestIdOf,
  type ManifestId,
  nextChain,
  nobleSha256,
  type NodeId,
  type NodeName,
  type NodeRecord,
  type ReplicaId,
  requestCodecs,
  sketchCodec,
  type VersionVector,
  versionVectorCodec,
  type WorkspaceId,
} from "../src/index.js";
import { varint } from "../src/codec/codec.js";
import { manifestRunCodec } from "../src/manifest.js";
import { recordCodec } from "../src/replica/trees/record-codec.js";
import { type ReplicaState, replicaStateCodec } from "../src/replica/trees/state.js";
import golden from "./fixtures/formats.json" with { type: "json" };

/*
 * The values that `fixtures/formats.json` tells in words, each with its bytes. A release that writes or reads other bytes is a
 * new format, whatever its property tests say.
 */

/** An id whose bytes are all `byte`. */
const id16 = <T extends string>(byte: string): T => byte.repeat(16) as T;
const id32 = <T extends string>(byte: string): T => byte.repeat(32) as T;

const laptop = id16<ReplicaId>("a1");
const phone = id16<ReplicaId>("b2");
const workspaceId = id16<WorkspaceId>("c3");
const nodeId = id16<NodeId>("d4");
const parentId = id16<NodeId>("e5");
const deviceId = id16<DeviceId>("f6");
const [chunkA, chunkB] = [id32<ChunkId>("0a"), id32<ChunkId>("0b")];
const manifestId = id32<ManifestId>("0c");
const cursor: Cursor = { epoch: id16<string>("11"), seq: 300, chain: "0102030405060708" };
const vector: VersionVector = new Map([
  [laptop, 3],
  [phone, 200],
  [HUB_REPLICA_ID, 203],
]);

const CONTENTS = {
  file: { kind: "file", manifestId, sizeBytes: 70_000, executable: true, mtimeNs: 1_700_000_000_123_456_000n },
  directory: { kind: "directory" },
  symlink: { kind: "symlink", target: "../é" },
  mount: { kind: "mount", workspaceId },
} as const satisfies Record<string, Content>;

const headOf = (content: Content): Head => ({
  nodeId,
  place: { parentId, name: "größe.txt" as NodeName },
  placeVector: new Map([[HUB_REPLICA_ID, 1]]),
  content,
  contentVector: vector,
  deleted: content.kind === "mount",
  revision: content.kind === "file" ? 7 : 0,
  seq: 300,
});

const row: JournalRow = {
  head: headOf(CONTENTS.symlink),
  placeChanged: false,
  contentChanged: true,
  replicaId: laptop,
  commitCounter: 9,
  deviceId,
  deviceName: "laptop",
  atMs: 1_700_000_000_000,
};

const manifest = [
  { chunkId: chunkA, lengthBytes: 65_536 },
  { chunkId: chunkB, lengthBytes: 4_464 },
];
const runs = [
  { kind: "copy", from: 0, count: 150 },
  { kind: "entries", entries: manifest.slice(1) },
] as const;
const done = {
  kind: "done",
  verdicts: [
    { place: "accepted", content: "absent" },
    { place: "conflict", content: "missing-chunks" },
  ],
  firstSeq: 300,
  place: cursor,
} as const;
const draftAbout = { nodeId, place: headOf(CONTENTS.file).place, sizeBytes: 70_000 };
const hello = { features: ["deflate", "delta"], maxFileBytes: 10 * 2 ** 30, maxBatchBytes: 8 * 2 ** 20, maxCommitChanges: 1000 };

interface Written {
  readonly bytes: Uint8Array;
  /** What reading the golden bytes must give, and what it gives. */
  readonly value: unknown;
  readonly read: (bytes: Uint8Array) => unknown;
}

function written<T>(codec: Codec<T>, value: T): Written {
  return { bytes: encode(codec, value), value, read: (bytes) => decode(codec, bytes) };
}

const frame: Omit<Frame, "payload"> = { chunkId: chunkA, codec: "delta", plainBytes: 65_536 };
const delta = {
  bases: [chunkB],
  operations: [
    { kind: "copy", base: 0, offsetBytes: 300, lengthBytes: 4096 },
    { kind: "insert", bytes: Uint8Array.of(1, 2, 3) },
  ],
} as const;

const repetitive = {
  bases: [chunkB],
  operations: [
    { kind: "insert", bytes: new Uint8Array(60).fill(7) },
    { kind: "copy", base: 0, offsetBytes: 300, lengthBytes: 4096 },
    { kind: "insert", bytes: new Uint8Array(40).fill(7) },
  ],
} as const;

const record: NodeRecord = {
  nodeId,
  local: {
    place: headOf(CONTENTS.file).place,
    content: CONTENTS.file,
    stat: { kind: "file", sizeBytes: 70_000, mtimeNs: -1n, ctimeNs: 1_700_000_000_000_000_001n, inode: "8:300", executable: false, links: 1 },
    suspect: true,
  },
  synced: { place: headOf(CONTENTS.file).place, placeVector: new Map([[HUB_REPLICA_ID, 1]]), content: CONTENTS.file, contentVector: vector },
  remote: headOf(CONTENTS.file),
};
const state: ReplicaState = {
  replicaId: laptop,
  rootNodeId: parentId,
  nextCounter: 10,
  cursor,
  resetting: false,
  removedSince: 3,
  holdsAway: true,
  rulesStamp: "0102",
  ignored: 5,
};

const booted: ReplicaState = { ...state, foldsCase: false, rootStamp: "12-345", afterReset: false, intents: [], bootId: "6a1f" };

const VALUES: Readonly<Record<string, Written>> = {
  "varint 0": written(varint, 0),
  "varint 127": written(varint, 127),
  "varint 128": written(varint, 128),
  "varint 2^53-1": written(varint, Number.MAX_SAFE_INTEGER),
  "version vector": written(versionVectorCodec, vector),
  "empty version vector": written(versionVectorCodec, new Map()),
  manifest: { bytes: encodeManifest(manifest), value: manifest, read: decodeManifest },
  "manifest of an empty file": { bytes: encodeManifest([]), value: [], read: decodeManifest },
  "manifest run, copy": written(manifestRunCodec, runs[0]),
  "manifest run, entries": written(manifestRunCodec, runs[1]),
  "head of a file": written(headCodec, headOf(CONTENTS.file)),
  "head of a directory": written(headCodec, headOf(CONTENTS.directory)),
  "head of a symlink": written(headCodec, headOf(CONTENTS.symlink)),
  "head of a deleted mount": written(headCodec, headOf(CONTENTS.mount)),
  "journal row": written(journalRowCodec, row),
  cursor: written(cursorCodec, cursor),
  commit: written(commitCodec, {
    replicaId: laptop,
    counter: 9,
    changes: [
      {
        kind: "put",
        nodeId,
        place: { place: headOf(CONTENTS.file).place, base: new Map() },
        content: { content: CONTENTS.file, base: vector, manifest: encodeManifest(manifest) },
      },
      { kind: "put", nodeId, content: { content: CONTENTS.directory, base: vector } },
      { kind: "delete", nodeId, placeBase: new Map([[HUB_REPLICA_ID, 1]]), contentBase: vector },
    ],
  }),
  "commit answer, done": written(commitAnswerCodec, done),
  "commit answer, done with nothing accepted": written(commitAnswerCodec, { kind: "done", verdicts: [{ place: "invalid", content: "invalid" }] }),
  "commit answer, ahead": written(commitAnswerCodec, { kind: "ahead", watermark: 300 }),
  "commit answer, cloned": written(commitAnswerCodec, { kind: "cloned" }),
  "commit answer, fenced": written(commitAnswerCodec, { kind: "fenced" }),
  "commit answer, reset": written(commitAnswerCodec, { kind: "reset" }),
  "frame header": { bytes: encodeFrameHeader(frame, 4_000), value: { ...frame, payloadBytes: 4_000 }, read: decodeFrameHeader },
  delta: { bytes: encodeDelta(delta), value: delta, read: (bytes) => decodeDelta(bytes, fflateCompression) },
  "delta with compressed inserts": {
    bytes: encodeDelta(repetitive, fflateCompression),
    value: repetitive,
    read: (bytes) => decodeDelta(bytes, fflateCompression),
  },
  sketch: written(sketchCodec, [
    { fingerprint: "0102030405060708", offsetBytes: 0, lengthBytes: 5_000 },
    { fingerprint: "1112131415161718", offsetBytes: 5_000, lengthBytes: 100 },
  ]),
  "request of changes": written(requestCodecs.changes, {
    helloHash: "0102030405060708",
    workspaces: [
      { workspaceId, replicaId: laptop, cursor, highest: { ...cursor, seq: 301 }, inDoubt: [8, 300] },
      { workspaceId, replicaId: phone, inDoubt: [] },
    ],
  }),
  "request of outcomes": written(requestCodecs.outcomes, { workspaceId, replicaId: laptop, counters: [8, 300] }),
  "request of wait": written(requestCodecs.wait, { workspaces: [{ workspaceId, afterSeq: 300 }], timeoutMs: 55_000 }),
  "request of wait with the drafts that are known": written(requestCodecs.wait, {
    workspaces: [{ workspaceId, afterSeq: 300 }],
    timeoutMs: 55_000,
    drafts: [{ workspaceId, replicaId: laptop, known: [{ draftId: id16<DraftId>("22"), length: 150 }] }],
  }),
  "request of heads": written(requestCodecs.heads, { workspaceId, afterSeq: 300 }),
  "request of manifests": written(requestCodecs.manifests, {
    workspaceId,
    wanted: [{ manifestId, baseManifestId: id32<ManifestId>("0d") }, { manifestId }],
  }),
  "request of versions": written(requestCodecs.versions, { workspaceId, nodeIds: [nodeId, parentId], limit: 20 }),
  "request of missing": written(requestCodecs.missing, { workspaceId, chunkIds: [chunkA, chunkB] }),
  "request of draft": written(requestCodecs.draft, {
    workspaceId,
    replicaId: laptop,
    draftId: id16<DraftId>("22"),
    firstIndex: 0,
    baseManifestId: id32<ManifestId>("0d"),
    runs,
    closeAs: manifestId,
  }),
  "request of draft that is about a file": written(requestCodecs.draft, {
    workspaceId,
    replicaId: laptop,
    draftId: id16<DraftId>("22"),
    firstIndex: 0,
    runs,
    about: draftAbout,
  }),
  "request of download": written(requestCodecs.download, { workspaceId, chunkIds: [chunkA, chunkB] }),
  "request of download with what is accepted": written(requestCodecs.download, {
    workspaceId,
    chunkIds: [chunkA, chunkB],
    accepts: { deflate: true, bases: [id32<ChunkId>("cc")], basesOf: [[0], []] },
  }),
  "request of download of what the asker alone checks": written(requestCodecs.download, {
    workspaceId,
    chunkIds: [chunkA],
    accepts: { deflate: false, bases: [], basesOf: [], unverified: true },
  }),
  "request of sketches": written(requestCodecs.sketches, { workspaceId, chunkIds: [chunkA, chunkB], averageBytes: 1024 }),
  "request of commit": written(requestCodecs.commit, { workspaceId, commit: Uint8Array.of(1, 2, 3) }),
  "request of commit from a cursor": written(requestCodecs.commit, { workspaceId, commit: Uint8Array.of(1, 2, 3), cursor }),
  "answer of hello": written(answerCodecs.hello, hello),
  "answer of changes": written(answerCodecs.changes, {
    hello,
    workspaces: [
      {
        kind: "rows",
        outcomes: [{ counter: 8, answer: { kind: "fenced" } }],
        rows: [{ row }, { row: { ...row, head: headOf(CONTENTS.file) }, manifest: encodeManifest(manifest) }],
        cursor,
        more: true,
      },
      { kind: "reset", outcomes: [] },
      { kind: "gone" },
      { kind: "unchanged", outcomes: [] },
    ],
  }),
  "answer of outcomes": written(answerCodecs.outcomes, [{ counter: 300, commitHash: id32<string>("5e"), answer: done }]),
  "answer of wait": written(answerCodecs.wait, { moved: [workspaceId] }),
  "answer of wait, drafts": written(answerCodecs.wait, {
    moved: [],
    drafts: [
      { workspaceId, replicaId: phone, draftId: id16<DraftId>("22"), grown: { about: draftAbout, firstIndex: 150, entries: manifest } },
      { workspaceId, replicaId: phone, draftId: id16<DraftId>("22") },
    ],
  }),
  "what a draft is about": written(draftAboutCodec, draftAbout),
  "answer of heads": written(answerCodecs.heads, { rootNodeId: parentId, heads: [{ head: headOf(CONTENTS.directory) }], nextAfterSeq: 300, cursor }),
  "answer of manifests": written(answerCodecs.manifests, [{ manifestId, runs }, { manifestId: id32<ManifestId>("0d") }]),
  "answer of versions": written(answerCodecs.versions, [
    {
      nodeId,
      revision: 7,
      seq: 300,
      manifestId,
      sizeBytes: 70_000,
      executable: false,
      mtimeNs: -1n,
      atMs: 1_700_000_000_000,
      deviceId,
      deviceName: "phone",
      contentVector: vector,
    },
  ]),
  "answer of missing": written(answerCodecs.missing, [chunkB]),
  "answer of draft": written(answerCodecs.draft, { length: 151, closed: true }),
  "answer of sketches": written(answerCodecs.sketches, [[{ fingerprint: "0102030405060708", offsetBytes: 0, lengthBytes: 5_000 }], []]),
  "answer of upload": written(answerCodecs.upload, { stored: [chunkA], sendPlain: [chunkB] }),
  "answer of commit": written(answerCodecs.commit, done),
  "replica record": written(recordCodec, record),
  "replica record with an alias": written(recordCodec, { ...record, local: { ...(record.local as LocalState), alias: "gr%F6sse.txt" as NodeName } }),
  "replica state": written(replicaStateCodec, state),
  "replica state on a disk that folds case": written(replicaStateCodec, { ...state, foldsCase: true }),
  "replica state with the stamp of its root": written(replicaStateCodec, { ...state, foldsCase: false, rootStamp: "12-345" }),
  "replica state after a reset": written(replicaStateCodec, { ...state, foldsCase: false, rootStamp: "12-345", afterReset: true }),
  "replica state with what is being put on the disk": written(replicaStateCodec, {
    ...state,
    foldsCase: false,
    rootStamp: "12-345",
    afterReset: false,
    intents: [headOf(CONTENTS.file), headOf(CONTENTS.directory)],
  }),
  "replica state with the boot in which the folder was looked at": written(replicaStateCodec, booted),
  "replica state with what waits for a yes": written(replicaStateCodec, { ...booted, holdsAliases: true, awaitingRemovals: 300 }),
  "replica state with files that the disk may not have": written(replicaStateCodec, {
    ...booted,
    holdsAliases: true,
    awaitingRemovals: 300,
    unverified: [nodeId, parentId],
  }),
  "replica record of a file elsewhere": written(recordCodec, { nodeId, remote: headOf(CONTENTS.file), away: "elsewhere" }),
  "replica record of a node that is excluded": written(recordCodec, {
    nodeId,
    synced: record.synced,
    remote: headOf(CONTENTS.file),
    away: "excluded",
  }),
};

describe("the bytes of format 1", () => {
  it("are known for every value here, and for no other", () => {
    expect(golden.formats.map(({ name }) => name)).toEqual(Object.keys(VALUES));
  });

  it("are known for every request and answer", () => {
    const named = [
      ...Object.keys(requestCodecs).map((name) => `request of ${name}`),
      ...Object.keys(answerCodecs).map((name) => `answer of ${name}`),
    ];
    expect(Object.keys(VALUES)).toEqual(expect.arrayContaining(named));
  });

  it.each(golden.formats)("are written, and are read as before: $name", ({ name, hex }) => {
    const { bytes, value, read } = VALUES[name] as Written;
    expect(bytesToHex(bytes)).toBe(hex);
    expect(read(hexToBytes(hex))).toEqual(value);
  });
});

describe("bytes that older programs wrote", () => {
  it.each(golden.older)("are still read: $name", ({ name, hex }) => {
    const { bytes, value, read } = VALUES[name] as Written;
    expect(bytesToHex(bytes)).not.toBe(hex);
    expect(read(hexToBytes(hex))).toEqual(value);
  });
});

describe("hashes over format 1", () => {
  it("are those that were given before", () => {
    const first = firstChain(cursor.epoch, nobleSha256);
    const second = nextChain(first, encodeJournalRow(row), nobleSha256);
    expect({
      manifestId: manifestIdOf(encodeManifest(manifest), nobleSha256),
      emptyManifestId: manifestIdOf(encodeManifest([]), nobleSha256),
      chain0: bytesToHex(first),
      chain1: bytesToHex(second),
      cursor1: cursorAt(cursor.epoch, 1, second).chain,
    }).toEqual(golden.hashes);
  });
});
