import { baseName, type FileSystem, type FileSynced, type LocalPath, parentPath } from "@twinfold/core";
import { diskCode } from "./disk-error.js";
import { type LinkedRoot, pathIn, type Way } from "./linked-root.js";

/** Files that wait for the disk together: it writes its journal once for many. On ext4 32 are 2.5 times as fast as one. */
const PARALLEL_SYNCS = 32;

/** Windows syncs what was opened to be written alone; elsewhere that would be told to watchers as a change. */
const MODE = process.platform === "win32" ? "read-write" : "read";

/** Makes files durable, and then their names: `sync` of a LocalTree. */
export async function syncFiles(fs: FileSystem, root: LinkedRoot, paths: readonly LocalPath[]): Promise<readonly FileSynced[]> {
  const ways = new Map<LocalPath, Way | undefined>();
  for (const path of paths) {
    const directory = parentPath(path);
    if (!ways.has(directory)) ways.set(directory, await root.find(directory));
  }
  const synced: FileSynced[] = [];
  const directories = new Set<string>();
  const queue = paths.entries();
  async function syncNext(): Promise<void> {
    for (const [index, path] of queue) {
      const way = ways.get(parentPath(path));
      synced[index] = way === undefined ? "unreachable" : await syncFile(fs, pathIn(way.absolute, baseName(path)));
      if (way !== undefined && synced[index] === "durable") directories.add(way.absolute);
    }
  }
  await Promise.all(Array.from({ length: PARALLEL_SYNCS }, syncNext));
  await Promise.all([...directories].map((directory) => fs.syncDirectory(directory)));
  return synced;
}

async function syncFile(fs: FileSystem, absolute: string): Promise<FileSynced> {
  try {
    const file = await fs.open(absolute, MODE);
    try {
      if ((await file.stat()).kind !== "file") return "unreachable";
      return await file.sync().then(
        () => "durable",
        () => "lost",
      );
    } finally {
      await file.close();
    }
  } catch (error) {
    if (diskCode(error) === undefined) throw error;
    return "unreachable";
  }
}
