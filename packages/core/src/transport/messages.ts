import { type Codec, boolean, bytes, encode, id, int64, list, optional, string, struct, trailing, union, varint } from "../codec/codec.js";
import { bytesToHex } from "../codec/hex.js";
import { commitAnswerCodec, MAX_COMMIT_BYTES } from "../commit.js";
import { MAX_DELTA_BASES } from "../delta/delta.js";
import { sketchCodec } from "../delta/sketch.js";
import type { Sha256 } from "../env.js";
import type { ChunkId, DeviceId, DraftId, ManifestId, NodeId, ReplicaId, WorkspaceId } from "../ids.js";
import { cursorCodec, journalRowCodec, MAX_DEVICE_NAME_BYTES } from "../journal.js";
import { inlineManifestMaxBytes, manifestEntryCodec, manifestRunCodec } from "../manifest.js";
import { headCodec, placeCodec } from "../node.js";
import { versionVectorCodec } from "../version-vector.js";
import type {
  AcceptedFrames,
  ChangeRow,
  ChangesAnswer,
  ChangesQuery,
  CommitOutcome,
  DownloadRequest,
  DraftAbout,
  DraftAnswer,
  DraftNews,
  DraftRequest,
  DraftsQuery,
  HeadRow,
  HeadsAnswer,
  Hello,
  ManifestAnswer,
  Revision,
  SketchesRequest,
  Transport,
  UploadAnswer,
  WaitAnswer,
  WaitQuery,
} from "./transport.js";

/** Most workspaces in one `changes` or `wait`. */
export const MAX_WORKSPACES = 1_000;
/** Most rows in one answer of `changes` and one page of `heads`. */
export const MAX_ROWS = 1_000;
/** Most ids in one `missing`. */
export const MAX_ASKED_CHUNKS = 8_192;
/** Most open drafts of one workspace that a device can know of. */
export const MAX_KNOWN_DRAFTS = 1_024;
/** Most entries of drafts in one answer of `wait`: 150 KB. */
export const MAX_TOLD_ENTRIES = 4_096;
/** Most bytes in the body of one request or answer that is not frames. A draft of the longest manifest is the largest. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

const workspaceId = id<WorkspaceId>(16);
const replicaId = id<ReplicaId>(16);
const nodeId = id<NodeId>(16);
const chunkId = id<ChunkId>(32);
const manifestId = id<ManifestId>(32);
const draftId = id<DraftId>(16);
const inlineManifest = optional(bytes(inlineManifestMaxBytes));

export const helloCodec: Codec<Hello> = struct<Hello>({
  features: list(string(64), 64),
  maxFileBytes: varint,
  maxBatchBytes: varint,
  maxCommitChanges: varint,
});

/** What `changes` carries to say which hello is known: 8 bytes of SHA-256, in hex. */
export function helloHash(hello: Hello, sha256: Sha256): string {
  return bytesToHex(sha256(encode(helloCodec, hello)).subarray(0, 8));
}

/** What became of commits in doubt. */
export const outcomesCodec: Codec<readonly CommitOutcome[]> = list(
  struct<CommitOutcome>({ counter: varint, commitHash: optional(id<string>(32)), answer: commitAnswerCodec }),
  64,
);
const counters = list(varint, 64);

const changeRow = struct<ChangeRow>({ row: journalRowCodec, manifest: inlineManifest });

const changesAnswer = union<ChangesAnswer>({
  rows: {
    tag: 1,
    fields: struct<Omit<Extract<ChangesAnswer, { kind: "rows" }>, "kind">>({
      outcomes: outcomesCodec,
      rows: list(changeRow, MAX_ROWS),
      cursor: cursorCodec,
      more: boolean,
    }),
  },
  reset: { tag: 2, fields: struct({ outcomes: outcomesCodec }) },
  gone: { tag: 3, fields: struct({}) },
  unchanged: { tag: 4, fields: struct({ outcomes: outcomesCodec }) },
});

export const draftAboutCodec: Codec<DraftAbout> = struct<DraftAbout>({ nodeId, place: placeCodec, sizeBytes: varint });

const waitAnswer = struct<WaitAnswer>({
  moved: list(workspaceId, MAX_WORKSPACES),
  drafts: trailing(
    list(
      struct<DraftNews>({
        workspaceId,
        replicaId,
        draftId,
        grown: optional(
          struct<NonNullable<DraftNews["grown"]>>({
            about: draftAboutCodec,
            firstIndex: varint,
            entries: list(manifestEntryCodec, MAX_TOLD_ENTRIES),
          }),
        ),
      }),
      MAX_KNOWN_DRAFTS,
    ),
  ),
});

