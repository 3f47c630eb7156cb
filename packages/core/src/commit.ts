import { type Codec, bytes, encode, id, list, optional, struct, union, varint, word } from "./codec/codec.js";
import type { NodeId, ReplicaId } from "./ids.js";
import { type Cursor, cursorCodec } from "./journal.js";
import { inlineManifestMaxBytes } from "./manifest.js";
import { type Content, type Place, contentCodec, placeCodec } from "./node.js";
import { type VersionVector, versionVectorCodec } from "./version-vector.js";

/** Most changes in one commit. */
export const MAX_COMMIT_CHANGES = 1_000;
/** Most bytes of one commit in its canonical form. */
export const MAX_COMMIT_BYTES = 4 * 1024 * 1024;
/** Commits of one replica that may be under way at once in a workspace. */
export const MAX_COMMITS_IN_FLIGHT = 16;
/** Answers that the hub keeps per replica and workspace, so that a repeated commit gets the answer of the first. */
export const KEPT_ANSWERS = 64;

export interface PlaceChange {
  readonly place: Place;
  /** The version of the place that this was made from; empty for a new node. */
  readonly base: VersionVector;
}

export interface ContentChange {
  readonly content: Content;
  readonly base: VersionVector;
  /** The file's manifest in canonical form, when it has at most 64 chunks; else it was closed as a draft before. */
  readonly manifest?: Uint8Array | undefined;
}

/** One new version of one node. A new node, or one that is brought back from deletion, has both parts. */
export type Change =
  | {
      readonly kind: "put";
      readonly nodeId: NodeId;
      readonly place?: PlaceChange | undefined;
      readonly content?: ContentChange | undefined;
    }
  | { readonly kind: "delete"; readonly nodeId: NodeId; readonly placeBase: VersionVector; readonly contentBase: VersionVector };

/** An ordered batch of changes from one replica. `counter` counts its commits to this workspace, from 1, without gaps. */
export interface Commit {
  readonly replicaId: ReplicaId;
  readonly counter: number;
  readonly changes: readonly Change[];
}

/**
 * What became of one part of a change.
 *
 * `absent`: the change did not touch it · `accepted` · `unchanged`: it had that value already, under another version ·
 * `conflict`: based on an older version · `collision`: fine alone, not with its neighbours · `blocked`: its parent was not accepted ·
 * `reset`: based on a version that this hub never made · the others: refused, for good.
 */
export type Verdict =
  | "absent"
  | "accepted"
  | "unchanged"
  | "conflict"
  | "collision"
  | "blocked"
  | "reset"
  | "moved"
  | "missing-chunks"
  | "missing-manifest"
  | "forbidden"
  | "over-quota"
  | "too-large"
  | "invalid";

/** Verdicts on the two parts of a change. A delete has the same on both. */
export interface ChangeVerdict {
  readonly place: Verdict;
  readonly content: Verdict;
}

/**
 * The hub's answer to a commit.
 *
 * `done`: it was executed, once; accepted changes have the seqs from `firstSeq` to that of `place`, in order. Nothing accepted: both are undefined.
 * `ahead`: an earlier counter is missing; nothing was done. `cloned`: this counter was used for other changes.
 * `fenced`: the outcome was asked for before it was executed, and it never will be. `reset`: the replica's cursor is of another history; nothing was done.
 */
export type CommitAnswer =
  | {
      readonly kind: "done";
      readonly verdicts: readonly ChangeVerdict[];
      readonly firstSeq?: number | undefined;
      readonly place?: Cursor | undefined;
    }
  | { readonly kind: "ahead"; readonly watermark: number }
  | { readonly kind: "cloned" }
  | { readonly kind: "fenced" }
  | { readonly kind: "reset" };

export const verdictCodec = word<Verdict>({
  absent: 0,
  accepted: 1,
  unchanged: 2,
  conflict: 3,
  collision: 4,
  blocked: 5,
  reset: 6,
  moved: 7,
  "missing-chunks": 16,
  "missing-manifest": 17,
  forbidden: 18,
  "over-quota": 19,
  "too-large": 20,
  invalid: 21,
});

const nodeId = id<NodeId>(16);

const changeCodec = union<Change>({
  put: {
    tag: 1,
    fields: struct<Omit<Extract<Change, { kind: "put" }>, "kind">>({
      nodeId,
      place: optional(struct<PlaceChange>({ place: placeCodec, base: versionVectorCodec })),
      content: optional(
        struct<ContentChange>({ content: contentCodec, base: versionVectorCodec, manifest: optional(bytes(inlineManifestMaxBytes)) }),
      ),
    }),
  },
  delete: {
    tag: 2,
    fields: struct<Omit<Extract<Change, { kind: "delete" }>, "kind">>({
      nodeId,
      placeBase: versionVectorCodec,
      contentBase: versionVectorCodec,
    }),
  },
});

export const commitCodec: Codec<Commit> = struct<Commit>({
  replicaId: id<ReplicaId>(16),
  counter: varint,
  changes: list(changeCodec, MAX_COMMIT_CHANGES),
});

export function encodeCommit(commit: Commit): Uint8Array {
  return encode(commitCodec, commit);
}

/** Node id, parent id, a name of 255 bytes, two vectors of 17 replicas with 24 bytes each, manifest id, numbers and tags: 1,165 together. */
const MAX_BARE_CHANGE_BYTES = 1_200;

/** What one change takes in a commit at most: near enough to fill commits by, so that none is encoded to be measured. 1,000 changes of files always fit in one. */
export function maxChangeBytes(change: Change): number {
  if (change.kind === "delete" || change.content === undefined) return MAX_BARE_CHANGE_BYTES;
  const { content, manifest } = change.content;
  // No character of a string takes more than three bytes of UTF-8.
  const targetBytes = content.kind === "symlink" ? content.target.length * 3 : 0;
  return MAX_BARE_CHANGE_BYTES + targetBytes + (manifest?.length ?? 0);
}

export const commitAnswerCodec = union<CommitAnswer>({
  done: {
    tag: 1,
    fields: struct<Omit<Extract<CommitAnswer, { kind: "done" }>, "kind">>({
      verdicts: list(struct<ChangeVerdict>({ place: verdictCodec, content: verdictCodec }), MAX_COMMIT_CHANGES),
      firstSeq: optional(varint),
      place: optional(cursorCodec),
    }),
  },
  ahead: { tag: 2, fields: struct({ watermark: varint }) },
  cloned: { tag: 3, fields: struct({}) },
  fenced: { tag: 4, fields: struct({}) },
  reset: { tag: 5, fields: struct({}) },
});
