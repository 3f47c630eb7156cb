import type { Env } from "../env.js";
import type { Unsubscribe } from "../events.js";
import type { WorkspaceId } from "../ids.js";
import type { LocalTree } from "../local/local-tree.js";
import type { TrashItem } from "../local/trash.js";
import type { ReplicaStore } from "../metadata/replica-store.js";
import type { LocalPath } from "../names.js";
import type { NodeKind } from "../node.js";
import type { OperationOptions } from "../operation-options.js";
import type { Plan } from "../reconcile/plan.js";
import type { Revision, Transport } from "../transport/transport.js";
import type { CheckOptions, CheckReport } from "./checkup.js";
import type { ReplicaEvents } from "./events.js";
import type { ScopeOptions } from "./scope/scope.js";

export interface ReplicaOptions extends ScopeOptions {
  readonly workspaceId: WorkspaceId;
  readonly tree: LocalTree;
  readonly store: ReplicaStore;
  readonly transport: Transport;
  readonly env: Env;
  /** Names this device in conflict copies. @default "this device" */
  readonly deviceName?: string | undefined;
  /** Decides content conflicts instead of making a copy. */
  readonly resolve?: ConflictResolver | undefined;
  /** How long a vanished name is waited for before it counts as deleted: editors delete and write anew. @default 2 s */
  readonly settleMs?: number | undefined;
  /** Time between full rescans while following, the safety net under lost events. @default 10 min */
  readonly rescanMs?: number | undefined;
  /** Of a file of which more is to be sent, others are told chunk by chunk, so that they fetch it ahead of its commit. In bytes. @default 8 MiB */
  readonly draftFromBytes?: number | undefined;
}

/** Both versions of one file, changed apart, and the one that both were made from. */
export interface ContentConflict {
  readonly path: LocalPath;
  readonly mine: () => Promise<Uint8Array>;
  readonly theirs: () => Promise<Uint8Array>;
  /** Absent when there is none: each side made the file, or it was over 16 MiB. */
  readonly base?: (() => Promise<Uint8Array>) | undefined;
}

/** `undefined` keeps both, as without a resolver. Asked for files of at most 16 MiB. */
export type ConflictResolver = (conflict: ContentConflict) => Promise<Uint8Array | "mine" | "theirs" | undefined>;

export interface SkippedNode {
  readonly path: string;
  readonly reason: string;
}

/** What one `sync` did. Counts files; a directory that moved counts once. */
export interface SyncReport {
  readonly inSync: boolean;
  readonly filesUploaded: number;
  readonly filesDownloaded: number;
  /** Of those, the small ones that did not wait for the disk one by one, but together with others. */
  readonly filesUnverified: number;
  readonly filesDeleted: number;
  readonly moved: number;
  readonly conflicts: number;
  readonly skipped: readonly SkippedNode[];
  /** What this disk shows under another name than its own, and why. In sync like the rest. */
  readonly aliased: readonly SkippedNode[];
  /** Removals that wait for a yes; `null` when none do. */
  readonly awaitingConfirmation: { readonly removals: number } | null;
  readonly chunksUploaded: number;
  readonly chunksDownloaded: number;
  /** Chunks of downloaded files that were on this disk already. */
  readonly chunksReused: number;
  /** Chunks of downloaded files that were fetched before these were committed. */
  readonly chunksPrefetched: number;
  /** Chunks that were told by differences to others, up and down. */
  readonly deltaFrames: number;
  /** Bytes of chunks up and down that did not have to travel: by differences and by compression. */
  readonly bytesSaved: number;
  /** Commits of this device that the server answered. */
  readonly commits: number;
  /** Commits that were being made at once, at most: while one waits for its answer, chunks of the next go up. */
  readonly commitsUnderWay: number;
  /** Directories on the disk that were found as the last look had left them, so that nothing in them was compared one by one. */
  readonly directoriesUnchanged: number;
  readonly durationMs: number;
}

export interface ReplicaStatus {
  readonly workspaceId: WorkspaceId;
  readonly state: "idle" | "syncing" | "following" | "paused" | "stopped";
  readonly nodes: number;
  /** Nodes in which disk and hub are known to differ. */
  readonly pending: number;
  /** Age of the oldest change that has not reached the other side, in ms; `undefined` when all has. */
  readonly oldestUnsyncedMs: number | undefined;
  readonly lastInSyncAtMs: number | undefined;
  readonly skipped: readonly SkippedNode[];
  /** Nodes that this disk shows under another name than their own, and why. */
  readonly aliased: readonly SkippedNode[];
  /** Removals that wait for a yes, as of the last pass; `null` when none do. */
  readonly awaitingConfirmation: { readonly removals: number } | null;
  /** What the disk has and rules leave alone, as of the last look at the whole folder; a directory counts once. */
  readonly ignored: number;
  /** Nodes of the hub that this device does not hold, by a rule or by choice. */
  readonly excluded: number;
  /** Files of the hub that come when they are asked for. */
  readonly elsewhere: number;
  /** Why nothing gets through at the moment, as a sentence. */
  readonly problem: string | undefined;
}

export interface Explanation {
  readonly path: LocalPath;
  /** One word for what is the matter with it. */
  readonly state: "in-sync" | "pending" | "skipped" | "ignored" | "excluded" | "elsewhere" | "unknown";
  /** The same as a sentence, with the reason. */
  readonly explanation: string;
}

/** One of the versions in a conflict. */
export interface ConflictVersion {
  /** Where it is in the folder; the base is only at the hub. */
  readonly path: LocalPath | undefined;
  readonly kind: NodeKind;
  readonly sizeBytes: number;
  /**
   * Its bytes, in pieces of at most 4 MiB; of a symlink its target. Memory is bounded by a few pieces.
   *
   * @throws {TwinfoldError} `ERR_LOCAL_CHANGED` when it was written to since it was last looked at, `ERR_CHUNK_NOT_FOUND` when the hub no longer has it.
   */
  read(options?: OperationOptions): AsyncIterable<Uint8Array>;
}

