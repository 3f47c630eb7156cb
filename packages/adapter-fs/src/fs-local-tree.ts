import { join } from "node:path";
import {
  assertMovable,
  assertReplaceable,
  assertStagingKey,
  baseName,
  bytesToHex,
  type Env,
  type Expected,
  type FileStat,
  type FileSystem,
  INTERNAL_NAME,
  isAsExpected,
  isTwinfoldError,
  type LocalOutcome,
  type LocalPath,
  type LocalStat,
  type LocalTree,
  type NameRules,
  noParent,
  noSuchTrash,
  parentPath,
  restoredPath,
  ROOT_PATH,
  splitPath,
  TwinfoldError,
} from "@twinfold/core";
import { coalescedSync } from "./coalesced-sync.js";
import { diskCode, isAbsent, localError } from "./disk-error.js";
import { createDurableReplace } from "./durable-replace.js";
import { createFileCutter } from "./file-cutter.js";
import { createFolderReader, notFound } from "./folder-reader.js";
import { type WatchFolder, watchFolder } from "./folder-watcher.js";
import { openStaging, removeAbandoned } from "./fs-staging.js";
import { createLinkedRoot, isSameWay, lstatOrAbsent, ownFolder, pathIn, type Way } from "./linked-root.js";
import { retriedSync } from "./retried-sync.js";
import { createNodeEnv } from "./node-env.js";
import { createNodeFileSystem } from "./node-file-system.js";
import { probeNames } from "./probe-names.js";
import { syncFiles } from "./sync-files.js";
import { createTrash, type TrashEntry } from "./trash.js";

const CHANGED = { kind: "changed" } as const;
const EXECUTE_BITS = 0o111;
const lossy = new TextDecoder("utf-8", { ignoreBOM: true });

export interface FsLocalTreeOptions {
  /** An absolute path. The folder has to be marked as linked: see `initializeRoot`. */
  readonly root: string;
  /** Of the marker, as it was when the folder was linked. */
  readonly rootId: string;
  /** @default Node's own */
  readonly fileSystem?: FileSystem | undefined;
  /** @default Node's own */
  readonly env?: (Pick<Env, "nowMs" | "randomBytes" | "sleep"> & Partial<Pick<Env, "sha256">>) | undefined;
  /** Names this device in conflict copies. @default "this device" */
  readonly deviceName?: string | undefined;
  /** Whose reserved names are not made here: those of Windows for a folder that Windows reads too. @default what the disk refuses */
  readonly reservedNames?: NameRules["reserved"] | undefined;
  /** Where hints come from. @default the system's own events, which a `fileSystem` that is not Node's needs its own instead of */
  readonly watch?: WatchFolder | undefined;
}

/**
 * A linked folder on a disk. Reads hold 1 MiB in memory, whatever the size of the file.
 *
 * On the machine's own disk files over 256 KiB are cut in threads, which all trees of a process share: at most one for each core, with 4.5 MiB each. They are
 * there from the first such file until the last tree that had one is closed, and keep no process alive.
 */
