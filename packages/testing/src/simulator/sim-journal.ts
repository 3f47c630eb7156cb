import type { RandomStream } from "./random.js";
import { resize, save, type SimContent, type SimInode, type SimName, writeBytes } from "./sim-inode.js";

/** One name of one directory, before and after. */
export interface NameChange {
  readonly directory: SimInode;
  readonly key: string;
  readonly before: SimName | undefined;
  readonly after: SimName | undefined;
}

/** Names that change in one step. */
export interface NameOperation {
  readonly changes: readonly NameChange[];
  /** Set by a rename: it is never durable in a directory whose own name is not. */
  readonly moved?: SimInode | undefined;
}

/**
 * What happened to names since they were durable.
 *
 * An fsync of a directory makes its names durable, with whatever they rest on. Without power each other operation
 * has happened or not, but never one without an earlier one of the same name, and a rename whole; where the disk has no
 * journal, a renamed file may have both names.
 */
export interface SimJournal {
  /** Not yet durable, in order. */
  readonly pending: readonly NameOperation[];
  add(operation: NameOperation): void;
  syncDirectory(directory: SimInode): void;
  syncAll(): void;
  losePower(random: RandomStream): void;
}

/** More of them, and the oldest are written by the system itself, as after its usual half minute. */
const MAX_PENDING = 512;

export function createJournal({
  hasJournal,
  pending: from = [],
}: {
  readonly hasJournal: boolean;
  readonly pending?: readonly NameOperation[];
}): SimJournal {
  let pending: NameOperation[] = [...from];

  function syncDirectory(directory: SimInode): void {
    const names = new Set<string>();
    const directories = new Set([directory]);
    const named = new Set<SimInode>();
    let movesDirectory = false;
    const needed = new Set<NameOperation>();
    for (let at = pending.length - 1; at >= 0; at--) {
      const operation = pending[at] as NameOperation;
      const isDirectoryMove = operation.moved?.kind === "directory";
      const isNeeded = operation.changes.some(
        (change) => directories.has(change.directory) || names.has(nameKey(change)) || (change.after !== undefined && named.has(change.after.inode)),
      );
      // Without an earlier move, a later one could put a directory below itself.
      if (!isNeeded && !(movesDirectory && isDirectoryMove)) continue;
      movesDirectory ||= isDirectoryMove;
      needed.add(operation);
      for (const change of operation.changes) {
        names.add(nameKey(change));
        // A directory that goes, went empty.
        if (change.before?.inode.kind === "directory" && operation.moved !== change.before.inode) directories.add(change.before.inode);
        if (operation.moved === undefined || change.after === undefined) continue;
        for (let above = change.directory; above.parent !== undefined; above = above.parent) {
          if (above.savedParent === undefined) named.add(above);
        }
      }
    }
    if (needed.size === 0) return;
    for (const operation of pending) if (needed.has(operation)) apply(operation);
    pending = pending.filter((operation) => !needed.has(operation));
  }

  return {
    get pending() {
      return pending;
    },
    add(operation) {
      pending.push(operation);
      if (pending.length > MAX_PENDING) for (const oldest of pending.splice(0, MAX_PENDING / 2)) apply(oldest);
    },
    syncDirectory,
    syncAll() {
      for (const operation of pending.splice(0)) apply(operation);
    },
    losePower(random) {
      const stopped = new Set<string>();
      for (const operation of pending.splice(0)) {
        const isPossible = !operation.changes.some((change) => stopped.has(nameKey(change))) && isLegal(operation);
        const fate = isPossible ? random.int(4) : 3;
        if (fate <= 1) apply(operation);
        else if (fate === 2 && !hasJournal && operation.moved?.kind === "file")
          apply({ changes: operation.changes.filter(({ after }) => after !== undefined) });
        if (fate > 1) for (const change of operation.changes) stopped.add(nameKey(change));
      }
    },
  };
}

function nameKey({ directory, key }: NameChange): string {
  return `${directory.id}/${key}`;
}

function apply({ changes }: NameOperation): void {
  for (const { directory, key, before, after } of changes) {
    if (after === undefined) directory.savedEntries.delete(key);
    if (before?.inode.savedParent === directory) before.inode.savedParent = undefined;
  }
  for (const { directory, key, after } of changes) {
    if (after === undefined) continue;
    directory.savedEntries.set(key, after);
    after.inode.savedParent = directory;
  }
}

/** Could the disk have come to this alone? Nothing durable is lost in a directory that has no name, in itself, or under one that is gone. */
function isLegal({ changes, moved }: NameOperation): boolean {
  for (const { directory, before, after } of changes) {
    if (before !== undefined && before.inode !== moved && before.inode.kind === "directory" && before.inode.savedEntries.size > 0) return false;
    if (moved === undefined || after === undefined) continue;
    let above = directory;
    for (; above.savedParent !== undefined; above = above.savedParent) if (above === moved) return false;
    if (above === moved || above.parent !== undefined) return false;
  }
  return true;
}

/** Makes of a file what may be left of it: the bytes as they were, as they are, cut off, or a mix by pages of 4 KiB. */
export function loseBytes(inode: SimInode, random: RandomStream): void {
  if (!inode.isDirty && !inode.isForgotten) return;
  const old: SimContent = inode.saved ?? { bytes: new Uint8Array(), mode: 0o600, mtimeNs: inode.mtimeNs, ctimeNs: inode.ctimeNs };
  const now = inode.buffer.slice(0, inode.sizeBytes);
  const { mode, mtimeNs, ctimeNs } = inode;
  const least = Math.min(inode.lowestSizeBytes, old.bytes.length);
  const fate = random.int(inode.isForgotten ? 4 : 5);
  const left = new Uint8Array(
    fate === 0 ? old.bytes.length : fate === 1 ? least : fate === 2 ? least + random.int(now.length - least + 1) : now.length,
  );
  if (fate === 0) left.set(old.bytes);
  else if (fate === 3) mixPages(left, old.bytes.subarray(0, least), now, random);
  else left.set(now.subarray(0, left.length));
  inode.isDirty = false;
  resize(inode, 0);
  writeBytes(inode, left, 0);
  const attributes = fate === 0 && (inode.saved === undefined || random.chance(0.5)) ? old : { mode, mtimeNs, ctimeNs };
  Object.assign(inode, { mode: attributes.mode, mtimeNs: attributes.mtimeNs, ctimeNs: attributes.ctimeNs });
  save(inode);
}

const PAGE_BYTES = 4096;

/** Each page of `now` was written or not; what was not is as it was, or zeros. */
function mixPages(left: Uint8Array, old: Uint8Array, now: Uint8Array, random: RandomStream): void {
  left.set(old.subarray(0, left.length));
  for (let at = 0; at < left.length; at += PAGE_BYTES) if (random.chance(0.5)) left.set(now.subarray(at, at + PAGE_BYTES), at);
}
