import type { FileStat } from "@twinfold/core";

/** A name in a directory. `raw` holds the bytes of a name that is not UTF-8, which no path can say. */
export interface SimName {
  readonly name: string;
  readonly raw?: Uint8Array | undefined;
  readonly inode: SimInode;
}

/** Bytes that are never written to again: a write to a file makes others, so that images may share them. */
export interface SimContent {
  readonly bytes: Uint8Array;
  readonly mode: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** A file, directory or symlink: what programs see of it, and what the disk would have of it without power. */
export interface SimInode {
  /** Never used again, unlike `ino`. */
  readonly id: number;
  readonly ino: bigint;
  readonly birthNs: bigint;
  dev: bigint;
  readonly kind: FileStat["kind"];
  /** Of a symlink. */
  readonly target: string;
  mode: number;
  mtimeNs: bigint;
  ctimeNs: bigint;
  links: number;
  /** How many programs have it open. */
  opened: number;
  /** Of a file: a buffer, of which `sizeBytes` are the file's. */
  buffer: Uint8Array;
  sizeBytes: number;
  /** True while `buffer` belongs to `saved` too. */
  shared: boolean;
  /** Of a directory, by folded name. */
  entries: Map<string, SimName>;
  /** The newest of its names. */
  parent: SimInode | undefined;
  name: string;
  /** Of a file: what an fsync, or the system on its own, has written. */
  saved: SimContent | undefined;
  isDirty: boolean;
  /** An fsync failed: the system took the pages for clean and will never write them. */
  isForgotten: boolean;
  /** The least size since `saved`: bytes of `saved` above it may be gone. */
  lowestSizeBytes: number;
  /** Of a directory: the names that are durable. */
  savedEntries: Map<string, SimName>;
  savedParent: SimInode | undefined;
  /** What programs see here while its disk is not mounted. */
  unmounted: SimUnmount | undefined;
  isMountPoint: boolean;
}

export type SimUnmount = { readonly how: "empty"; readonly shown: SimInode } | { readonly how: "absent" | "unreadable" };

const NOTHING = new Uint8Array();

export function createInode(
  made: Pick<SimInode, "id" | "ino" | "dev" | "kind" | "mode" | "mtimeNs"> & { readonly target?: string | undefined },
): SimInode {
  const { id, ino, dev, kind, mode, mtimeNs, target = "" } = made;
  return {
    id,
    ino,
    birthNs: mtimeNs,
    dev,
    kind,
    target,
    mode,
    mtimeNs,
    ctimeNs: mtimeNs,
    links: kind === "directory" ? 2 : 0,
    opened: 0,
    buffer: NOTHING,
    sizeBytes: 0,
    shared: false,
    entries: new Map(),
    parent: undefined,
    name: "",
    saved: undefined,
    isDirty: true,
    isForgotten: false,
    lowestSizeBytes: 0,
    savedEntries: new Map(),
    savedParent: undefined,
    unmounted: undefined,
    isMountPoint: false,
  };
}

export function bytesOf(inode: SimInode): Uint8Array {
  return inode.buffer.subarray(0, inode.sizeBytes);
}

export function statOf(inode: SimInode): FileStat {
  return {
    kind: inode.kind,
    sizeBytes: inode.kind === "symlink" ? inode.target.length : inode.sizeBytes,
    mtimeNs: inode.mtimeNs,
    ctimeNs: inode.ctimeNs,
    birthNs: inode.birthNs,
    dev: inode.dev,
    ino: inode.ino,
    mode: inode.mode,
    links: inode.links,
  };
}

export function writeBytes(inode: SimInode, bytes: Uint8Array, position: number): void {
  const end = position + bytes.length;
  makeRoom(inode, Math.max(end, inode.sizeBytes));
  inode.buffer.set(bytes, position);
  inode.sizeBytes = Math.max(end, inode.sizeBytes);
  inode.isDirty = true;
}

export function resize(inode: SimInode, sizeBytes: number): void {
  if (sizeBytes > inode.sizeBytes) makeRoom(inode, sizeBytes);
  // What was cut off reads as zeros when the file grows again.
  else if (!inode.shared) inode.buffer.fill(0, sizeBytes, inode.sizeBytes);
  else inode.buffer = inode.buffer.subarray(0, sizeBytes);
  inode.sizeBytes = sizeBytes;
  inode.lowestSizeBytes = Math.min(inode.lowestSizeBytes, sizeBytes);
  inode.isDirty = true;
}

/** Lets the file's bytes be written to, up to `sizeBytes`. */
function makeRoom(inode: SimInode, sizeBytes: number): void {
  if (!inode.shared && sizeBytes <= inode.buffer.length) return;
  const room = sizeBytes <= inode.sizeBytes ? sizeBytes : Math.max(sizeBytes, inode.sizeBytes === 0 ? 0 : 2 * inode.buffer.length);
  const buffer = new Uint8Array(room);
  buffer.set(bytesOf(inode));
  inode.buffer = buffer;
  inode.shared = false;
}

/** What the file holds now is what it would hold without power. */
export function save(inode: SimInode): void {
  inode.saved = { bytes: bytesOf(inode), mode: inode.mode, mtimeNs: inode.mtimeNs, ctimeNs: inode.ctimeNs };
  inode.shared = true;
  inode.isDirty = false;
  inode.isForgotten = false;
  inode.lowestSizeBytes = inode.sizeBytes;
}
