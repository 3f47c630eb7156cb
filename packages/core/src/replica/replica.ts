import type { Env } from "../env.js";
import type { Unsubscribe } from "../events.js";
import type { WorkspaceId } from "../ids.js";
import type { LocalTree } from "../local/local-tree.js";
import type { ReplicaStore } from "../metadata/replica-store.js";
import type { LocalPath } from "../names.js";
import type { OperationOptions } from "../operation-options.js";
import type { Plan } from "../reconcile/plan.js";
import type { Revision, Transport } from "../transport/transport.js";
import type { CheckOptions, CheckReport } from "./checkup.js";
import type { ReplicaEvents } from "./events.js";

export interface ReplicaOptions {
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
}

/** Both versions of one file, changed apart. */
export interface ContentConflict {
  readonly path: LocalPath;
  readonly mine: () => Promise<Uint8Array>;
  readonly theirs: () => Promise<Uint8Array>;
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
  readonly filesDeleted: number;
  readonly moved: number;
  readonly conflicts: number;
  readonly skipped: readonly SkippedNode[];
  readonly aliased: readonly SkippedNode[];
  /** Removals that wait for a yes; `null` when none do. */
  readonly awaitingConfirmation: { readonly removals: number } | null;
  readonly chunksUploaded: number;
  readonly chunksDownloaded: number;
  /** Chunks of downloaded files that were on this disk already. */
  readonly chunksReused: number;
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
  /** Why nothing gets through at the moment, as a sentence. */
  readonly problem: string | undefined;
}

export interface Explanation {
  readonly path: LocalPath;
  /** One word for what is the matter with it. */
  readonly state: "in-sync" | "pending" | "skipped" | "unknown";
  /** The same as a sentence, with the reason. */
  readonly explanation: string;
}

/** A conflict copy that is in the folder. */
export interface ConflictCopy {
  readonly path: LocalPath;
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
  explain(path: LocalPath): Promise<Explanation>;
  conflicts(): Promise<readonly ConflictCopy[]>;
  /** Newest first. @throws {TwinfoldError} `ERR_NOT_FOUND` when nothing is known at `path`. */
  revisions(path: LocalPath, options?: OperationOptions & { readonly limit?: number | undefined }): Promise<readonly Revision[]>;
  /** Makes an older revision the newest one; `sync` brings it to the disk. */
  restore(path: LocalPath, revision: number, options?: OperationOptions): Promise<void>;
  /** Checks every hop: this disk, this device's database, its view of the hub, the hub's chunks. Reads every file. */
  check(options?: CheckOptions): Promise<CheckReport>;
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
