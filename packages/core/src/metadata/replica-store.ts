import type { ManifestId, NodeId, WorkspaceId } from "../ids.js";

/** All that a replica knows of one node. `body` is its record in canonical form; the other columns are what a store looks it up by. */
export interface ReplicaRow {
  readonly nodeId: NodeId;
  readonly body: Uint8Array;
  /** The three trees differ here, so the planner has to look at it. */
  readonly dirty: boolean;
  /** Of the local tree, when the node is in it. */
  readonly local?:
    | {
        readonly parentId: NodeId;
        readonly nameKey: string;
        readonly inode?: string | undefined;
        readonly manifestId?: ManifestId | undefined;
      }
    | undefined;
  /** Of the remote tree, when the node is live there. */
  readonly remote?: { readonly parentId: NodeId; readonly nameKey: string } | undefined;
}

export interface NameKey {
  readonly parentId: NodeId;
  readonly nameKey: string;
}

/** A commit that was prepared, and whose outcome is not known yet. */
export interface OutboxRow {
  readonly counter: number;
  /** The commit in canonical form: what was, or will be, sent. */
  readonly body: Uint8Array;
}

export interface ReplicaBatch {
  readonly put?: readonly ReplicaRow[] | undefined;
  readonly remove?: readonly NodeId[] | undefined;
  readonly manifests?: ReadonlyArray<{ readonly manifestId: ManifestId; readonly body: Uint8Array }> | undefined;
  /** What was seen of directories, each in a form of its own. */
  readonly looks?: ReadonlyArray<{ readonly nodeId: NodeId; readonly body: Uint8Array }> | undefined;
  /** Cursor, counters and marks of the replica, in a form of its own. */
  readonly state?: Uint8Array | undefined;
  readonly outboxPut?: readonly OutboxRow[] | undefined;
  readonly outboxRemove?: readonly number[] | undefined;
}

/**
 * One device's metadata, for all the workspaces that it links. A thin keyed store: every decision is core's.
 *
 * - RS1 `write` is atomic and durable when it resolves: all of a batch, or nothing. `remove` is done before `put`.
 * - RS2 Reads see every write that resolved before they began; several keys are answered in their order.
 * - RS3 Workspaces do not see each other's rows.
 * - RS4 Several rows may have one local or remote name key: all of them are given.
 * - RS5 `dirty` gives dirty rows in the order in which they became dirty; a row that is written dirty again keeps its turn.
 * - RS6 Name keys are compared byte by byte.
 * - RS7 One writer: opening a store that is open elsewhere rejects with `ERR_IN_USE`.
 * - RS8 After `close` every call rejects with `ERR_CLOSED`; what was written is there when the store is opened again.
 * - RS9 A failure is a `TwinfoldError`: `ERR_NO_SPACE`, `ERR_STORE_FAILED`. Returned arrays are the caller's own.
 * - RS10 A look at a directory is forgotten by every batch that puts or removes a row whose local parent is, or was, that directory, and by one
 *   that takes the directory's own row out of the local tree; unless the same batch writes the look.
 */
export interface ReplicaStore {
  rows(workspaceId: WorkspaceId, nodeIds: readonly NodeId[]): Promise<ReadonlyArray<ReplicaRow | undefined>>;
  /** Rows whose local parent is `parentId`. */
  localChildren(workspaceId: WorkspaceId, parentId: NodeId): Promise<readonly ReplicaRow[]>;
  /** Rows whose remote parent is `parentId`. */
  remoteChildren(workspaceId: WorkspaceId, parentId: NodeId): Promise<readonly ReplicaRow[]>;
  localByName(workspaceId: WorkspaceId, keys: readonly NameKey[]): Promise<ReadonlyArray<readonly ReplicaRow[]>>;
  remoteByName(workspaceId: WorkspaceId, keys: readonly NameKey[]): Promise<ReadonlyArray<readonly ReplicaRow[]>>;
  byInode(workspaceId: WorkspaceId, inodes: readonly string[]): Promise<ReadonlyArray<readonly ReplicaRow[]>>;
  /** Rows whose local file has that content, at most `limit` for each. */
  byManifest(workspaceId: WorkspaceId, manifestIds: readonly ManifestId[], limit: number): Promise<ReadonlyArray<readonly ReplicaRow[]>>;
  dirty(workspaceId: WorkspaceId, limit: number): Promise<readonly ReplicaRow[]>;
  /** All rows with a node id greater than `after`, ascending by node id. */
  page(workspaceId: WorkspaceId, after: NodeId | undefined, limit: number): Promise<readonly ReplicaRow[]>;
  counts(workspaceId: WorkspaceId): Promise<{ readonly nodes: number; readonly dirty: number }>;
  manifests(workspaceId: WorkspaceId, manifestIds: readonly ManifestId[]): Promise<ReadonlyArray<Uint8Array | undefined>>;
  /** By the directories' node ids. */
  looks(workspaceId: WorkspaceId, nodeIds: readonly NodeId[]): Promise<ReadonlyArray<Uint8Array | undefined>>;
  state(workspaceId: WorkspaceId): Promise<Uint8Array | undefined>;
  /** Ascending by counter. */
  outbox(workspaceId: WorkspaceId): Promise<readonly OutboxRow[]>;
  write(workspaceId: WorkspaceId, batch: ReplicaBatch): Promise<void>;
  /** Forgets a workspace, all its rows at once. */
  removeWorkspace(workspaceId: WorkspaceId): Promise<void>;
  close(): Promise<void>;
}
