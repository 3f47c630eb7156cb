import { systemError } from "./sim-error.js";
import { ENTRY_BYTES } from "./sim-image.js";
import { bytesOf, createInode, resize, save, type SimInode, type SimName, statOf, writeBytes } from "./sim-inode.js";
import type { NameChange, SimJournal } from "./sim-journal.js";

export interface SimVolumeParts {
  readonly nowMs: () => number;
  readonly foldsCase: boolean;
  readonly normalizes: "nfd" | undefined;
  readonly timeGranularityMs: number;
  readonly capacityBytes: number;
  /** Asked before each write: does the system write the file's earlier bytes to the disk on its own now? */
  readonly writesBack: () => boolean;
  /** A name in `directory` came, went or changed; `isNew` when it came. */
  readonly changed: (directory: SimInode, name: string, isNew: boolean) => void;
}

/** Where a path leads: the directory, the name in it, and what has that name. */
export interface SimPlace {
  readonly directory: SimInode;
  readonly name: string;
  readonly key: string;
  readonly found: SimName | undefined;
}

/** Everything but the volatile tree itself, which hangs on `root`. */
export interface SimVolumeState {
  readonly root: SimInode;
  readonly journal: SimJournal;
  readonly freeInodes: readonly bigint[];
  readonly nextInode: bigint;
  readonly nextId: number;
  readonly nextDevice: bigint;
  readonly usedBytes: number;
}

/** A freed inode number is given out again after so many others were freed. */
const INODES_KEPT_BACK = 16;
const MAX_NAME_BYTES = 255;
const MAX_SYMLINKS = 40;

const encoder = new TextEncoder();

/** The names and files as programs see them: plain synchronous calls, with Node's errors. */
export type SimVolume = ReturnType<typeof createVolume>;

