import type { LocalPath } from "../names.js";
import type { MendedCode } from "./follower.js";
import type { SyncReport } from "./replica.js";

/** Facts about what has happened in a replica. Names are `subject:past-participle`. */
export type ReplicaEvents = {
  "scan:progressed": { readonly entries: number };
  "file:uploaded": { readonly path: LocalPath; readonly sizeBytes: number };
  "file:downloaded": { readonly path: LocalPath; readonly sizeBytes: number };
  /** A loss of power took bytes that the server has: they are fetched again. */
  "file:damaged": { readonly path: LocalPath };
  "node:moved": { readonly from: LocalPath; readonly to: LocalPath };
  "node:deleted": { readonly path: LocalPath; readonly by: "here" | "elsewhere" };
  "node:skipped": { readonly path: string; readonly reason: string };
  "conflict:detected": { readonly path: LocalPath; readonly copy: LocalPath | undefined };
  /** Bytes of chunks, since `sync` began; totals grow while more is found. */
  "transfer:progressed": {
    readonly direction: "up" | "down";
    readonly doneBytes: number;
    readonly totalBytes: number;
    readonly doneFiles: number;
    readonly totalFiles: number;
  };
  "sync:finished": { readonly report: SyncReport };
  /** The disk here, or the server's, is full; or the folder is not there, unreadable, another one or emptied: it goes on by itself when that is mended. */
  "sync:postponed": { readonly code: MendedCode; readonly reason: string; readonly retryInMs: number };
  "connection:lost": { readonly reason: string; readonly retryInMs: number };
  "connection:restored": Record<string, never>;
};
