import type { FileSystem, LocalHint, LocalPath, MemoryEntry, OpenFile } from "@twinfold/core";
import type { FileSystemCall } from "../hooked-file-system.js";
import type { RandomStream } from "./random.js";
import { createEditor, type SimEditor } from "./sim-editor.js";
import { systemError } from "./sim-error.js";
import { copyState, stateAfterPowerLoss } from "./sim-image.js";
import { bytesOf, createInode, save, type SimInode, statOf } from "./sim-inode.js";
import { createJournal } from "./sim-journal.js";
import { createSimWatch } from "./sim-watch.js";
import { createVolume, type SimVolumeState } from "./sim-volume.js";

export interface SimDiskOptions {
  /** Of the machine that it is in: mtime and ctime follow it. */
  readonly nowMs: () => number;
  /** Chooses what is left when power is lost, and what the system writes on its own. */
  readonly random: RandomStream;
  /** Awaited before each call takes effect: may count it, fail it by throwing, or never let it go on. `close` is let through. */
  readonly before?: ((call: FileSystemCall) => Promise<void> | void) | undefined;
  /** `a` and `A` are one name, which is kept as it was given. */
  readonly foldsCase?: boolean | undefined;
  /** Names are kept decomposed, and found in any form. */
  readonly normalizes?: "nfd" | undefined;
  /** Of mtime and ctime: two writes in one tick look alike. @default every change gets a time of its own */
  readonly timeGranularityMs?: number | undefined;
  /** Files' bytes and 256 for each entry. @default without limit */
  readonly capacityBytes?: number | undefined;
  /** Without one a power loss in a file's rename may leave both names. @default true */
  readonly hasJournal?: boolean | undefined;
}

/** The next `times` calls of `operation`, at or below `path`, fail with `code`. */
export interface SimFailure {
  readonly operation: FileSystemCall["operation"];
  readonly path?: string | undefined;
  /**
   * After a failed `file.sync` the bytes that it was for are never written, and later ones succeed: what the file holds is gone with
   * the power. `LOST`: an fsync says that all is well, and did nothing.
   */
  readonly code: "EIO" | "ENOSPC" | "EACCES" | "EMFILE" | "EBUSY" | "EPERM" | "LOST";
  /** @default 1 */
  readonly times?: number | undefined;
}

/** A disk as it was at one moment, with what of it was durable. */
export interface SimDiskSnapshot {
  readonly state: SimVolumeState;
}

export type SimEntry = MemoryEntry;

/**
 * A disk in memory, with two images: what programs see, and what would be left without power.
 *
 * Names are durable after an fsync of their directory, bytes after one of their file. A new disk has the directory `/` alone.
 */
export interface SimDisk {
  /** Of the process that runs now. After `losePower` or `closeAllFiles` it is another one, and every call of the earlier one fails with `EBADF`. */
  readonly fileSystem: FileSystem;
  readonly people: SimEditor;
  /** Everything below `root`, by path, in order. */
  files(root: string): ReadonlyMap<string, SimEntry>;
  /** Of everything not durable, what the random stream leaves is there afterwards. Disks that were unmounted are back. */
  losePower(): void;
  /** The process died, the machine did not. */
  closeAllFiles(): void;
  /** What programs find at `path` then: an empty directory, nothing, or errors (`EIO`). */
  unmount(path: string, how: "empty" | "absent" | "unreadable"): void;
  /** Puts back what was unmounted; an empty directory becomes the root of a new disk, with a device number of its own. */
  mount(path: string): void;
  failNext(failure: SimFailure): void;
  /** As `watch` of `createFsLocalTree`: hints of every change below `root`, one microtask after it. */
  watch(root: string, isDirectory: (path: LocalPath) => Promise<boolean>, listener: (hint: LocalHint) => void): Promise<() => Promise<void>>;
  readonly openFiles: number;
  readonly watches: number;
  /** Equal for all names, and all paths, that the disk takes for one. */
  keyOf(name: string): string;
  snapshot(): SimDiskSnapshot;
  /** As `losePower` leaves another image each time: restore the moment, lose the power again. */
  restore(snapshot: SimDiskSnapshot): void;
}