export function createFsLocalTree(options: FsLocalTreeOptions): LocalTree {
  const { root: rootPath, rootId, fileSystem = createNodeFileSystem(), env = createNodeEnv(), deviceName = "this device", reservedNames } = options;
  const { watch = watchFolder } = options;
  const fs = coalescedSync(retriedSync(fileSystem));
  const root = createLinkedRoot(fs, rootPath, rootId);
  const trash = createTrash(fs, env);
  const replace = createDurableReplace({ fs, root, env, deviceName, trash });
  const newFileMode = 0o666 & ~process.umask();
  const cutter = createFileCutter();
  const reader = createFolderReader({ fs, root, env, cutter, failureOf });
  const watches = new Set<() => Promise<void>>();
  const stagedKeys = new Set<string>();
  let rules: NameRules | undefined;
  /** Looked at by this tree. It is looked at again when it is gone. */
  let hasStagingFolder = false;

  async function doing<T>(what: string, path: LocalPath, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw await failureOf(`${what} ${JSON.stringify(path)}`, error);
    }
  }

  /** A disk that was unplugged meanwhile fails in many ways; the root says that it is that. */
  async function failureOf(what: string, error: unknown): Promise<unknown> {
    const failure = localError(what, error);
    if (isTwinfoldError(failure) && failure.code === "ERR_LOCAL_FAILED") await root.verify();
    return failure;
  }

  async function mustLocate(path: LocalPath): Promise<string> {
    const absolute = await reader.locate(path);
    if (absolute === undefined) throw notFound(path);
    return absolute;
  }

  async function lookAt(path: LocalPath): Promise<{ readonly absolute: string; readonly raw: FileStat; readonly stat: LocalStat } | undefined> {
    const absolute = await reader.locate(path);
    const raw = absolute === undefined ? undefined : await lstatOrAbsent(fs, absolute);
    return absolute === undefined || raw === undefined ? undefined : { absolute, raw, stat: root.statOf(raw) };
  }

  /** A file that is replaced keeps who may read and write it; who may read it may execute it, as git does. */
  function modeFor(replaced: FileStat | undefined, executable: boolean): number {
    return withExecutable(replaced?.kind === "file" ? replaced.mode & 0o777 : newFileMode, executable);
  }

  async function makeSymlink(path: LocalPath, target: string, expected: Expected): Promise<LocalOutcome> {
    const draft = join(await ownFolder(fs, join(await root.verify(), INTERNAL_NAME), "staging"), `symlink-${bytesToHex(env.randomBytes(16))}`);
    const way = await root.find(parentPath(path));
    if (way === undefined) return CHANGED;
    if (expected === undefined) return make(way, path, (absolute) => fs.symlink(target, absolute));
    await fs.symlink(target, draft);
    try {
      return await replace.put({ path: draft, durable: true, finish: () => fs.lstat(draft), stat: () => fs.lstat(draft) }, path, expected);
    } finally {
      await fs.unlink(draft).catch(() => {});
    }
  }

  /** Makes something that is made in one step, and only where nothing is. */
  async function make(way: Way, path: LocalPath, work: (absolute: string) => Promise<void>): Promise<LocalOutcome> {
    const absolute = join(way.absolute, baseName(path));
    try {
      if (!(await root.isStill(parentPath(path), way))) return CHANGED;
      await work(absolute);
    } catch (error) {
      if (diskCode(error) === "EEXIST" || isAbsent(error)) return CHANGED;
      throw error;
    }
    await fs.syncDirectory(way.absolute);
    return { kind: "done", stat: root.statOf(await fs.lstat(absolute)) };
  }

  async function move(from: LocalPath, to: LocalPath, expected: LocalStat): Promise<LocalOutcome> {
    const [source, target] = [await root.find(parentPath(from)), await root.find(parentPath(to))];
    if (source === undefined || target === undefined) return CHANGED;
    const [oldPath, newPath] = [join(source.absolute, baseName(from)), join(target.absolute, baseName(to))];
    const before = await lstatOrAbsent(fs, oldPath);
    if (before === undefined || !isAsExpected(root.statOf(before), expected)) return CHANGED;
    const occupant = await lstatOrAbsent(fs, newPath);
    if (!(await root.isStill(parentPath(from), source)) || !(await root.isStill(parentPath(to), target))) return CHANGED;
    try {
      if (occupant === undefined) await fs.rename(oldPath, newPath);
      else if (!(await isSpelling(before, occupant, source, target, baseName(to)))) return CHANGED;
      else await respell(oldPath, newPath, target, baseName(to));
    } catch (error) {
      if (isAbsent(error) || ["EEXIST", "ENOTEMPTY", "EISDIR"].includes(diskCode(error) ?? "")) return CHANGED;
      if (diskCode(error) !== "EXDEV") throw error;
      const message = `cannot move ${JSON.stringify(from)} to ${JSON.stringify(to)}: they are on different disks; move it by hand`;
      throw new TwinfoldError("ERR_LOCAL_FAILED", message, { cause: error });
    }
    await fs.syncDirectory(target.absolute);
    await fs.syncDirectory(source.absolute);
    // The rename moved the ctime. What was written in between is seen by the next scan, because it is not what is given here.
    const after = await lstatOrAbsent(fs, newPath);
    const isUntouched = after !== undefined && isAsExpected({ ...root.statOf(after), ctimeNs: expected.ctimeNs }, expected);
    return { kind: "done", stat: isUntouched ? root.statOf(after) : expected };
  }

  /** True when what is found at a name is the very entry that is to be moved there, under the spelling that it has now. Two hard links are two. */
  async function isSpelling(before: FileStat, occupant: FileStat, source: Way, target: Way, name: string): Promise<boolean> {
    return before.ino === occupant.ino && before.dev === occupant.dev && isSameWay(source, target) && !(await lists(target.absolute, name));
  }

  async function lists(directory: string, name: string): Promise<boolean> {
    return (await fs.readdir(directory)).some((bytes) => lossy.decode(bytes) === name);
  }

  /** Some disks take a rename to another spelling for one to the same name, and do nothing: there it goes over a passing name. */
  async function respell(oldPath: string, newPath: string, { absolute }: Way, name: string): Promise<void> {
    await fs.rename(oldPath, newPath);
    if ((rules?.listsDecomposed ?? false) || (await lists(absolute, name))) return;
    const passing = join(absolute, `${bytesToHex(env.randomBytes(6))}.moving`);
    await fs.rename(oldPath, passing);
    try {
      await fs.rename(passing, newPath);
    } catch (error) {
      await fs.rename(passing, oldPath);
      throw error;
    }
  }

  async function remove(path: LocalPath, expected: LocalStat, forGood: boolean): ReturnType<LocalTree["remove"]> {
    if (expected.kind !== "directory") return replace.takeAway(path, expected, { forGood });
    const way = await root.find(parentPath(path));
    const found = await lookAt(path);
    if (way === undefined || found === undefined || !isAsExpected(found.stat, expected)) return CHANGED;
    try {
      if (!(await root.isStill(parentPath(path), way))) return CHANGED;
      await fs.rmdir(found.absolute);
    } catch (error) {
      if (isAbsent(error) || ["ENOTEMPTY", "EEXIST"].includes(diskCode(error) ?? "")) return CHANGED;
      throw error;
    }
    await fs.syncDirectory(join(found.absolute, ".."));
    return { kind: "done" };
  }

  async function ownHome(): Promise<string> {
    return pathIn(await root.verify(), INTERNAL_NAME);
  }

  async function restore(entry: TrashEntry, oldPath: LocalPath): Promise<LocalPath> {
    await makeDirectories(parentPath(oldPath));
    for (let attempt = 1; ; attempt++) {
      const path = restoredPath(oldPath, attempt);
      if ((await lookAt(path)) === undefined && (await replace.bringBack(entry, path)).kind === "done") return path;
      if ((await lookAt(path)) === undefined) throw noParent(path);
    }
  }

  async function makeDirectories(path: LocalPath): Promise<void> {
    for (let names = splitPath(path), depth = 1; depth <= names.length; depth++) {
      const at = names.slice(0, depth).join("/") as LocalPath;
      const found = await lookAt(at);
      if (found !== undefined && found.stat.kind !== "directory") throw noParent(path);
      const way = await root.find(parentPath(at));
      if (found === undefined && way !== undefined) await make(way, at, fs.mkdir);
    }
  }

  return {
    check: () => root.stamp(),
    names: () =>
      doing("find out what names the disk can hold, in", ROOT_PATH, async () => {
        const home = join(await root.verify(), INTERNAL_NAME);
        if (rules !== undefined) return rules;
        const probed = await probeNames(fs, await ownFolder(fs, home, "staging"));
        rules = { ...probed, reserved: reservedNames ?? probed.reserved };
        return rules;
      }),
    list: (path) => doing("list the folder", path, () => reader.list(path)),
    digest: (path) => doing("list the folder", path, () => reader.digest(path)),
    settle: (path) =>
      doing("make durable the names in the folder", path, async () => {
        const way = await root.find(path);
        if (way === undefined) throw notFound(path);
        await fs.syncDirectory(way.absolute);
      }),
    stat: (path) => doing("look at", path, async () => (await lookAt(path))?.stat),
    read: reader.read,
    cut: reader.cut,
    readLink: (path) =>
      doing("read the symlink", path, async () => {
        try {
          return await fs.readlink(await mustLocate(path));
        } catch (error) {
          throw isAbsent(error) || diskCode(error) === "EINVAL" ? notFound(path) : error;
        }
      }),
    async stage(key) {
      assertStagingKey(key);
      if (stagedKeys.has(key)) throw new TwinfoldError("ERR_IN_USE", `the download ${key} is being written already: close it first`);
      stagedKeys.add(key);
      const onClosed = () => void stagedKeys.delete(key);
      try {
        const home = await ownHome();
        const open = () => openStaging({ fs, folder: pathIn(home, "staging"), key, modeFor, put: replace.put, onClosed });
        if (!hasStagingFolder) await ownFolder(fs, home, "staging");
        hasStagingFolder = true;
        return await open().catch(async (error: unknown) => {
          if (!isAbsent(error)) throw error;
          await ownFolder(fs, home, "staging");
          return await open();
        });
      } catch (error) {
        onClosed();
        throw await failureOf(`stage the download ${key} in ${rootPath}`, error);
      }
    },
    makeDirectory: (path) =>
      doing("make the folder", path, async () => {
        const way = await root.find(parentPath(path));
        return way === undefined ? CHANGED : make(way, path, fs.mkdir);
      }),
    makeSymlink: (path, target, expected) =>
      doing("make the symlink", path, async () => {
        assertReplaceable(path, expected);
        return makeSymlink(path, target, expected);
      }),
    move: (from, to, expected) =>
      doing("move", from, async () => {
        assertMovable(from, to);
        return move(from, to, expected);
      }),
    setAttributes: (path, expected, { executable, mtimeNs }) =>
      doing("set the attributes of", path, async () => {
        const found = await lookAt(path);
        if (found?.stat.kind !== "file" || !isAsExpected(found.stat, expected)) return CHANGED;
        const file = await fs.open(found.absolute, "read");
        try {
          if (!isAsExpected(root.statOf(await file.stat()), expected)) return CHANGED;
          const mode = withExecutable(found.raw.mode & 0o777, executable);
          if (executable !== found.stat.executable) await file.chmod(mode);
          await file.setMtime(mtimeNs);
          await file.sync();
          return { kind: "done", stat: root.statOf(await file.stat()) };
        } finally {
          await file.close();
        }
      }),
    remove: (path, expected, { forGood = false } = {}) => doing("remove", path, () => remove(path, expected, forGood)),
    sync: (paths) => doing("make durable files of", rootPath as LocalPath, () => syncFiles(fs, root, paths)),
    listTrash: () => doing("list the trash of", rootPath as LocalPath, async () => await trash.list(await ownHome())),
    restoreFromTrash: (trashId) =>
      doing("bring back from the trash", trashId as LocalPath, async () => {
        const found = await trash.find(await ownHome(), trashId);
        if (found === undefined) throw noSuchTrash(trashId);
        return restore(found.entry, found.item.path);
      }),
    tidy: () =>
      doing("tidy the trash of", rootPath as LocalPath, async () => {
        const home = await ownHome();
        await trash.purge(home);
        await removeAbandoned(fs, { folder: join(home, "staging"), isOpen: (name) => stagedKeys.has(name), nowMs: env.nowMs() });
      }),
    async watch(listener) {
      const absolute = await root.verify();
      const isDirectory = async (path: LocalPath): Promise<boolean> => (await lstatOrAbsent(fs, join(absolute, path)))?.kind === "directory";
      const unsubscribe = await watch(absolute, isDirectory, listener);
      watches.add(unsubscribe);
      return async () => {
        if (watches.delete(unsubscribe)) await unsubscribe();
      };
    },
    async close() {
      const stopping = [...watches];
      watches.clear();
      await Promise.all([...stopping.map((unsubscribe) => unsubscribe()), cutter.close()]);
    },
  };
}

/** With an execute bit wherever there is a read bit, or without any. */
function withExecutable(mode: number, executable: boolean): number {
  return executable ? mode | ((mode & 0o444) >> 2) : mode & ~EXECUTE_BITS;
}
