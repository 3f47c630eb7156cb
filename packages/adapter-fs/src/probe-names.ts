import { join } from "node:path";
import { ANY_NAME, type FileSystem, type NameRules } from "@twinfold/core";
import { diskCode } from "./disk-error.js";
import { lstatOrAbsent } from "./linked-root.js";

/** NAME_MAX of common disks, and of those of them that eCryptfs and some other layers leave. Source: ecryptfs(7). */
const NAME_LENGTHS = [255, 143, 127] as const;
const isWindows = process.platform === "win32";
/** What is assumed of a disk that cannot be written to. */
const ASSUMED: NameRules = {
  ...ANY_NAME,
  foldsCase: isWindows || process.platform === "darwin",
  foldsNormalization: process.platform === "darwin",
  reserved: isWindows ? "windows" : "none",
};

/** Finds out what the disk does with names, by making a few empty files in `folder`, which is Twinfold's own. */
export async function probeNames(fs: FileSystem, folder: string): Promise<NameRules> {
  const composed = "probe-n\u00e4me";
  const decomposed = composed.normalize("NFD");
  try {
    return await withFile(fs, join(folder, composed), async () => {
      const exists = async (name: string) => (await lstatOrAbsent(fs, join(folder, name))) !== undefined;
      const listed = (await fs.readdir(folder)).map((bytes) => new TextDecoder().decode(bytes));
      return {
        foldsCase: await exists(composed.replace("probe", "PROBE")),
        foldsNormalization: await exists(decomposed),
        listsDecomposed: !listed.includes(composed) && listed.includes(decomposed),
        reserved: isWindows || !(await canMake(fs, join(folder, "probe-reserved?"))) ? "windows" : "none",
        maxNameBytes: await longestName(fs, folder),
      };
    });
  } catch (error) {
    // A full disk is one to wait for: what is assumed of it is remembered, and may spell the names of all that is there anew.
    if (["EROFS", "EACCES", "EPERM"].includes(diskCode(error) ?? "")) return ASSUMED;
    throw error;
  }
}

async function longestName(fs: FileSystem, folder: string): Promise<number> {
  for (const bytes of NAME_LENGTHS) if (await canMake(fs, join(folder, "probe-".padEnd(bytes, "n")))) return bytes;
  return 64;
}

/** False when the disk has no such names. */
async function canMake(fs: FileSystem, path: string): Promise<boolean> {
  try {
    return await withFile(fs, path, async () => true);
  } catch (error) {
    if (["EINVAL", "ENOENT", "ENAMETOOLONG", "EIO"].includes(diskCode(error) ?? "")) return false;
    throw error;
  }
}

/** An earlier process may have died with the file in place. */
async function withFile<T>(fs: FileSystem, path: string, work: () => Promise<T>): Promise<T> {
  try {
    await (await fs.open(path, "create-exclusive")).close();
  } catch (error) {
    if (diskCode(error) !== "EEXIST") throw error;
  }
  try {
    return await work();
  } finally {
    await fs.unlink(path).catch(() => {});
  }
}
