import type { Manifest } from "../manifest.js";
import type { LocalPath } from "../names.js";
import type { OperationOptions } from "../operation-options.js";
import type { TrashItem } from "./trash.js";
import type { NameRules } from "./name-rules.js";

/** What the disk says of one entry. Two equal stats of one path mean: nothing was written in between. */
export interface LocalStat {
  /** `other` is a socket, pipe or device: reported, never read. */
  readonly kind: "file" | "directory" | "symlink" | "other";
  readonly sizeBytes: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  /** Device, inode and the time of its birth, as one key: equal for two names of one file, and not for a number that was given to another file. */
  readonly inode: string;
  readonly executable: boolean;
  /** Names of this inode; over 1 for hard links. */
  readonly links: number;
}

export interface LocalEntry {
  /** As the disk gives it; not checked. */
  readonly name: string;
  readonly stat: LocalStat;
}

export interface LocalListing {
  readonly entries: readonly LocalEntry[];
  /** Entries that cannot be named or read: what to show a person, and why. */
  readonly problems: ReadonlyArray<{ readonly name: string; readonly problem: string }>;
  /** As {@link LocalTree.digest} says. Absent where there are problems, and from a tree that has none to give. */
  readonly digest?: Uint8Array | undefined;
}

/** `changed`: the path is not what the caller expected it to be; nothing was done. */
export type LocalOutcome = { readonly kind: "done"; readonly stat: LocalStat } | { readonly kind: "changed" };

/** What a path must be now: that stat, or absent. A directory matches by kind and inode alone. */
export type Expected = LocalStat | undefined;

export interface FileAttributes {
  readonly executable: boolean;
  /** Kept to the microsecond. */
  readonly mtimeNs: bigint;
}

/** `lost`: its fsync failed, and the disk may never have what it holds. `unreachable`: there is no file, or none that can be opened. */
export type FileSynced = "durable" | "lost" | "unreachable";

export interface PlaceOptions {
  /** `false`, heeded where nothing is expected: it need not be durable before the next {@link LocalTree.sync} of its path. @default true */
  readonly durable?: boolean | undefined;
}

/** A file being made beside its target, inside the root's own folder. It outlives the process: the same key opens it again. */
export interface Staging {
  /** Bytes that it holds. Those of an earlier process may be torn: read and check them. */
  readonly sizeBytes: number;
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Cuts it down to `sizeBytes`. */
  truncate(sizeBytes: number): Promise<void>;
  append(bytes: Uint8Array): Promise<void>;
  /**
   * Makes it durable and puts it at `path`, in one step, if `path` is still as expected. What was there goes to the trash.
   * On `changed` the staging is left as it is. Over a directory it rejects with `ERR_INVALID_ARGUMENT`: remove that first.
   */
  place(path: LocalPath, expected: Expected, attributes: FileAttributes, options?: PlaceOptions): Promise<LocalOutcome>;
  /** Lets go of it; it can be opened again. */
  close(): Promise<void>;
  discard(): Promise<void>;
}

export interface LocalReadOptions extends OperationOptions {
  /** @default 0 */
  readonly offset?: number | undefined;
  /** @default to the file's end */
  readonly length?: number | undefined;
  /** Room that the bytes may be put into, from its start; at least as long as what is read. The pieces may then be views of it, in their places. */
  readonly into?: Uint8Array | undefined;
}

/** Something may have changed. A hint: it may be late, doubled or lost. */
export type LocalHint =
  /** Look at this directory again. */
  | { readonly kind: "directory"; readonly path: LocalPath }
  /** Look at everything again: events were lost. */
  | { readonly kind: "everything"; readonly reason: string };