/** So many writes pass before the system writes an older state of a file on its own: any but the last may be what power loss leaves. */
const WRITES_BACK_ONE_IN = 16;

export function createSimDisk(options: SimDiskOptions): SimDisk {
  const { nowMs, random, before, foldsCase = false, normalizes, timeGranularityMs = 0, capacityBytes = Number.POSITIVE_INFINITY } = options;
  const { hasJournal = true } = options;
  const watches = createSimWatch();
  const volume = createVolume(
    {
      nowMs,
      foldsCase,
      normalizes,
      timeGranularityMs,
      capacityBytes,
      writesBack: () => random.int(WRITES_BACK_ONE_IN) === 0,
      changed: (directory, name, isNew) => watches.tell(() => volume.pathOf(directory), name, isNew),
    },
    (mtimeNs) => ({
      root: createInode({ id: 0, ino: 2n, dev: 1n, kind: "directory", mode: 0o755, mtimeNs }),
      journal: createJournal({ hasJournal }),
      freeInodes: [],
      nextInode: 3n,
      nextId: 1,
      nextDevice: 1n,
      usedBytes: 0,
    }),
  );
  const failures: Array<SimFailure & { left: number }> = [];
  const open = new Set<SimInode[]>();
  let index = 0;
  let process = 0;
  let fileSystem = createFileSystem(0);

  /** What is to happen instead of the call: an error is thrown, `true` means that an fsync is lost. */
  function failing(operation: FileSystemCall["operation"], path: string): boolean {
    const failure = failures.find(
      (rule) => rule.operation === operation && (rule.path === undefined || path === rule.path || path.startsWith(`${rule.path}/`)),
    );
    if (failure === undefined) return false;
    failure.left -= 1;
    if (failure.left === 0) failures.splice(failures.indexOf(failure), 1);
    if (failure.code === "LOST") return true;
    throw systemError(failure.code, operation, path);
  }

  function createFileSystem(ofProcess: number): FileSystem {
    /** Gives whether an fsync is to be lost. */
    async function turn(operation: FileSystemCall["operation"], path: string, to?: string): Promise<boolean> {
      index += 1;
      if (before !== undefined && process === ofProcess) await before({ index, operation, path, to });
      if (process !== ofProcess) throw systemError("EBADF", operation, path);
      return failures.length > 0 && failing(operation, path);
    }

    function openFile(inode: SimInode, path: string, isWritable: boolean): OpenFile {
      const handle = [inode];
      open.add(handle);
      inode.opened += 1;

      async function use(operation: keyof OpenFile): Promise<boolean> {
        const isLost = await turn(`file.${operation}`, path);
        if (!open.has(handle)) throw systemError("EBADF", operation, path);
        return isLost;
      }

      return {
        async read(into, position) {
          await use("read");
          if (inode.kind === "directory") throw systemError("EISDIR", "read", path);
          const bytes = bytesOf(inode).subarray(position, position + into.length);
          into.set(bytes);
          return bytes.length;
        },
        async write(bytes, position) {
          await use("write");
          if (!isWritable) throw systemError("EBADF", "write", path);
          volume.write(inode, bytes, position, path);
        },
        async truncate(sizeBytes) {
          await use("truncate");
          if (!isWritable) throw systemError("EINVAL", "ftruncate", path);
          volume.truncate(inode, sizeBytes, path);
        },
        async stat() {
          await use("stat");
          return statOf(inode);
        },
        async chmod(mode) {
          await use("chmod");
          volume.setAttributes(inode, { mode });
        },
        async setMtime(mtimeNs) {
          await use("setMtime");
          volume.setAttributes(inode, { mtimeNs: mtimeNs - (((mtimeNs % 1000n) + 1000n) % 1000n) });
        },
        async sync() {
          let isLost: boolean;
          try {
            isLost = await use("sync");
          } catch (error) {
            if (process === ofProcess && inode.isDirty) Object.assign(inode, { isDirty: false, isForgotten: true });
            throw error;
          }
          if (!isLost && !inode.isForgotten && inode.isDirty) save(inode);
        },
        async close() {
          if (!open.delete(handle)) throw systemError("EBADF", "close", path);
          inode.opened -= 1;
          volume.freeWhenUnused(inode);
        },
      };
    }

    return {
      async open(path, mode) {
        await turn("open", path);
        if (mode === "create-exclusive") return openFile(volume.create(path, "open", "file", 0o600), path, true);
        const inode = volume.find(path, "open");
        if (inode.kind === "symlink") throw systemError("ELOOP", "open", path);
        if (inode.kind === "directory" && mode === "read-write") throw systemError("EISDIR", "open", path);
        return openFile(inode, path, mode === "read-write");
      },
      async lstat(path) {
        await turn("lstat", path);
        return volume.stat(path);
      },
      async realpath(path) {
        await turn("realpath", path);
        return volume.realpath(path);
      },
      async readdir(path) {
        await turn("readdir", path);
        const directory = volume.findDirectory(path, "scandir");
        return [...directory.entries.values()].map(({ name, raw }) => raw ?? encoder.encode(name));
      },
      async readlink(path) {
        await turn("readlink", path);
        const { kind, target } = volume.find(path, "readlink");
        if (kind !== "symlink") throw systemError("EINVAL", "readlink", path);
        return target;
      },
      async mkdir(path) {
        await turn("mkdir", path);
        volume.create(path, "mkdir", "directory", 0o755);
      },
      async rename(from, to) {
        await turn("rename", from, to);
        volume.rename(from, to);
      },
      async link(existing, path) {
        await turn("link", existing, path);
        volume.link(existing, path);
      },
      async symlink(target, path) {
        await turn("symlink", target, path);
        volume.create(path, "symlink", "symlink", 0o777, target);
      },
      async unlink(path) {
        await turn("unlink", path);
        volume.unlink(path);
      },
      async rmdir(path) {
        await turn("rmdir", path);
        volume.rmdir(path);
      },
      async syncDirectory(path) {
        const isLost = await turn("syncDirectory", path);
        const inode = volume.find(volume.realpath(path), "open");
        if (isLost) return;
        if (inode.kind === "directory") volume.syncDirectory(inode);
        else if (inode.isDirty && !inode.isForgotten) save(inode);
      },
    };
  }

  function nextProcess(): void {
    for (const [inode] of open) if (inode !== undefined) inode.opened -= 1;
    for (const [inode] of open) if (inode !== undefined && inode.opened === 0) volume.freeWhenUnused(inode);
    open.clear();
    process += 1;
    fileSystem = createFileSystem(process);
  }

  function files(root: string): ReadonlyMap<string, SimEntry> {
    const found = new Map<string, SimEntry>();
    const walk = (directory: SimInode, prefix: string): void => {
      const names = [...directory.entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
      for (const { name, inode } of names) {
        found.set(prefix + name, entryOf(inode));
        if (inode.kind === "directory") walk(inode, `${prefix}${name}/`);
      }
    };
    walk(volume.findDirectory(root, "scandir"), "");
    return found;
  }

  function entryOf(inode: SimInode): SimEntry {
    if (inode.kind === "symlink") return { kind: "symlink", target: inode.target };
    if (inode.kind !== "file") return { kind: inode.kind };
    return { kind: "file", bytes: volume.read(inode), executable: (inode.mode & 0o111) !== 0, mtimeNs: inode.mtimeNs };
  }

  return {
    get fileSystem() {
      return fileSystem;
    },
    people: createEditor(volume),
    files,
    losePower() {
      nextProcess();
      watches.clear();
      volume.state = stateAfterPowerLoss(volume.state, random);
    },
    closeAllFiles() {
      nextProcess();
      watches.clear();
    },
    unmount: volume.unmount,
    mount: volume.mount,
    failNext: (failure) => void failures.push({ ...failure, left: failure.times ?? 1 }),
    watch: watches.watch,
    keyOf: volume.keyOf,
    get watches() {
      return watches.count;
    },
    get openFiles() {
      return open.size;
    },
    snapshot: () => ({ state: copyState(volume.state, hasJournal) }),
    restore({ state }) {
      nextProcess();
      watches.clear();
      failures.length = 0;
      volume.state = copyState(state, hasJournal);
    },
  };
}

const encoder = new TextEncoder();
