/**
 * The few calls of a disk that adapter-fs is built on, so that the code which replaces people's files runs on a simulated disk too.
 *
 * Paths are absolute. Errors are Node's: objects with a `code` such as `ENOENT`. `stat` never follows a symlink.
 */
export interface FileSystem {
  open(path: string, mode: "read" | "append" | "create-exclusive" | "read-write"): Promise<OpenFile>;
  lstat(path: string): Promise<FileStat>;
  /** Raw names, as bytes: what is not UTF-8 can be told. */
  readdir(path: string): Promise<readonly Uint8Array[]>;
  readlink(path: string): Promise<string>;
  mkdir(path: string): Promise<void>;
  /** Replaces what is at `to`, atomically. */
  rename(from: string, to: string): Promise<void>;
  /** A second name for a file; fails with `EEXIST`. */
  link(existing: string, path: string): Promise<void>;
  symlink(target: string, path: string): Promise<void>;
  unlink(path: string): Promise<void>;
  rmdir(path: string): Promise<void>;
  chmod(path: string, mode: number): Promise<void>;
  /** To the microsecond; does not follow symlinks. */
  utimes(path: string, mtimeNs: bigint): Promise<void>;
  /** Makes the entries of a directory durable. */
  syncDirectory(path: string): Promise<void>;
}

export interface OpenFile {
  /** Fills `into` from `position`; gives the count of bytes, 0 at the end. */
  read(into: Uint8Array, position: number): Promise<number>;
  write(bytes: Uint8Array, position: number): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  stat(): Promise<FileStat>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface FileStat {
  readonly kind: "file" | "directory" | "symlink" | "other";
  readonly sizeBytes: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly dev: bigint;
  readonly ino: bigint;
  /** Permission bits only. */
  readonly mode: number;
  readonly links: number;
}
