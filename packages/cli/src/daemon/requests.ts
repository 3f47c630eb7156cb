import type {
  CheckReport,
  Conflict,
  Explanation,
  FreedRoom,
  Plan,
  ReplicaEvents,
  ReplicaStatus,
  ScopeOptions,
  SyncReport,
  TrashItem,
} from "@twinfold/core";
import type { Limits, LimitsChange } from "../network/limits.js";
import type { ShownError } from "../output/output.js";

/** What one `sync` of one folder did: the replica's report, and what crossed this device's sockets for it. */
export interface LinkReport extends SyncReport {
  /** HTTP headers included; the long poll of a running process is not. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly requests: number;
  /** For how long a limit held back something of this device meanwhile. */
  readonly throttledMs: number;
}

export interface LinkName {
  readonly path: string;
  readonly workspace: string;
  readonly workspaceId: string;
}

/** What became of one of several folders. */
export type LinkOutcome<T> = LinkName & (T | { readonly error: ShownError });

export type LinkStatus = LinkName &
  Pick<ReplicaStatus, "nodes" | "pending" | "ignored" | "excluded" | "elsewhere" | "skipped" | "aliased" | "awaitingConfirmation"> & {
    readonly state: ReplicaStatus["state"];
    /** `null` when everything has reached the other side. */
    readonly oldestUnsyncedMs: number | null;
    readonly lastInSyncAtMs: number | null;
    readonly bytesSent: number;
    readonly bytesReceived: number;
    readonly problem: string | null;
  };

/** All links that were asked for. Bytes are what crossed the running process's sockets for them so far. */
export interface DeviceStatus {
  readonly running: boolean;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Those in force. */
  readonly limits: Limits;
  /** For how long they held something back so far. */
  readonly throttledMs: number;
  readonly links: readonly LinkStatus[];
}

export interface RevisionInfo {
  readonly revision: number;
  readonly atMs: number;
  readonly sizeBytes: number;
  readonly deviceId: string;
  readonly deviceName: string;
}

/** Paths are absolute. */
export interface ConflictInfo extends Pick<Conflict, "proven" | "device" | "atMs"> {
  readonly path: string;
  readonly copy: string;
  /** Where this device's version is, and the other; `null` when it is gone. */
  readonly mine: string | null;
  readonly theirs: string | null;
  /** True when what both were made from can be had. */
  readonly hasBase: boolean;
}

export interface LinkConflicts {
  readonly copies: readonly string[];
  readonly conflicts: readonly ConflictInfo[];
}

/** `path`, where it was, is absolute. */
export type TrashInfo = Omit<TrashItem, "path"> & { readonly path: string };

/** Which version stays, or the file whose bytes are to stand instead of both. */
export type Keep = "mine" | "theirs" | "both" | { readonly file: string };

/**
 * What commands ask of the process that has the state folder, whichever it is. Paths are absolute; no `dirs` means all links.
 * Everything is plain JSON, since it may cross a socket.
 */
export interface Requests {
  link: {
    readonly ask: {
      readonly dir: string;
      readonly workspace?: string | undefined;
      readonly mergeText?: boolean | undefined;
      /** What this device holds, also of a folder that is linked already. */
      readonly scope?: ScopeOptions | undefined;
    };
    readonly answer: LinkName & { readonly created: boolean; readonly changed: boolean };
  };
  unlink: { readonly ask: { readonly dir: string }; readonly answer: LinkName };
  sync: {
    readonly ask: { readonly dirs: readonly string[]; readonly confirm: boolean; readonly limits?: LimitsChange | undefined };
    readonly answer: ReadonlyArray<LinkOutcome<LinkReport>>;
  };
  /** The limits that are kept for this device, after the change; a process that runs comes under them at once. */
  limits: { readonly ask: LimitsChange; readonly answer: Limits };
  plan: { readonly ask: { readonly dirs: readonly string[] }; readonly answer: ReadonlyArray<LinkOutcome<Plan>> };
  check: {
    readonly ask: { readonly dirs: readonly string[]; readonly repair: boolean; readonly deep: boolean };
    readonly answer: ReadonlyArray<LinkOutcome<CheckReport>>;
  };
  status: { readonly ask: { readonly dirs: readonly string[] }; readonly answer: DeviceStatus };
  setPaused: { readonly ask: { readonly dirs: readonly string[]; readonly paused: boolean }; readonly answer: readonly LinkName[] };
  explain: { readonly ask: { readonly path: string }; readonly answer: Explanation & { readonly link: LinkName } };
  get: { readonly ask: { readonly path: string }; readonly answer: LinkReport };
  free: { readonly ask: { readonly path: string }; readonly answer: FreedRoom };
  revisions: { readonly ask: { readonly path: string; readonly limit?: number | undefined }; readonly answer: readonly RevisionInfo[] };
  restore: { readonly ask: { readonly path: string; readonly revision: number }; readonly answer: LinkReport };
  conflicts: { readonly ask: { readonly dirs: readonly string[] }; readonly answer: ReadonlyArray<LinkOutcome<LinkConflicts>> };
  trash: {
    readonly ask: { readonly dirs: readonly string[] };
    readonly answer: ReadonlyArray<LinkOutcome<{ readonly items: readonly TrashInfo[] }>>;
  };
  /** The newest thing that was at `path`, or the one that is named; of a folder, all that was in it and is not there. `sync` is `null` while the server is out of reach. */
  restoreFromTrash: {
    readonly ask: { readonly path: string; readonly trashId?: string | undefined };
    readonly answer: { readonly restored: readonly string[]; readonly sync: LinkReport | null };
  };
  /** `path`: the file, or its copy. */
  resolve: {
    readonly ask: { readonly path: string; readonly keep: Keep };
    readonly answer: { readonly kept: readonly string[]; readonly sync: LinkReport };
  };
}

export type Method = keyof Requests;
export type Ask<Name extends Method> = Requests[Name]["ask"];
export type Answer<Name extends Method> = Requests[Name]["answer"];

type LinkEvents = ReplicaEvents & {
  "link:followed": { readonly workspace: string };
  /** It is followed no more, and why. */
  "link:stopped": ShownError;
};

/** A fact about one link while a request is answered, or while links are followed. `link` is the folder's path. */
export type LinkEvent = {
  readonly [Name in keyof LinkEvents]: { readonly event: Name; readonly link: string; readonly fact: LinkEvents[Name] };
}[keyof LinkEvents];

export interface RequestOptions {
  readonly signal: AbortSignal;
  readonly onEvent?: ((event: LinkEvent) => void) | undefined;
}

export interface FollowOptions extends RequestOptions {
  /** All links, and those made meanwhile, when it names none. */
  readonly dirs: readonly string[];
  readonly confirm: boolean;
  /** For as long as this process runs, or until others are asked for. */
  readonly limits?: LimitsChange | undefined;
}

/** Answers requests: the engine itself, or a connection to the process that has it. */
export interface RequestTarget {
  request<Name extends Method>(name: Name, ask: Ask<Name>, options: RequestOptions): Promise<Answer<Name>>;
}
