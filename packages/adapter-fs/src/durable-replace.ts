import { dirname } from "node:path";
import {
  baseName,
  conflictName,
  type Env,
  type Expected,
  type FileStat,
  type FileSystem,
  isAsExpected,
  type LocalOutcome,
  type LocalPath,
  type LocalStat,
  parentPath,
} from "@twinfold/core";
import { copyFile } from "./copy-file.js";
import { diskCode, isAbsent } from "./disk-error.js";
import { type LinkedRoot, lstatOrAbsent, ownFolder, pathIn, type Way } from "./linked-root.js";
import { hasNoHardLinks, type Trash, type TrashEntry } from "./trash.js";

/** Tries of a rename that another program holds up: on Windows a virus scanner has the file open for a moment. */
const MAX_TRIES = 6;
const FIRST_PAUSE_MS = 100;
const CHANGED = { kind: "changed" } as const;

/**
 * The only code that takes a person's file away from its path.
 *
 * Nothing that somebody wrote is lost, whenever it was written: what was expected goes to the trash, and what turns out to
 * be newer stays in the folder. One gap is left, because Node has no exchange of two names: a program that
 * renames its own file over the target in the microseconds between the last look and our rename loses it.
 */
export interface DurableReplace {
  /** Moves the draft to `path`. On `changed` it stays where it is. */
  put(draft: Draft, path: LocalPath, expected: Expected): Promise<LocalOutcome>;
  /** Moves what is at `path` to the trash. */
  takeAway(
    path: LocalPath,
    expected: LocalStat,
    options: { readonly forGood: boolean },
  ): Promise<{ readonly kind: "done" } | { readonly kind: "changed" }>;
  /** Moves what is in the trash to `path`, where nothing is. `changed` when something is, or its directory is gone. */
  bringBack(entry: TrashEntry, path: LocalPath): Promise<{ readonly kind: "done" } | { readonly kind: "changed" }>;
}

/** A file or symlink in one of our own folders. */
export interface Draft {
  readonly path: string;
  /** False: neither it nor its new name waits for the disk. */
  readonly durable: boolean;
  /** Makes it as it is to be in the place of what is there now, durably if it is to be; gives its stat. */
  finish(replaced: FileStat | undefined): Promise<FileStat>;
  /** As it is now, under whichever name. */
  stat(): Promise<FileStat>;
}

export interface DurableReplaceParts {
  readonly fs: FileSystem;
  readonly root: LinkedRoot;
  readonly trash: Trash;
  readonly env: Pick<Env, "nowMs" | "randomBytes" | "sleep">;
  readonly deviceName: string;
}