type Request<Name extends keyof Transport> = Parameters<Transport[Name]>[0];
type Answer<Name extends keyof Transport> = Awaited<ReturnType<Transport[Name]>>;

/** The operations that are one message there and one back; `upload` and `download` carry frames instead. */
export type MessageOperation = Exclude<keyof Transport, "hello" | "upload" | "download" | "wait">;

export const requestCodecs: { readonly [Name in MessageOperation | "download" | "wait"]: Codec<Request<Name>> } = {
  changes: struct<Request<"changes">>({
    helloHash: optional(id<string>(8)),
    workspaces: list(
      struct<ChangesQuery>({ workspaceId, replicaId, cursor: optional(cursorCodec), highest: optional(cursorCodec), inDoubt: counters }),
      MAX_WORKSPACES,
    ),
  }),
  outcomes: struct<Request<"outcomes">>({ workspaceId, replicaId, counters }),
  wait: struct<Request<"wait">>({
    workspaces: list(struct<WaitQuery>({ workspaceId, afterSeq: varint }), MAX_WORKSPACES),
    timeoutMs: varint,
    drafts: trailing(
      list(
        struct<DraftsQuery>({
          workspaceId,
          replicaId,
          known: list(struct<DraftsQuery["known"][number]>({ draftId, length: varint }), MAX_KNOWN_DRAFTS),
        }),
        MAX_WORKSPACES,
      ),
    ),
  }),
  heads: struct<Request<"heads">>({ workspaceId, afterSeq: varint }),
  manifests: struct<Request<"manifests">>({
    workspaceId,
    wanted: list(struct<Request<"manifests">["wanted"][number]>({ manifestId, baseManifestId: optional(manifestId) }), 64),
  }),
  versions: struct<Request<"versions">>({ workspaceId, nodeIds: list(nodeId, 1_000), limit: varint }),
  missing: struct<Request<"missing">>({ workspaceId, chunkIds: list(chunkId, MAX_ASKED_CHUNKS) }),
  draft: struct<DraftRequest>({
    workspaceId,
    replicaId,
    draftId,
    firstIndex: varint,
    baseManifestId: optional(manifestId),
    runs: list(manifestRunCodec, 250_000),
    closeAs: optional(manifestId),
    about: trailing(draftAboutCodec),
  }),
  sketches: struct<SketchesRequest>({ workspaceId, chunkIds: list(chunkId, MAX_ASKED_CHUNKS), averageBytes: varint }),
  download: struct<DownloadRequest>({
    workspaceId,
    chunkIds: list(chunkId, MAX_ASKED_CHUNKS),
    accepts: trailing(
      struct<AcceptedFrames>({
        deflate: boolean,
        bases: list(chunkId, MAX_ASKED_CHUNKS),
        basesOf: list(list(varint, MAX_DELTA_BASES), MAX_ASKED_CHUNKS),
        unverified: trailing(boolean),
      }),
    ),
  }),
  commit: struct<Request<"commit">>({ workspaceId, commit: bytes(MAX_COMMIT_BYTES), cursor: trailing(cursorCodec) }),
};

export const answerCodecs: { readonly [Name in MessageOperation | "upload" | "hello" | "wait"]: Codec<Answer<Name>> } = {
  hello: helloCodec,
  changes: struct<Answer<"changes">>({ hello: optional(helloCodec), workspaces: list(changesAnswer, MAX_WORKSPACES) }),
  outcomes: outcomesCodec,
  wait: waitAnswer,
  heads: struct<HeadsAnswer>({
    rootNodeId: nodeId,
    heads: list(struct<HeadRow>({ head: headCodec, manifest: inlineManifest }), MAX_ROWS),
    nextAfterSeq: optional(varint),
    cursor: cursorCodec,
  }),
  manifests: list(struct<ManifestAnswer>({ manifestId, runs: optional(list(manifestRunCodec, 250_000)) }), 64),
  versions: list(
    struct<Revision>({
      nodeId,
      revision: varint,
      seq: varint,
      manifestId,
      sizeBytes: varint,
      executable: boolean,
      mtimeNs: int64,
      atMs: varint,
      deviceId: id<DeviceId>(16),
      deviceName: string(MAX_DEVICE_NAME_BYTES),
      contentVector: versionVectorCodec,
    }),
    100_000,
  ),
  missing: list(chunkId, MAX_ASKED_CHUNKS),
  draft: struct<DraftAnswer>({ length: varint, closed: boolean }),
  sketches: list(sketchCodec, MAX_ASKED_CHUNKS),
  upload: struct<UploadAnswer>({ stored: list(chunkId, 4_096), sendPlain: list(chunkId, 4_096) }),
  commit: commitAnswerCodec,
};
