import * as fs from "node:fs";
import { dirname, join } from "node:path";
import { createFsLocalTree, type FsLocalTreeOptions, initializeRoot } from "@twinfold/adapter-fs";
import { type MemoryEntry, parseWorkspaceId } from "@twinfold/core";
import type { EditableTree, LocalEdit } from "@twinfold/testing";
import { type FoldingOptions, foldingFileSystem } from "./folding-file-system.js";
import { temporaryFolder } from "./temporary-folder.js";

/** A person who edits a folder on the disk. */
export function createDiskEdit(root: string): LocalEdit {
  const absolute = (path: string) => join(root, path);
  const parents = (path: string) => fs.mkdirSync(dirname(absolute(path)), { recursive: true });
  return {
    write(path, content, { executable } = {}) {
      parents(path);
      fs.writeFileSync(absolute(path), content);
      if (executable !== undefined) fs.chmodSync(absolute(path), executable ? 0o755 : 0o644);
    },
    mkdir: (path) => void fs.mkdirSync(absolute(path), { recursive: true }),
    symlink(path, target) {
      parents(path);
      fs.symlinkSync(target, absolute(path));
    },
    rename(from, to) {
      parents(to);
      fs.renameSync(absolute(from), absolute(to));
    },
    rm: (path) => fs.rmSync(absolute(path), { recursive: true }),
    chmod: (path, executable) => fs.chmodSync(absolute(path), executable ? 0o755 : 0o644),
    files: () => filesOf(root),
    trashed() {
      const trash = absolute(".twinfold/trash");
      if (!fs.existsSync(trash)) return [];
      return fs
        .readdirSync(trash)
        .sort()
        .map((folder) => {
          const inside = join(trash, folder);
          const note = fs.readdirSync(inside).find((name) => name.endsWith(".json") && name.length > 5 && isNote(join(inside, name))) as string;
          const { path } = JSON.parse(fs.readFileSync(join(inside, note), "utf8")) as { path: string };
          return { path, entry: entryAt(join(inside, path.split("/").at(-1) as string)) };
        });
    },
    setRoot(state) {
      if (state === "missing") fs.renameSync(root, `${root}-unplugged`);
      else fs.writeFileSync(absolute(".twinfold/root.json"), JSON.stringify({ format: 1, rootId: "f".repeat(32), workspaceId: "0".repeat(32) }));
    },
  };
}

/** A new linked folder and the person who edits it. The clock moves on at each look, so that the trash sorts. */
export async function openDisk(
  base?: string,
  { names, ...options }: Partial<FsLocalTreeOptions> & { readonly names?: FoldingOptions } = {},
): Promise<EditableTree & { readonly root: string }> {
  const root = join(temporaryFolder(base), "root");
  fs.mkdirSync(root);
  const { rootId } = await initializeRoot({ root, workspaceId: parseWorkspaceId("0".repeat(32)) });
  let now = Date.UTC(2026, 0, 1);
  let random = 0;
  const env = {
    nowMs: () => (now += 1),
    randomBytes: (length: number) => new Uint8Array(length).map(() => (random = (random * 37 + 11) & 255)),
    sleep: async () => {},
  };
  const folding = names && { fileSystem: foldingFileSystem(names, fs.realpathSync(root)) };
  const tree = createFsLocalTree({ root, rootId, env, ...folding, ...options });
  return { root, tree, edit: createDiskEdit(root), close: () => tree.close() };
}

function isNote(path: string): boolean {
  try {
    return typeof JSON.parse(fs.readFileSync(path, "utf8")).path === "string";
  } catch {
    return false;
  }
}

function filesOf(root: string): Map<string, MemoryEntry> {
  const found = new Map<string, MemoryEntry>();
  const walk = (prefix: string): void => {
    for (const name of fs.readdirSync(join(root, prefix))) {
      if (name === ".twinfold") continue;
      const entry = entryAt(join(root, prefix, name));
      found.set(prefix + name, entry);
      if (entry.kind === "directory") walk(`${prefix}${name}/`);
    }
  };
  walk("");
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function entryAt(path: string): MemoryEntry {
  const stat = fs.lstatSync(path, { bigint: true });
  if (stat.isFile())
    return { kind: "file", bytes: new Uint8Array(fs.readFileSync(path)), executable: (stat.mode & 0o111n) !== 0n, mtimeNs: stat.mtimeNs };
  if (stat.isSymbolicLink()) return { kind: "symlink", target: fs.readlinkSync(path) };
  return { kind: stat.isDirectory() ? "directory" : "other" };
}