/** A conflict copy that is in the folder, and what it is a copy of. */
export interface Conflict {
  /** The file: where it is now or, when it is gone, where it was. */
  readonly path: LocalPath;
  readonly copy: LocalPath;
  /** True when the copy's node id was computed from the file's, so that it is a copy of that one and no other. Otherwise only the names say so. */
  readonly proven: boolean;
  /** The device that made the copy, and when: by the hub's clock, or the day in its name while the hub has not seen it. */
  readonly device: string;
  readonly atMs: number;
  /** This device's version: the copy when this device made it, else what is at `path`. `undefined`: nothing is there any more. */
  readonly mine: ConflictVersion | undefined;
  readonly theirs: ConflictVersion | undefined;
  /** What both were made from; `undefined` when they were made apart, or while the hub is out of reach. */
  readonly base: ConflictVersion | undefined;
}

/** Which version stays: one of the two, both under ordinary names, or these bytes instead of both. */
export type Resolution = "mine" | "theirs" | "both" | Uint8Array | AsyncIterable<Uint8Array>;

export interface ResolvedConflict {
  /** Where what was kept is now; for `both`, the file and what was its copy. */
  readonly kept: readonly LocalPath[];
}

/** What `free` did. */
export interface FreedRoom {
  readonly files: number;
  readonly bytes: number;
}

/** One device's copy of a workspace. */
export interface Replica {
  /**
   * Makes folder and hub agree, and returns. One pass at a time: a second call waits for the first, and then makes a pass of its own.
   *
   * @throws {TwinfoldError} what stands in the way of all of it (`ERR_UNREACHABLE`, `ERR_ROOT_MISSING` …). What stands in the way of one file is in `skipped`.
   */
  sync(options?: SyncOptions): Promise<SyncReport>;
  /** Keeps them agreeing until `signal` aborts: follows both sides, waits with growing full-jitter pauses while the hub is out of reach. */
  follow(options: { readonly signal: AbortSignal }): Promise<void>;
  /** What `sync` would do now. Looks at disk and hub, changes neither. */
  plan(options?: OperationOptions): Promise<Plan>;
  status(): Promise<ReplicaStatus>;
  /** Rejects with what stands in the way of the whole folder: `ERR_ROOT_MISSING`, `ERR_ROOT_UNREADABLE`, `ERR_ROOT_FOREIGN`, `ERR_ROOT_EMPTIED`. */
  checkRoot(): Promise<void>;
  explain(path: LocalPath): Promise<Explanation>;
  /** The conflict copies in the folder. Looks at every node, and asks the hub what they were made from; without the hub it says less. */
  conflicts(options?: OperationOptions): Promise<readonly Conflict[]>;
  /**
   * Settles the conflict at `path`, which is the file or its copy. What is given up is at the hub as a revision before it goes to the trash here; `sync` tells the hub.
   * A process that dies in between leaves the conflict, or the same bytes twice.
   *
   * @throws {TwinfoldError} `ERR_NOT_FOUND` when there is no conflict at `path`, `ERR_INVALID_ARGUMENT` when it has several copies or is no file,
   *   `ERR_LOCAL_CHANGED` when one of the two was written to meanwhile.
   */
  resolveConflict(path: LocalPath, keep: Resolution, options?: OperationOptions): Promise<ResolvedConflict>;
  /** What was replaced or removed in this folder, kept for 30 days; oldest first. */
  listTrash(): Promise<readonly TrashItem[]>;
  /**
   * Brings a thing back from the trash, to its old path or beside it under the next free name; gives that path. `sync` tells the hub.
   *
   * @throws {TwinfoldError} `ERR_NOT_FOUND` when there is no such thing.
   */
  restoreFromTrash(trashId: string): Promise<LocalPath>;
  /** Newest first. @throws {TwinfoldError} `ERR_NOT_FOUND` when nothing is known at `path`. */
  revisions(path: LocalPath, options?: OperationOptions & { readonly limit?: number | undefined }): Promise<readonly Revision[]>;
  /** Makes an older revision the newest one; `sync` brings it to the disk. */
  restore(path: LocalPath, revision: number, options?: OperationOptions): Promise<void>;
  /** Checks every hop: this disk, this device's database, its view of the hub, the hub's chunks. Reads every file. */
  check(options?: CheckOptions): Promise<CheckReport>;
  /**
   * Brings a file that is elsewhere, or all of them in a directory, and keeps it here.
   *
   * @throws {TwinfoldError} `ERR_NOT_FOUND` when nothing is known at `path`; `ERR_INVALID_ARGUMENT` when this device does not hold it.
   */
  get(path: LocalPath, options?: OperationOptions): Promise<SyncReport>;
  /** Lets go of the local copy of a file, or of all files in a directory, as far as the hub has them just as they are: they are elsewhere then. */
  free(path: LocalPath, options?: OperationOptions): Promise<FreedRoom>;
  /** Stops following at once, a transfer under way too; `resume` goes on where it was. An explicit `sync` still makes its pass. */
  pause(): void;
  resume(): void;
  on<Name extends keyof ReplicaEvents>(name: Name, listener: (event: ReplicaEvents[Name]) => void): Unsubscribe;
  /** Stops what is under way. The store, the tree and the transport stay open. */
  close(): Promise<void>;
}

export interface SyncOptions extends OperationOptions {
  /** Says yes to removals that wait for it. */
  readonly confirm?: boolean | undefined;
}
