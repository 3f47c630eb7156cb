import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";

/** What Twinfold keeps of every entry below a folder, by path; its own folder left out. */
export async function contents(folder: string, below = ""): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const name of (await readdir(join(folder, below))).sort()) {
    if (below === "" && name === ".twinfold") continue;
    const path = below === "" ? name : `${below}/${name}`;
    const stat = await lstat(join(folder, path));
    if (stat.isDirectory()) {
      found.set(path, "directory");
      for (const [inside, entry] of await contents(folder, path)) found.set(inside, entry);
    } else if (stat.isSymbolicLink()) found.set(path, `link to ${await readlink(join(folder, path))}`);
    else found.set(path, `${stat.mode & 0o111 ? "executable" : "file"} ${(await readFile(join(folder, path))).toString("base64")}`);
  }
  return found;
}

/** Paths in which two folders differ: contents, exec bits, link targets, directories. */
export async function differences(a: string, b: string): Promise<readonly string[]> {
  const [left, right] = [await contents(a), await contents(b)];
  return [...new Set([...left.keys(), ...right.keys()])].filter((path) => left.get(path) !== right.get(path));
}
