import type { AccountId, ChunkId, DraftId, ManifestId, NodeId, ReplicaId, WorkspaceId } from "../ids.js";
import type { Epoch } from "../journal.js";

export type Role = "owner" | "editor" | "viewer";

export interface WorkspaceRow {
  readonly workspaceId: WorkspaceId;
  readonly rootNodeId: NodeId;
  readonly epoch: Epoch;
  /** Moved by every append but those of possession and drafts. */
  readonly stamp: number;
  /** Seq of the last journal row; 0 for none. */
  readonly headSeq: number;
  /** The hash chain at `headSeq`, 32 bytes. */
  readonly chain: Uint8Array;
  /** Journal rows up to this seq are gone. */
  readonly compactedBelow: number;
}

/** A node's current version. `body` is the head in canonical form; the other columns are what a store looks it up by. */
export interface NodeRow {
  readonly nodeId: NodeId;
  readonly parentId: NodeId;
  readonly nameKey: string;
  readonly deleted: boolean;
  readonly seq: number;
  readonly body: Uint8Array;
}

export interface StoredJournalRow {
  readonly seq: number;
  /** A `JournalRow` in canonical form. */
  readonly body: Uint8Array;
  /** The hash chain at `seq`, 32 bytes. */
  readonly chain: Uint8Array;
}

/** One numbered version of a file's content. `body` is the journal row that made it, in canonical form. */
export interface RevisionRow {
  readonly nodeId: NodeId;
  readonly revision: number;
  readonly body: Uint8Array;
}

/** What the hub knows of one replica's commits. */
export interface ReplicaMark {
  readonly replicaId: ReplicaId;
  readonly accountId: AccountId;
  /** Every counter up to it was executed or fenced. */
  readonly watermark: number;
  /** The last answers, in a form of the hub's own. */
  readonly answers: Uint8Array;
  /** The journal place that the device has acknowledged. */
  readonly ackedSeq: number;
}

export interface DraftRow {
  readonly draftId: DraftId;
  readonly replicaId: ReplicaId;
  /** Entries so far, as a manifest in canonical form. */
  readonly manifest: Uint8Array;
  /** How many those are. */
  readonly length: number;
  readonly touchedAtMs: number;
  /** What others are told that the file is to be, in canonical form. Absent: the draft is told to nobody. */
  readonly about?: Uint8Array | undefined;
}

/** Rows of one workspace, written together. */
export type HubRow =
  | { readonly table: "workspace"; readonly row: Omit<WorkspaceRow, "workspaceId" | "stamp"> }
  | { readonly table: "member"; readonly accountId: AccountId; readonly role: Role | undefined }
  | { readonly table: "node"; readonly row: NodeRow }
  | { readonly table: "journal"; readonly row: StoredJournalRow }
  | { readonly table: "revision"; readonly row: RevisionRow }
  | { readonly table: "manifest"; readonly manifestId: ManifestId; readonly body: Uint8Array }
  | { readonly table: "mark"; readonly row: ReplicaMark }
  | { readonly table: "possessed"; readonly chunkId: ChunkId; readonly lengthBytes: number }
  | { readonly table: "draft"; readonly row: DraftRow }
  | { readonly table: "draft-removed"; readonly draftId: DraftId };

export interface HubBatch {
  readonly workspaceId: WorkspaceId;
  /**
   * The stamp that the decision behind the rows was read at. Without one the batch may hold only possession, manifest and
   * draft rows; it then neither checks nor moves the stamp.
   */
  readonly expectedStamp?: number | undefined;
  /** A `node`, `mark`, `member`, `manifest`, `possessed` or `draft` row replaces the one with its key. */
  readonly rows: readonly HubRow[];
}

/** Where a chunk's stored bytes are. Belongs to no workspace and is never part of a commit's transaction. */
export interface ChunkRow {
  readonly chunkId: ChunkId;
  /** The blob that holds it. */
  readonly pack: string;
  /** Of the payload, in the blob. */
  readonly offset: number;
  readonly storedBytes: number;
  readonly plainBytes: number;
  readonly codec: "plain" | "deflate";
}