export function createDurableReplace({ fs, root, trash, env, deviceName }: DurableReplaceParts): DurableReplace {
  async function look(target: string): Promise<LocalStat | undefined> {
    const stat = await lstatOrAbsent(fs, target);
    return stat && root.statOf(stat);
  }

  /** Renames while `isStill` says yes. `false` when it says no, also between two tries. */
  async function renameWhile(isStill: () => Promise<boolean>, from: string, to: string): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      if (!(await isStill())) return false;
      try {
        await fs.rename(from, to);
        return true;
      } catch (error) {
        if (isAbsent(error)) return false;
        if (!isBusy(error) || attempt === MAX_TRIES) throw error;
        const [jitter = 0] = env.randomBytes(1);
        await env.sleep((FIRST_PAUSE_MS * 2 ** (attempt - 1) * jitter) / 255);
      }
    }
  }

  /** Gives `source` a name that nothing has, in a directory that was just looked at. `false` when something has it after all, or the directory is gone. */
  async function linkNew(source: string, target: string, path: LocalPath, way: Way): Promise<boolean> {
    try {
      await fs.link(source, target);
    } catch (error) {
      if (diskCode(error) === "EEXIST" || isAbsent(error)) return false;
      if (!hasNoHardLinks(error)) throw error;
      return renameWhile(async () => (await root.isStill(parentPath(path), way)) && (await look(target)) === undefined, source, target);
    }
    // A second name that stays behind does no harm: staging never opens a file that has two.
    await fs.unlink(source).catch(() => {});
    return true;
  }

  /** The same, in a directory that was found a while ago. */
  async function linkStill(source: string, target: string, path: LocalPath, way: Way): Promise<boolean> {
    return (await root.isStill(parentPath(path), way)) && linkNew(source, target, path, way);
  }

  /** Puts `source` over what is there. `false` when that is not as expected any more. */
  async function putOver(source: string, target: string, path: LocalPath, way: Way, expected: LocalStat): Promise<boolean> {
    const entry = await trash.open(way.home, path, "replaced");
    let done = false;
    let kept: "linked" | "copied" | undefined;
    try {
      kept = await trash.keep(entry, target);
      const isStill = async () => {
        if (!(await root.isStill(parentPath(path), way))) return false;
        const now = await look(target);
        // The second name moved the ctime.
        return kept === "linked" ? isSameWriting(now, expected) : isAsExpected(now, expected);
      };
      done = await renameWhile(isStill, source, target);
    } catch (error) {
      if (!isAbsent(error)) throw error;
    } finally {
      if (!done) await trash.discard(entry);
    }
    if (done && kept === "linked" && !isSameWriting(await look(entry.path), expected)) await putBeside(entry, path, way);
    return done;
  }

  /** Somebody wrote to what was just moved to the trash: gives it a name beside the one that it had. */
  async function putBeside(entry: TrashEntry, path: LocalPath, way: Way): Promise<void> {
    const nowMs = env.nowMs();
    for (let attempt = 1; ; attempt++) {
      const copy = pathIn(way.absolute, conflictName(baseName(path), deviceName, nowMs, attempt));
      if (!(await linkStill(entry.path, copy, path, way))) {
        if ((await look(copy)) !== undefined) continue;
        return;
      }
      await fs.syncDirectory(way.absolute);
      return trash.discard(entry);
    }
  }

  /** The file as we made it, or, where it was touched since, as it was before: then the next scan sees the difference. */
  async function resultOf(stat: () => Promise<FileStat | undefined>, made: FileStat): Promise<LocalOutcome> {
    // It is there; a look that fails changes nothing about that.
    const now = await stat().catch(() => undefined);
    const isOurs = now?.ino === made.ino && now.mode === made.mode && isSameWriting(root.statOf(now), root.statOf(made));
    return { kind: "done", stat: root.statOf(isOurs ? now : made) };
  }

  /** What may wait for the disk comes first, so that one look at the way suffices: between it and the link that relies on it lies nothing slow. */
  async function putNew(draft: Draft, path: LocalPath): Promise<LocalOutcome> {
    const finished = await draft.finish(undefined);
    const way = await root.findSteady(parentPath(path));
    if (way === undefined) return CHANGED;
    const target = pathIn(way.absolute, baseName(path));
    if (!isNear(draft.path, way.home)) return putFar(draft, target, way, (near) => linkStill(near, target, path, way));
    if (!(await linkNew(draft.path, target, path, way))) return CHANGED;
    if (draft.durable) await fs.syncDirectory(way.absolute);
    return resultOf(draft.stat, finished);
  }

  async function putInstead(draft: Draft, path: LocalPath, expected: LocalStat): Promise<LocalOutcome> {
    const way = await root.find(parentPath(path));
    if (way === undefined) return CHANGED;
    const target = pathIn(way.absolute, baseName(path));
    const replaced = await lstatOrAbsent(fs, target);
    if (!isAsExpected(replaced && root.statOf(replaced), expected)) return CHANGED;
    const finished = await draft.finish(replaced);
    const put = (source: string) => putOver(source, target, path, way, expected);
    if (!isNear(draft.path, way.home)) return putFar(draft, target, way, put);
    if (!(await put(draft.path))) return CHANGED;
    await fs.syncDirectory(way.absolute);
    return resultOf(() => lstatOrAbsent(fs, target), finished);
  }

  /** A folder in the root may be on another disk: the draft is copied to that disk first. */
  async function putFar(draft: Draft, target: string, way: Way, put: (near: string) => Promise<boolean>): Promise<LocalOutcome> {
    const near = await copyNear(fs, draft.path, way.home);
    const made = await fs.lstat(near);
    const done = await put(near);
    await fs.unlink(done ? draft.path : near).catch(() => {});
    if (!done) return CHANGED;
    await fs.syncDirectory(way.absolute);
    return resultOf(() => lstatOrAbsent(fs, target), made);
  }

  return {
    put: (draft, path, expected) => (expected === undefined ? putNew(draft, path) : putInstead(draft, path, expected)),
    async bringBack(entry, path) {
      const way = await root.findSteady(parentPath(path));
      if (way === undefined || !(await linkNew(entry.path, pathIn(way.absolute, baseName(path)), path, way))) return CHANGED;
      await fs.syncDirectory(way.absolute);
      await trash.discard(entry);
      return { kind: "done" };
    },
    async takeAway(path, expected, { forGood }) {
      const way = await root.find(parentPath(path));
      if (way === undefined) return CHANGED;
      const target = pathIn(way.absolute, baseName(path));
      if (!isAsExpected(await look(target), expected)) return CHANGED;
      const entry = await trash.open(way.home, path, "removed");
      let done = false;
      try {
        const isStill = async () => (await root.isStill(parentPath(path), way)) && isAsExpected(await look(target), expected);
        done = await renameWhile(isStill, target, entry.path);
      } finally {
        if (!done) await trash.discard(entry);
      }
      if (!done) return CHANGED;
      if (!isSameWriting(await look(entry.path), expected)) {
        if (await linkStill(entry.path, target, path, way)) await trash.discard(entry);
        else await putBeside(entry, path, way);
        await fs.syncDirectory(way.absolute);
        return CHANGED;
      }
      if (forGood) await trash.discard(entry);
      else await trash.sync(entry);
      await fs.syncDirectory(way.absolute);
      return { kind: "done" };
    },
  };
}

/** Equal but for ctime, which a second name and a rename move too. */
function isSameWriting(now: LocalStat | undefined, expected: LocalStat): boolean {
  return now !== undefined && isAsExpected({ ...now, ctimeNs: expected.ctimeNs }, expected);
}

/** True when the draft and what is in that folder of ours are on one disk. */
function isNear(draft: string, home: string): boolean {
  return dirname(dirname(draft)) === home;
}

async function copyNear(fs: FileSystem, source: string, home: string): Promise<string> {
  const near = pathIn(await ownFolder(fs, home, "staging"), source.slice(dirname(source).length + 1));
  await fs.unlink(near).catch(() => {});
  const { kind } = await fs.lstat(source);
  if (kind === "symlink") await fs.symlink(await fs.readlink(source), near);
  else await copyFile(fs, source, near);
  return near;
}

function isBusy(error: unknown): boolean {
  const code = diskCode(error);
  return code === "EBUSY" || code === "EPERM" || (code === "EACCES" && process.platform === "win32");
}