/**
 * One linked folder.
 *
 * - LT1 `list` gives every entry of a directory but the root's own folder, or rejects: a partial listing is never given. A symlink is not followed.
 * - LT2 `read` yields bytes of one state of the file: when it changed since `expected`, before or while it was read, it rejects with `ERR_LOCAL_CHANGED`.
 * - LT3 At any instant, also after a crash, `path` holds what was there or what was put there, whole. Of what was placed with `durable: false`, by one `append` at
 *   most, a loss of power before its `sync` may leave nothing there, a file without bytes, or one with the modification time that was set and other bytes.
 * - LT4 `place`, `makeDirectory`, `makeSymlink`, `move` and `remove` do nothing and give `changed` when the path is not as expected.
 * - LT5 What `place`, `makeSymlink` or `remove` takes away is in the trash afterwards; of an empty directory there is nothing to keep, nor
 *   of what is removed `forGood`. What somebody wrote to it meanwhile is still in the folder: at its path, or beside it as a conflict copy.
 * - LT6 No operation follows a symlink in any component of a path, and none reaches outside the root.
 * - LT7 `remove` of a directory that holds anything gives `changed`.
 * - LT8 When the root is missing, unreadable, or not the one that was linked, every call rejects with `ERR_ROOT_MISSING`, `ERR_ROOT_UNREADABLE` or `ERR_ROOT_FOREIGN`.
 * - LT9 A failure is a `TwinfoldError`: `ERR_NO_SPACE`, `ERR_PERMISSION_DENIED`, `ERR_LOCAL_FAILED`, each naming the path. An absent path is `undefined` in `stat`
 *   and `ERR_NOT_FOUND` in `list`, `read` and `readLink`.
 * - LT10 `watch` gives hints for changes made after it resolved, the tree's own included.
 * - LT11 `names` tells what names the disk can hold. Two names that the rules take for one are one entry: `stat` finds it under both, nothing
 *   new can be made under either, and `list` gives it once, as it was last spelled, or in form D where the rules say so.
 *   The caller asks for no name that the rules exclude.
 * - LT12 `move` from one spelling of an entry to another changes its spelling, and nothing else.
 * - LT13 `listTrash` gives all that LT5 has kept, each with the path that it had, when and why, oldest first. `restoreFromTrash` puts one thing back at that path, whose
 *   directories it makes, or beside it under the next free name; it never replaces anything. Then it is no longer in the trash. No such thing: `ERR_NOT_FOUND`.
 * - LT14 `tidy` removes what has been in the trash for {@link TRASH_KEPT_MS}, and staging files that nobody has open and that were not written for
 *   {@link STAGING_KEPT_MS}, or were placed already by a process that died then; a bounded number at each call, the oldest first. Nothing else.
 * - LT15 `check` gives the root's stamp, at most 64 bytes: the same at every call, also of a later process. Another one means another folder though it is marked
 *   as ours: put back from a backup, copied to another disk, or marked again by hand. What is absent in that was not deleted.
 * - LT16 After `settle` a loss of power takes back no name that came into the directory, left it or changed in it before, by whomever.
 * - LT17 `cut` gives the chunks that the bytes of `read` have under the profile of their length, and rejects where `read` would.
 * - LT18 `digest` is that of the listing which `list` would give: another one when an entry has another name or, but for a directory's size, times
 *   and links, another stat; the same when all have those that they had. It rejects where `list` would.
 * - LT19 `sync` makes durable what files hold and that they stand at their paths, whoever wrote them, and tells which are: of one that is not, nothing is changed.
 */
export interface LocalTree {
  /** Rejects as LT8 says; resolves when the root is there and ours, with its stamp. */
  check(): Promise<string>;
  /** Found out once, at the first call. */
  names(): Promise<NameRules>;
  list(path: LocalPath): Promise<LocalListing>;
  /** At most 64 bytes, for less than a listing costs; `undefined` where a listing would have problems. A tree without it is asked for listings instead. */
  digest?(path: LocalPath): Promise<Uint8Array | undefined>;
  /** Makes durable which names a directory has, and what stands under each. `ERR_NOT_FOUND` when it is gone. */
  settle(path: LocalPath): Promise<void>;
  stat(path: LocalPath): Promise<LocalStat | undefined>;
  /** The file's bytes, in pieces of the tree's choice, from `offset` to `offset + length`. */
  read(path: LocalPath, expected: LocalStat, options?: LocalReadOptions): AsyncIterable<Uint8Array>;
  /** Reads the file whole, and gives its chunks. Memory is bounded by a constant, and the signal is looked at between reads. */
  cut(path: LocalPath, expected: LocalStat, options?: OperationOptions): Promise<Manifest>;
  readLink(path: LocalPath): Promise<string>;
  /** `key`: lower-case letters, digits and `-`, at most 100. Rejects with `ERR_IN_USE` until an earlier staging of that key was placed or closed. */
  stage(key: string): Promise<Staging>;
  makeDirectory(path: LocalPath): Promise<LocalOutcome>;
  makeSymlink(path: LocalPath, target: string, expected: Expected): Promise<LocalOutcome>;
  /** Never replaces: gives `changed` when something else is at `to`. */
  move(from: LocalPath, to: LocalPath, expected: LocalStat): Promise<LocalOutcome>;
  setAttributes(path: LocalPath, expected: LocalStat, attributes: FileAttributes): Promise<LocalOutcome>;
  /** `forGood`: its room is wanted, and it is kept elsewhere. */
  remove(
    path: LocalPath,
    expected: LocalStat,
    options?: { readonly forGood?: boolean | undefined },
  ): Promise<{ readonly kind: "done" } | { readonly kind: "changed" }>;
  listTrash(): Promise<readonly TrashItem[]>;
  /** In the order of the paths. */
  sync(paths: readonly LocalPath[]): Promise<readonly FileSynced[]>;
  /** Gives the path at which it is now. */
  restoreFromTrash(trashId: string): Promise<LocalPath>;
  tidy(): Promise<void>;
  watch(listener: (hint: LocalHint) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}