/**
 * The hub's metadata. A thin keyed store: every decision is core's.
 *
 * - HS1 `append` makes all rows of a batch durable, or none; several batches are independent of each other. When it resolves they survive a crash.
 * - HS2 A batch with an `expectedStamp` other than the workspace's current stamp changes nothing and gives `stale`; otherwise the stamp grows by one.
 *   A batch for a workspace that does not exist gives `stale`.
 * - HS3 Of two concurrent appends with one stamp exactly one is `appended`.
 * - HS4 A batch without `expectedStamp` leaves the stamp alone and is `appended` always, unless the workspace does not exist.
 * - HS5 At most one live (not deleted) node has a given parent and name key. It holds after each batch, not after each row:
 *   a batch may swap names. A batch that would break it rejects with `ERR_STORE_FAILED` and changes nothing.
 * - HS6 Reads see every batch that was appended before they began. A read of several keys gives its answers in the order of the keys.
 * - HS7 Name keys are compared byte by byte, in every comparison.
 * - HS8 `createWorkspace` is atomic; it gives `exists` and changes nothing when the id is taken.
 * - HS9 After `close` every call rejects with `ERR_CLOSED`; what was appended is there when the store is opened again.
 * - HS10 A failure is a `TwinfoldError`: `ERR_STORE_UNAVAILABLE`, `ERR_NO_SPACE`, `ERR_STORE_FAILED`. Returned arrays are the caller's own.
 */
export interface HubStore {
  createWorkspace(row: WorkspaceRow, owner: AccountId): Promise<"created" | "exists">;
  workspace(workspaceId: WorkspaceId): Promise<WorkspaceRow | undefined>;
  role(workspaceId: WorkspaceId, accountId: AccountId): Promise<Role | undefined>;
  /** Live and deleted nodes. */
  nodes(workspaceId: WorkspaceId, nodeIds: readonly NodeId[]): Promise<ReadonlyArray<NodeRow | undefined>>;
  /** Live nodes. */
  nodesByName(
    workspaceId: WorkspaceId,
    keys: ReadonlyArray<{ readonly parentId: NodeId; readonly nameKey: string }>,
  ): Promise<ReadonlyArray<NodeRow | undefined>>;
  /** Ids of live nodes in a directory, at most `limit`, those with id greater than `after`, ascending. */
  children(
    workspaceId: WorkspaceId,
    parentId: NodeId,
    options: { readonly after?: NodeId | undefined; readonly limit: number },
  ): Promise<readonly NodeId[]>;
  /** Live and deleted nodes whose current version is later than `afterSeq`, ascending by seq. */
  nodesSince(workspaceId: WorkspaceId, afterSeq: number, limit: number): Promise<readonly NodeRow[]>;
  /** Journal rows later than `afterSeq`, ascending. */
  journal(workspaceId: WorkspaceId, afterSeq: number, limit: number): Promise<readonly StoredJournalRow[]>;
  /** Newest first. */
  revisions(workspaceId: WorkspaceId, nodeId: NodeId, limit: number): Promise<readonly RevisionRow[]>;
  manifests(workspaceId: WorkspaceId, manifestIds: readonly ManifestId[]): Promise<ReadonlyArray<Uint8Array | undefined>>;
  /** Those of `chunkIds` that the workspace possesses, and the length that was written with each, in bytes. */
  possessed(workspaceId: WorkspaceId, chunkIds: readonly ChunkId[]): Promise<ReadonlyMap<ChunkId, number>>;
  mark(workspaceId: WorkspaceId, replicaId: ReplicaId): Promise<ReplicaMark | undefined>;
  draft(workspaceId: WorkspaceId, draftId: DraftId): Promise<DraftRow | undefined>;
  /** All drafts without their entries, by id, at most `limit`. */
  drafts(workspaceId: WorkspaceId, limit: number): Promise<ReadonlyArray<Omit<DraftRow, "manifest">>>;
  append(batches: readonly HubBatch[]): Promise<ReadonlyArray<"appended" | "stale">>;
  chunks(chunkIds: readonly ChunkId[]): Promise<ReadonlyArray<ChunkRow | undefined>>;
  /** Durable when it resolves. A row for a chunk that has one already is left out. */
  addChunks(rows: readonly ChunkRow[]): Promise<void>;
  close(): Promise<void>;
}
