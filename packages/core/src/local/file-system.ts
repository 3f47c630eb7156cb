/**
 * The few calls of a disk that adapter-fs is built on, so that the code which replaces people's files runs on a simulated disk too.
 *
 * Paths are absolute. Errors are Node's: objects with a `code` such as `ENOENT`. No call but `realpath` follows a symlink in the last component.
 * The methods do without `this`, so that a wrapper is `{ ...fileSystem, open: … }`.
 */
export interface FileSystem {
  /** `create-exclusive` fails with `EEXIST`; what it makes is readable and writable, by its owner alone. A symlink fails with `ELOOP`. */
  open(path: string, mode: "read" | "read-write" | "create-exclusive"): Promise<OpenFile>;
  lstat(path: string): Promise<FileStat>;
  /** The path with all its symlinks resolved. */
  realpath(path: string): Promise<string>;
  /** Raw names, as bytes: what is not UTF-8 can be told. */
  readdir(path: string): Promise<readonly Uint8Array[]>;
  /**
   * The entries of a directory with their stats, for less than `readdir` and an `lstat` of each cost. `undefined` when a name is not UTF-8 or an entry
   * cannot be looked at: those two tell of which. What goes meanwhile is left out.
   */
  entries?: ((path: string) => Promise<readonly FoundEntry[] | undefined>) | undefined;
  readlink(path: string): Promise<string>;
  mkdir(path: string): Promise<void>;
  /** Replaces what is at `to`, atomically. */
  rename(from: string, to: string): Promise<void>;
  /** A second name for a file; fails with `EEXIST`. */
  link(existing: string, path: string): Promise<void>;
  /** Fails with `EEXIST`. */
  symlink(target: string, path: string): Promise<void>;
  unlink(path: string): Promise<void>;
  rmdir(path: string): Promise<void>;
  /** Makes the entries of a directory durable. */
  syncDirectory(path: string): Promise<void>;
}

/** Everything goes to the file that was opened, whatever becomes of its name. */
export interface OpenFile {
  /** Its number in this process, on a disk of the system's own: other threads read by it. */
  readonly descriptor?: number | undefined;
  /** Fills `into` from `position`; gives the count of bytes, less than asked for only at the end. */
  read(into: Uint8Array, position: number): Promise<number>;
  write(bytes: Uint8Array, position: number): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  stat(): Promise<FileStat>;
  /** Permission bits only. */
  chmod(mode: number): Promise<void>;
  /** Kept to the microsecond below. */
  setMtime(mtimeNs: bigint): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface FoundEntry {
  readonly name: string;
  readonly stat: FileStat;
}

export interface FileStat {
  readonly kind: "file" | "directory" | "symlink" | "other";
  readonly sizeBytes: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  /** When the inode was made; 0 where the disk does not tell. */
  readonly birthNs: bigint;
  readonly dev: bigint;
  readonly ino: bigint;
  /** Permission bits only. */
  readonly mode: number;
  readonly links: number;
}
