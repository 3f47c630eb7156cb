import type { CommitAnswer } from "../commit.js";
import type { Sketch } from "../delta/sketch.js";
import type { ChunkId, DeviceId, DraftId, ManifestId, NodeId, ReplicaId, WorkspaceId } from "../ids.js";
import type { Cursor, JournalRow } from "../journal.js";
import type { ManifestEntry, ManifestRun } from "../manifest.js";
import type { Head, Place } from "../node.js";
import type { OperationOptions } from "../operation-options.js";
import type { Frame } from "../storage/frame.js";
import type { VersionVector } from "../version-vector.js";

/**
 * What a hub may offer besides the rest: frames of codec `deflate`, frames of codec `delta` and `sketches`, downloads whose bytes the asker alone checks,
 * telling open `drafts` to others.
 */
export type Feature = "deflate" | "delta" | "unverified" | "drafts";

/** What the hub offers and bounds. A replica caches it and names its hash with every `changes`. */
export interface Hello {
  /** Named features, {@link Feature}s and those of later hubs. A replica uses only those that both know. */
  readonly features: readonly string[];
  readonly maxFileBytes: number;
  readonly maxBatchBytes: number;
  readonly maxCommitChanges: number;
}

export interface ChangesQuery {
  readonly workspaceId: WorkspaceId;
  readonly replicaId: ReplicaId;
  /** Absent on first contact: answered `reset`. */
  readonly cursor?: Cursor | undefined;
  /** The furthest place that any answer has named, when that is not `cursor`. If the hub's journal is not the same there, the hub has gone back. */
  readonly highest?: Cursor | undefined;
  /** Counters of commits in doubt, judged before the rows are read. */
  readonly inDoubt: readonly number[];
}

/** A journal row with the manifest of its file, when that has at most 64 chunks. */
export interface ChangeRow {
  readonly row: JournalRow;
  readonly manifest?: Uint8Array | undefined;
}

export type ChangesAnswer =
  | {
      readonly kind: "rows";
      readonly outcomes: readonly CommitOutcome[];
      readonly rows: readonly ChangeRow[];
      /** The place after the last row: the replica's next cursor. */
      readonly cursor: Cursor;
      readonly more: boolean;
    }
  /** Nothing came after the cursor, which stays. */
  | { readonly kind: "unchanged"; readonly outcomes: readonly CommitOutcome[] }
  /** The cursor stands for nothing here: take the heads, and merge. */
  | { readonly kind: "reset"; readonly outcomes: readonly CommitOutcome[] }
  /** No such workspace for this account, now. */
  | { readonly kind: "gone" };

export interface CommitOutcome {
  readonly counter: number;
  /** Of a commit that was executed, its SHA-256: with another one it was not the asker's, whose metadata are those of another time or device. */
  readonly commitHash?: string | undefined;
  readonly answer: CommitAnswer;
}

export interface WaitQuery {
  readonly workspaceId: WorkspaceId;
  readonly afterSeq: number;
}

/** What a file that is still being sent is to be, so that others can judge whether they want it. Nothing binds its uploader to it. */
export interface DraftAbout {
  readonly nodeId: NodeId;
  readonly place: Place;
  readonly sizeBytes: number;
}

/** Asks for what open drafts of others have that `known` has not. */
export interface DraftsQuery {
  readonly workspaceId: WorkspaceId;
  /** Who asks: its own drafts are not told. */
  readonly replicaId: ReplicaId;
  /** Open drafts that the asker was told of, with the entries that it was told. A greater length: no more is wanted of that draft. */
  readonly known: ReadonlyArray<{ readonly draftId: DraftId; readonly length: number }>;
}

export interface DraftNews {
  readonly workspaceId: WorkspaceId;
  /** Who asked. */
  readonly replicaId: ReplicaId;
  readonly draftId: DraftId;
  /** Absent: a draft that was known is closed, or was given up. */
  readonly grown?:
    | {
        readonly about: DraftAbout;
        /** Of the first of `entries` in the draft. */
        readonly firstIndex: number;
        /** Chunks that the workspace possesses, as their uploader says; a chunk that is not there is answered `absent`. */
        readonly entries: readonly ManifestEntry[];
      }
    | undefined;
}

export interface WaitAnswer {
  /** Workspaces whose journal does not end where the asker thought: a look at their changes is due. */
  readonly moved: readonly WorkspaceId[];
  /** What is new of open drafts, while no journal has moved. */
  readonly drafts?: readonly DraftNews[] | undefined;
}

export interface HeadRow {
  readonly head: Head;
  readonly manifest?: Uint8Array | undefined;
}