export function createVolume(parts: SimVolumeParts, state: (nowNs: bigint) => SimVolumeState) {
  let lastNs = 0n;
  let { root, journal, nextInode, nextId, nextDevice, usedBytes, freeInodes: freed } = state(now());
  let freeInodes = [...freed];
  const unmounted = new Map<string, SimInode>();

  /** At the granularity of the disk; without one, later than any time before. */
  function now(): bigint {
    const ms = parts.nowMs();
    if (parts.timeGranularityMs > 0) return BigInt(Math.floor(ms / parts.timeGranularityMs) * parts.timeGranularityMs) * 1_000_000n;
    const ns = BigInt(Math.floor(ms * 1_000)) * 1_000n;
    lastNs = ns > lastNs ? ns : lastNs + 1_000n;
    return lastNs;
  }

  function keyOf(name: string): string {
    const normal = parts.normalizes === undefined ? name : name.normalize("NFD");
    return parts.foldsCase ? normal.toUpperCase().toLowerCase() : normal;
  }

  function spend(bytes: number, operation: string, path: string): void {
    if (usedBytes + bytes > parts.capacityBytes) throw systemError("ENOSPC", operation, path);
    usedBytes += bytes;
  }

  function make(kind: SimInode["kind"], parent: SimInode, mode: number, target?: string): SimInode {
    let ino = nextInode;
    if (freeInodes.length > INODES_KEPT_BACK) ino = freeInodes.shift() as bigint;
    else nextInode += 1n;
    nextId += 1;
    return createInode({ id: nextId, ino, dev: parent.dev, kind, mode, mtimeNs: now(), target });
  }

  /** What programs find instead of a directory whose disk is not mounted. */
  function seen(inode: SimInode, operation: string, path: string): SimInode {
    if (inode.unmounted === undefined) return inode;
    if (inode.unmounted.how === "empty") return inode.unmounted.shown;
    throw systemError(inode.unmounted.how === "absent" ? "ENOENT" : "EIO", operation, path);
  }

  /** Follows symlinks everywhere but at the end. */
  function locate(path: string, operation: string, links = 0): SimPlace | { readonly directory: undefined; readonly found: SimInode } {
    let directory = seen(root, operation, path);
    let start = 1;
    if (path.length > MAX_NAME_BYTES * 16) throw systemError("ENAMETOOLONG", operation, path);
    for (;;) {
      while (path[start] === "/") start += 1;
      if (start >= path.length) return { directory: undefined, found: directory };
      const slash = path.indexOf("/", start);
      const end = slash === -1 ? path.length : slash;
      const name = path.slice(start, end);
      if (directory.kind !== "directory") throw systemError("ENOTDIR", operation, path);
      if (name === "." || name === "..") {
        if (name === "..") directory = directory.parent ?? directory;
        start = end;
        continue;
      }
      if (name.length > 80 && encoder.encode(name).length > MAX_NAME_BYTES) throw systemError("ENAMETOOLONG", operation, path);
      const key = keyOf(name);
      const found = directory.entries.get(key);
      if (found?.inode.unmounted?.how === "absent") throw systemError("ENOENT", operation, path);
      if (slash === -1) return { directory, name, key, found };
      if (found === undefined) throw systemError("ENOENT", operation, path);
      if (found.inode.kind === "symlink") {
        if (links === MAX_SYMLINKS) throw systemError("ELOOP", operation, path);
        const { target } = found.inode;
        return locate((target.startsWith("/") ? target : `${pathOf(directory)}/${target}`) + path.slice(end), operation, links + 1);
      }
      directory = seen(found.inode, operation, path);
      start = end;
    }
  }

  function pathOf(inode: SimInode): string {
    return inode.parent === undefined ? "" : `${pathOf(inode.parent)}/${inode.name}`;
  }

  /** What is at the path, a symlink itself. */
  function find(path: string, operation: string): SimInode {
    const place = locate(path, operation);
    if (place.directory === undefined) return place.found;
    if (place.found === undefined) throw systemError("ENOENT", operation, path);
    const { inode } = place.found;
    return inode.unmounted?.how === "empty" ? inode.unmounted.shown : inode;
  }

  /** A directory to look into or to change. */
  function findDirectory(path: string, operation: string): SimInode {
    const place = locate(`${path}/.`, operation);
    const inode = place.directory === undefined ? place.found : undefined;
    if (inode?.kind !== "directory") throw systemError("ENOTDIR", operation, path);
    return inode;
  }

  function mustPlace(path: string, operation: string): SimPlace {
    const place = locate(path, operation);
    if (place.directory === undefined) throw systemError("EBUSY", operation, path);
    return place;
  }

  function absentPlace(path: string, operation: string): SimPlace {
    const place = locate(path, operation);
    if (place.directory === undefined || place.found !== undefined) throw systemError("EEXIST", operation, path);
    if (place.directory.links === 0) throw systemError("ENOENT", operation, path);
    return place;
  }

  function change(changes: readonly NameChange[], moved?: SimInode): void {
    const at = now();
    for (const { directory, key, after } of changes) {
      if (after === undefined) directory.entries.delete(key);
      directory.mtimeNs = directory.ctimeNs = at;
    }
    for (const { directory, key, after } of changes) {
      if (after === undefined) continue;
      directory.entries.set(key, after);
      after.inode.parent = directory;
      after.inode.name = after.name;
      after.inode.ctimeNs = at;
    }
    journal.add({ changes, moved });
    for (const { directory, after, before } of changes) parts.changed(directory, (after ?? before)?.name ?? "", after !== undefined);
  }

  function add({ directory, key, name }: SimPlace, inode: SimInode, raw?: Uint8Array): void {
    inode.links += inode.kind === "directory" ? 0 : 1;
    if (inode.kind === "directory") directory.links += 1;
    const kept = parts.normalizes === undefined ? name : name.normalize("NFD");
    change([{ directory, key, before: undefined, after: { name: kept, raw, inode } }]);
  }

  /** One name less; the inode goes with its last name and its last open file. */
  function release(inode: SimInode, directory: SimInode): void {
    inode.ctimeNs = now();
    if (inode.kind === "directory") {
      inode.links = 0;
      directory.links -= 1;
    } else inode.links -= 1;
    freeWhenUnused(inode);
  }

  function freeWhenUnused(inode: SimInode): void {
    if (inode.links > 0 || inode.opened > 0) return;
    freeInodes.push(inode.ino);
    usedBytes -= inode.sizeBytes + ENTRY_BYTES;
  }

  function create(path: string, operation: string, kind: SimInode["kind"], mode: number, target?: string): SimInode {
    const place = absentPlace(path, operation);
    spend(ENTRY_BYTES, operation, path);
    const inode = make(kind, place.directory, mode, target);
    add(place, inode);
    return inode;
  }

  function writeBack(inode: SimInode): void {
    if (inode.isDirty && !inode.isForgotten && parts.writesBack()) save(inode);
  }

  function touched(inode: SimInode): void {
    inode.mtimeNs = inode.ctimeNs = now();
    inode.isDirty = true;
    if (inode.parent !== undefined && inode.links > 0) parts.changed(inode.parent, inode.name, false);
  }

  function makeMountPoint(path: string): void {
    const inode = findDirectory(path, "mount");
    if (inode.entries.size > 0) throw systemError("ENOTEMPTY", "mount", path);
    nextDevice += 1n;
    inode.dev = nextDevice;
    inode.isMountPoint = true;
  }

  return {
    find,
    findDirectory,
    pathOf,
    keyOf,
    create,
    touched,
    freeWhenUnused,
    now,
    /** The file's bytes as they are now: later writes do not change them. */
    read(inode: SimInode): Uint8Array {
      inode.shared = true;
      return bytesOf(inode);
    },
    setAttributes(inode: SimInode, { mode = inode.mode, mtimeNs = inode.mtimeNs }: { readonly mode?: number; readonly mtimeNs?: bigint }): void {
      touched(inode);
      inode.mode = mode;
      inode.mtimeNs = mtimeNs;
    },
    stat: (path: string) => statOf(find(path, "lstat")),
    realpath(path: string): string {
      let inode = find(path, "realpath");
      let real = path;
      for (let links = 0; inode.kind === "symlink"; links++) {
        if (links === MAX_SYMLINKS) throw systemError("ELOOP", "realpath", path);
        real = inode.target.startsWith("/") ? inode.target : `${pathOf(inode.parent as SimInode)}/${inode.target}`;
        inode = find(real, "realpath");
      }
      return pathOf(inode) || "/";
    },
    /** The bytes of a file that are past its end cost room. */
    write(inode: SimInode, bytes: Uint8Array, position: number, path: string): void {
      if (bytes.length === 0) return;
      spend(Math.max(0, position + bytes.length - inode.sizeBytes), "write", path);
      writeBack(inode);
      writeBytes(inode, bytes, position);
      touched(inode);
    },
    truncate(inode: SimInode, sizeBytes: number, path: string): void {
      spend(sizeBytes - inode.sizeBytes, "ftruncate", path);
      writeBack(inode);
      resize(inode, sizeBytes);
      touched(inode);
    },
    /** A name that is not UTF-8. */
    createRaw(directoryPath: string, raw: Uint8Array): SimInode {
      const directory = findDirectory(directoryPath, "open");
      const inode = make("file", directory, 0o644);
      spend(ENTRY_BYTES, "open", directoryPath);
      const name = `\0${raw.join(" ")}`;
      add({ directory, name, key: name, found: undefined }, inode, raw);
      return inode;
    },
    rename(from: string, to: string): void {
      const source = mustPlace(from, "rename");
      const target = mustPlace(to, "rename");
      if (source.found === undefined) throw systemError("ENOENT", "rename", from);
      const { inode } = source.found;
      const replaced = target.found?.inode;
      if (inode.dev !== target.directory.dev) throw systemError("EXDEV", "rename", from);
      if (inode.isMountPoint || replaced?.isMountPoint) throw systemError("EBUSY", "rename", from);
      for (let above: SimInode | undefined = target.directory; above !== undefined; above = above.parent) {
        if (above === inode) throw systemError("EINVAL", "rename", from);
      }
      const isSameName = source.directory === target.directory && source.key === target.key;
      if (replaced === inode && !isSameName) return;
      if (replaced !== undefined && replaced !== inode) {
        if (replaced.kind === "directory" && inode.kind !== "directory") throw systemError("EISDIR", "rename", from);
        if (replaced.kind !== "directory" && inode.kind === "directory") throw systemError("ENOTDIR", "rename", from);
        if (replaced.entries.size > 0) throw systemError("ENOTEMPTY", "rename", from);
      }
      const after: SimName = { ...source.found, name: parts.normalizes === undefined ? target.name : target.name.normalize("NFD"), raw: undefined };
      const put: NameChange = { directory: target.directory, key: target.key, before: target.found, after };
      const take: NameChange = { directory: source.directory, key: source.key, before: source.found, after: undefined };
      change(isSameName ? [put] : [take, put], inode);
      if (replaced !== undefined && replaced !== inode) release(replaced, target.directory);
      if (inode.kind === "directory") {
        source.directory.links -= 1;
        target.directory.links += 1;
      }
    },
    link(existing: string, path: string): void {
      const inode = find(existing, "link");
      const place = absentPlace(path, "link");
      if (inode.kind === "directory") throw systemError("EPERM", "link", existing);
      if (inode.dev !== place.directory.dev) throw systemError("EXDEV", "link", existing);
      add(place, inode);
    },
    unlink(path: string): void {
      const { directory, key, found } = mustPlace(path, "unlink");
      if (found === undefined) throw systemError("ENOENT", "unlink", path);
      if (found.inode.kind === "directory") throw systemError("EISDIR", "unlink", path);
      change([{ directory, key, before: found, after: undefined }]);
      release(found.inode, directory);
    },
    rmdir(path: string): void {
      const { directory, key, found } = mustPlace(path, "rmdir");
      if (found === undefined) throw systemError("ENOENT", "rmdir", path);
      if (found.inode.kind !== "directory") throw systemError("ENOTDIR", "rmdir", path);
      if (found.inode.isMountPoint) throw systemError("EBUSY", "rmdir", path);
      if (found.inode.entries.size > 0) throw systemError("ENOTEMPTY", "rmdir", path);
      change([{ directory, key, before: found, after: undefined }]);
      release(found.inode, directory);
    },
    syncDirectory: (inode: SimInode) => journal.syncDirectory(inode),
    unmount(path: string, how: "empty" | "absent" | "unreadable"): void {
      const inode = findDirectory(path, "umount");
      const shown = make("directory", inode.parent ?? inode, 0o755);
      Object.assign(shown, { parent: inode.parent, name: inode.name });
      inode.unmounted = how === "empty" ? { how, shown } : { how };
      unmounted.set(path, inode);
    },
    /** Puts back what was unmounted there; an empty directory becomes the root of a new disk. */
    mount(path: string): void {
      const back = unmounted.get(path);
      unmounted.delete(path);
      if (back !== undefined) back.unmounted = undefined;
      else makeMountPoint(path);
    },
    get state(): SimVolumeState {
      return { root, journal, nextInode, nextId, nextDevice, usedBytes, freeInodes: [...freeInodes] };
    },
    set state(next: SimVolumeState) {
      unmounted.clear();
      ({ root, journal, nextInode, nextId, nextDevice, usedBytes } = next);
      freeInodes = [...next.freeInodes];
    },
  };
}
