import { basename, dirname, join } from "node:path";
import { createNodeFileSystem } from "@twinfold/adapter-fs";
import { type FileSystem, isSameName, type NameRules } from "@twinfold/core";

export interface FoldingOptions extends NameRules {
  /** A rename to another spelling does nothing, as on ext4 with case folding. */
  readonly ignoresRespelling?: boolean;
  /** Nobody but this file system changes the disk, so that it need not list a directory for each name. */
  readonly isAlone?: boolean;
}

/** A disk that takes names for one as `rules` say, on one that tells them apart. */
export function foldingFileSystem(rules: FoldingOptions, root: string, fs: FileSystem = createNodeFileSystem()): FileSystem {
  const listed = new Map<string, readonly string[]>();

  async function namesIn(directory: string): Promise<readonly string[] | undefined> {
    const known = listed.get(directory);
    if (known !== undefined) return known;
    try {
      const names = (await fs.readdir(directory)).map((bytes) => Buffer.from(bytes).toString());
      if (rules.isAlone) listed.set(directory, names);
      return names;
    } catch {
      return undefined;
    }
  }

  /** The true spelling of a path at which something is about to change. */
  async function changing(path: string): Promise<string> {
    const found = await spelled(path);
    listed.delete(dirname(found));
    return found;
  }

  async function spelled(path: string): Promise<string> {
    if (path.length <= root.length) return path;
    const parent = await spelled(dirname(path));
    const name = basename(path);
    if (rules.reserved === "windows" && /[<>:"|?*\\]/.test(name)) throw Object.assign(new Error("EINVAL"), { code: "EINVAL" });
    if (Buffer.byteLength(name) > rules.maxNameBytes) throw Object.assign(new Error("ENAMETOOLONG"), { code: "ENAMETOOLONG" });
    const names = await namesIn(parent);
    if (names === undefined) return join(parent, name);
    return join(parent, names.includes(name) ? name : (names.find((known) => isSameName(known, name, rules)) ?? name));
  }
  return {
    ...fs,
    entries: undefined,
    open: async (path, mode) => fs.open(await (mode === "create-exclusive" ? changing(path) : spelled(path)), mode),
    lstat: async (path) => fs.lstat(await spelled(path)),
    async readdir(path) {
      const names = await fs.readdir(await spelled(path));
      return rules.listsDecomposed ? names.map((name) => Buffer.from(Buffer.from(name).toString().normalize("NFD"))) : names;
    },
    readlink: async (path) => fs.readlink(await spelled(path)),
    mkdir: async (path) => fs.mkdir(await changing(path)),
    async rename(from, to) {
      const [source, target] = [await spelled(from), await spelled(to)];
      listed.clear();
      if (source !== target) return fs.rename(source, target);
      if (!rules.ignoresRespelling) await fs.rename(source, join(dirname(target), basename(to)));
    },
    link: async (existing, path) => fs.link(await spelled(existing), await changing(path)),
    symlink: async (target, path) => fs.symlink(target, await changing(path)),
    unlink: async (path) => fs.unlink(await changing(path)),
    rmdir: async (path) => fs.rmdir(await changing(path)),
    syncDirectory: async (path) => fs.syncDirectory(await spelled(path)),
  };
}