export interface HeadsAnswer {
  readonly rootNodeId: NodeId;
  /** Live and deleted nodes, ascending by seq. */
  readonly heads: readonly HeadRow[];
  /** Where to go on; absent after the last page. */
  readonly nextAfterSeq?: number | undefined;
  /** The journal's end when this page was read. The first page's is where `changes` goes on after the last page. */
  readonly cursor: Cursor;
}

export interface ManifestAnswer {
  readonly manifestId: ManifestId;
  /** Ranges of the base that was named, or entries. Absent: the hub has no such manifest. */
  readonly runs?: readonly ManifestRun[] | undefined;
}

/** A revision as people see it. */
export interface Revision {
  readonly nodeId: NodeId;
  readonly revision: number;
  readonly seq: number;
  readonly manifestId: ManifestId;
  readonly sizeBytes: number;
  readonly executable: boolean;
  readonly mtimeNs: bigint;
  readonly atMs: number;
  readonly deviceId: DeviceId;
  readonly deviceName: string;
  /** The version that it made: what a conflict copy's id was computed from is found among them. */
  readonly contentVector: VersionVector;
}

export interface DraftRequest {
  readonly workspaceId: WorkspaceId;
  readonly replicaId: ReplicaId;
  readonly draftId: DraftId;
  /** Entries that the draft must hold already; the runs go on from there. A shorter or longer draft is answered with its length. */
  readonly firstIndex: number;
  /** A manifest that the workspace has; copies refer to it. */
  readonly baseManifestId?: ManifestId | undefined;
  readonly runs: readonly ManifestRun[];
  /** Closes the draft: the manifest that it must be now. It is kept, and a commit may name it. */
  readonly closeAs?: ManifestId | undefined;
  /** Lets the draft be told to others, whose chunks up to its length are durable. Named only to a hub that offers `drafts`, with each piece. */
  readonly about?: DraftAbout | undefined;
}

export interface DraftAnswer {
  /** Entries that the draft holds now. */
  readonly length: number;
  readonly closed: boolean;
}

export interface SketchesRequest {
  readonly workspaceId: WorkspaceId;
  readonly chunkIds: readonly ChunkId[];
  /** Of the pieces that the chunks are cut into, in bytes: a power of two from 1 to 64 KiB. */
  readonly averageBytes: number;
}

/** What besides plain, verified frames a download may be answered with. */
export interface AcceptedFrames {
  readonly deflate: boolean;
  /** Chunks that the asker holds, each once. */
  readonly bases: readonly ChunkId[];
  /** For each asked chunk, those of `bases`, by their places there, that a delta of it may name; at most 64. */
  readonly basesOf: ReadonlyArray<readonly number[]>;
  /**
   * The hub need not look whether its bytes are the chunk's: the asker does anyway, and asks once more without this for one that is not itself.
   * Named only to a hub that offers `unverified`.
   */
  readonly unverified?: boolean | undefined;
}

export interface DownloadRequest {
  readonly workspaceId: WorkspaceId;
  readonly chunkIds: readonly ChunkId[];
  /** Named only to a hub that offers `delta`, `deflate` or `unverified`; without it all frames are plain, and verified. */
  readonly accepts?: AcceptedFrames | undefined;
}

export interface DownloadOptions extends OperationOptions {
  /** Room that the answer may be put into, and is not looked at otherwise. Payloads may then be views of it, good until it is filled anew. */
  readonly into?: Uint8Array | undefined;
}

export interface UploadAnswer {
  /** Frames that arrived whole, are durable and possessed. */
  readonly stored: readonly ChunkId[];
  /** Chunks whose frame could not be rebuilt: send them plain. */
  readonly sendPlain: readonly ChunkId[];
}

export interface CommitRequest {
  readonly workspaceId: WorkspaceId;
  /** A `Commit` in canonical form. */
  readonly commit: Uint8Array;
  /** Where the replica stands. A hub that is behind it, or is there in another history, executes nothing and answers `reset`. */
  readonly cursor?: Cursor | undefined;
}

