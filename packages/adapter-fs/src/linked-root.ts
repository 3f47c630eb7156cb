import { join, sep } from "node:path";
import { type FileStat, type FileSystem, INTERNAL_NAME, type LocalPath, type LocalStat, splitPath, TwinfoldError } from "@twinfold/core";
import { isAbsent } from "./disk-error.js";
import { ensureDirectory, markerPath, readRootMarker, rootError } from "./root-marker.js";

/** A directory inside the root, found without following a symlink. */
export interface Way {
  readonly absolute: string;
  /** Of the root and of each directory below it. Equal later: it is the same way. */
  readonly inodes: readonly bigint[];
  /** Twinfold's own folder on the disk that the directory is on: files can be renamed and linked between the two. */
  readonly home: string;
}

/** Ways remembered, whatever the size of the folder: some 200 bytes each. */
const MAX_WAYS = 1_000;

/** Finds the root again before each call, and the way to a directory in it. */
export interface LinkedRoot {
  /** @throws {TwinfoldError} `ERR_ROOT_MISSING`, `ERR_ROOT_UNREADABLE`, `ERR_ROOT_FOREIGN`. Gives the real path of the root. */
  verify(): Promise<string>;
  /** Tells the marker from every copy of it: by inode, and by mtime where a marker that was made again got the old one's inode. */
  stamp(): Promise<string>;
  /** `undefined` when something on the way is absent, or no directory. */
  find(path: LocalPath): Promise<Way | undefined>;
  /**
   * As `find`, for a call that relies on it right afterwards: the way is one that was there at an earlier look too. So no directory on it was
   * swapped for a symlink while those below it were looked at. One look suffices where that way was found for a call before.
   */
  findSteady(path: LocalPath): Promise<Way | undefined>;
  /** True when the directory is found again where it was, over the same directories: asked right before what relies on it. */
  isStill(path: LocalPath, way: Way): Promise<boolean>;
  statOf(stat: FileStat): LocalStat;
  /** 0 for the root's own device: its number changes when the disk is mounted again. */
  deviceOf(stat: FileStat): bigint;
}

export function createLinkedRoot(fs: FileSystem, givenPath: string, rootId: string): LinkedRoot {
  let root: string | undefined;
  let marker = "";
  let rootDevice = -1n;
  let verifiedMarker: FileStat | undefined;
  const steady = new Map<LocalPath, Way>();

  async function verified(): Promise<{ readonly absolute: string; readonly stat: FileStat }> {
    let stat: FileStat;
    try {
      if (root === undefined) {
        root = await fs.realpath(givenPath);
        marker = markerPath(root);
      }
      stat = await fs.lstat(root);
      const { kind, dev } = stat;
      if (kind !== "directory") throw new TwinfoldError("ERR_ROOT_MISSING", `${root} is a ${kind}, not a folder: put the folder back, or unlink it`);
      rootDevice = dev;
    } catch (error) {
      throw rootError(givenPath, error);
    }
    const seen = await lookAtMarker();
    if (verifiedMarker === undefined || seen.ino !== verifiedMarker.ino || seen.ctimeNs !== verifiedMarker.ctimeNs) {
      const found = await readRootMarker({ root, fileSystem: fs });
      if (found?.rootId !== rootId)
        throw new TwinfoldError("ERR_ROOT_FOREIGN", `${root} is not the folder that was linked: mount the right disk, or link again`);
      verifiedMarker = seen;
    }
    return { absolute: root, stat };
  }

  async function stamp(): Promise<string> {
    await verified();
    return `${verifiedMarker?.ino}-${verifiedMarker?.mtimeNs}`;
  }

  async function lookAtMarker(): Promise<FileStat> {
    try {
      return await fs.lstat(marker);
    } catch (error) {
      if (!isAbsent(error)) throw rootError(root ?? givenPath, error);
      const message = `${root ?? givenPath} has lost its ${INTERNAL_NAME}/root.json: mount its disk, or unlink the folder and link it again`;
      throw new TwinfoldError("ERR_ROOT_MISSING", message, { cause: error });
    }
  }

  async function find(path: LocalPath): Promise<Way | undefined> {
    const start = await verified();
    let { absolute } = start;
    let { dev } = start.stat;
    let home = pathIn(absolute, INTERNAL_NAME);
    const inodes = [start.stat.ino];
    for (const name of splitPath(path)) {
      absolute = pathIn(absolute, name);
      const stat = await lstatOrAbsent(fs, absolute);
      if (stat?.kind !== "directory") return undefined;
      if (stat.dev !== dev) home = pathIn(absolute, INTERNAL_NAME);
      dev = stat.dev;
      inodes.push(stat.ino);
    }
    return { absolute, inodes, home };
  }

  async function findSteady(path: LocalPath): Promise<Way | undefined> {
    const way = await find(path);
    const before = steady.get(path);
    if (way === undefined || (before !== undefined && isSameWay(way, before))) return way;
    if (!isSameWay(way, await find(path))) return undefined;
    if (steady.size === MAX_WAYS) steady.clear();
    steady.set(path, way);
    return way;
  }

  const deviceOf = ({ dev }: FileStat): bigint => (dev === rootDevice ? 0n : dev);

  return {
    verify: async () => (await verified()).absolute,
    stamp,
    find,
    findSteady,
    isStill: async (path, way) => isSameWay(way, await find(path)),
    statOf: (stat) => ({
      kind: stat.kind,
      sizeBytes: stat.sizeBytes,
      mtimeNs: stat.mtimeNs,
      ctimeNs: stat.ctimeNs,
      inode: `${stat.dev === rootDevice ? "" : `${stat.dev}:`}${stat.ino}@${stat.birthNs.toString(36)}`,
      executable: stat.kind === "file" && (stat.mode & 0o111) !== 0,
      links: stat.links,
    }),
    deviceOf,
  };
}

/** As `join`, of a path that is absolute already and a name that is no `..`. */
export function pathIn(directory: string, name: string): string {
  return directory.endsWith(sep) ? directory + name : directory + sep + name;
}

export function isSameWay(a: Way, b: Way | undefined): boolean {
  return b !== undefined && a.absolute === b.absolute && a.inodes.every((ino, depth) => ino === b.inodes[depth]);
}

export async function lstatOrAbsent(fs: FileSystem, path: string): Promise<FileStat | undefined> {
  try {
    return await fs.lstat(path);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** Twinfold's own folder `name` in `home`, made when it is not there. */
export async function ownFolder(fs: FileSystem, home: string, name: "staging" | "trash"): Promise<string> {
  const folder = join(home, name);
  const known = (await lstatOrAbsent(fs, home))?.kind === "directory" && (await lstatOrAbsent(fs, folder))?.kind === "directory";
  if (!known) {
    await ensureDirectory(fs, home);
    await ensureDirectory(fs, folder);
  }
  return folder;
}

/** The names in one of our own folders; none when it is not there. Ours are all UTF-8. */
export async function namesIn(fs: FileSystem, folder: string): Promise<readonly string[]> {
  try {
    return (await fs.readdir(folder)).map((name) => new TextDecoder().decode(name));
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}