/**
 * What a replica may ask of the hub, for a set of workspaces, as one device of one account.
 *
 * - TR1 A call that resolves has had its effect; one that rejects may or may not have had it.
 * - TR2 Every call but `wait`, `upload` and `commit` may be repeated at will. A repeated `upload` stores nothing twice; a repeated `commit` is executed once.
 *   One that names a cursor of another history is answered `reset`, and not executed.
 * - TR3 `changes` and `outcomes` judge commits in doubt first: each is answered with its outcome, or fenced so that it can never execute.
 * - TR4 `changes` gives one answer for each query, in their order: rows in ascending, gapless order, at least one when there is one, and `unchanged` else.
 *   `more` means: ask again.
 * - TR5 `wait` gives those of the workspaces whose journal does not end at their `afterSeq`, as soon as there is one; none after the hub's own time, or earlier.
 *   While there is none, it resolves with the open drafts of other replicas that have more entries than `drafts` knows, and with those known that are open no longer.
 * - TR6 `missing` names those of the asked chunks that the workspace does not possess, and tells nothing else.
 * - TR7 `upload` keeps every frame that arrived whole, also when the rest does not. A frame whose bytes are not its id's is refused with `ERR_INTEGRITY`,
 *   or, when they had to be rebuilt, named in `sendPlain`. Chunks of at most 8 MiB are sent at once. The payloads are the caller's again when the call has resolved.
 * - TR8 `download` gives one frame for each asked chunk, in the order asked; `absent` for one that the workspace does not possess, or whose stored bytes are damaged
 *   (where `accepts` has `unverified`, those may come as they are). The receiver checks the bytes. At most 8 MiB of chunks are asked for at once. A frame is plain, or
 *   what `accepts` allows; a delta names only bases of its chunk. A room that is too short for the answer, named by `into`, is `ERR_TOO_LARGE`, or not used.
 * - TR9 A workspace that the account cannot read is answered as if it did not exist: `gone` in `changes`, `ERR_NOT_FOUND` elsewhere.
 * - TR10 Failures are `TwinfoldError`s: `ERR_UNREACHABLE` and `ERR_SERVER_FAILED` (try again later), `ERR_UNAUTHENTICATED` (log in again),
 *   `ERR_PERMISSION_DENIED`, `ERR_PROTOCOL`, `ERR_TOO_LARGE`, `ERR_NO_SPACE`, `ERR_RATE_LIMITED`.
 * - TR11 An aborted call rejects with the signal's own reason.
 * - TR12 `sketches` gives the pieces of each asked chunk, in the order asked: none of one that the workspace does not possess, or whose stored bytes are damaged.
 *   At most 8 MiB of chunks are asked for at once. Only a hub that offers `delta` is asked.
 */
export interface Transport {
  hello(options?: OperationOptions): Promise<Hello>;
  /** `helloHash`: of the hello that the caller has; when it is another the answer holds the new one. */
  changes(
    request: { readonly helloHash?: string | undefined; readonly workspaces: readonly ChangesQuery[] },
    options?: OperationOptions,
  ): Promise<{ readonly hello?: Hello | undefined; readonly workspaces: readonly ChangesAnswer[] }>;
  outcomes(
    request: { readonly workspaceId: WorkspaceId; readonly replicaId: ReplicaId; readonly counters: readonly number[] },
    options?: OperationOptions,
  ): Promise<readonly CommitOutcome[]>;
  wait(
    request: {
      readonly workspaces: readonly WaitQuery[];
      readonly timeoutMs: number;
      /** Asked only of a hub that offers `drafts`. @default drafts end no wait */
      readonly drafts?: readonly DraftsQuery[] | undefined;
    },
    options?: OperationOptions,
  ): Promise<WaitAnswer>;
  heads(request: { readonly workspaceId: WorkspaceId; readonly afterSeq: number }, options?: OperationOptions): Promise<HeadsAnswer>;
  manifests(
    request: {
      readonly workspaceId: WorkspaceId;
      readonly wanted: ReadonlyArray<{ readonly manifestId: ManifestId; readonly baseManifestId?: ManifestId | undefined }>;
    },
    options?: OperationOptions,
  ): Promise<readonly ManifestAnswer[]>;
  /** Newest first, at most `limit` of each node, in one list. */
  versions(
    request: { readonly workspaceId: WorkspaceId; readonly nodeIds: readonly NodeId[]; readonly limit: number },
    options?: OperationOptions,
  ): Promise<readonly Revision[]>;
  missing(
    request: { readonly workspaceId: WorkspaceId; readonly chunkIds: readonly ChunkId[] },
    options?: OperationOptions,
  ): Promise<readonly ChunkId[]>;
  draft(request: DraftRequest, options?: OperationOptions): Promise<DraftAnswer>;
  upload(request: { readonly workspaceId: WorkspaceId; readonly frames: readonly Frame[] }, options?: OperationOptions): Promise<UploadAnswer>;
  sketches(request: SketchesRequest, options?: OperationOptions): Promise<readonly Sketch[]>;
  download(request: DownloadRequest, options?: DownloadOptions): AsyncIterable<Frame>;
  commit(request: CommitRequest, options?: OperationOptions): Promise<CommitAnswer>;
}
