import { closeSync, lstatSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { until } from "./processes.mjs";

/** What competitors keep for themselves in the folders that they sync. */
const OWN_NAMES = new Set([".twinfold", ".stfolder", ".stignore", ".stversions"]);
const PIECE_BYTES = 4 * 1024 * 1024;

/** The names in each directory of a folder, by the directory's path below it. */
export function namesIn(folder, below = ".", found = new Map()) {
  const entries = readdirSync(join(folder, below), { withFileTypes: true }).filter(({ name }) => !OWN_NAMES.has(name));
  found.set(
    below,
    entries.map(({ name }) => name),
  );
  for (const entry of entries) if (entry.isDirectory()) namesIn(folder, join(below, entry.name), found);
  return found;
}

/**
 * Resolves when every name of `wanted` is in `folder`. Files must be put in place whole, by a rename, as all who are waited for here do.
 *
 * Looks at one directory at a time, and goes on when that one is complete: looking costs the same however many files there are.
 */
export async function arrival(folder, wanted, processes) {
  const directories = [...wanted];
  await until(
    `all is in ${folder}`,
    () => {
      processes.assertAlive();
      while (directories.length > 0) {
        const [below, names] = directories.at(-1);
        if (!holds(join(folder, below), names)) return false;
        directories.pop();
      }
      return true;
    },
    { everyMs: 10 },
  );
}

function holds(directory, names) {
  try {
    if (names.length < 10) return names.every((name) => lstatSync(join(directory, name), { throwIfNoEntry: false }) !== undefined);
    const present = new Set(readdirSync(directory));
    return names.every((name) => present.has(name));
  } catch {
    return false; // the directory itself is still to come
  }
}

/** Compares two folders byte for byte, and throws at the first difference. */
export function assertTwins(a, b) {
  const [left, right] = [namesIn(a), namesIn(b)];
  for (const below of new Set([...left.keys(), ...right.keys()])) {
    const [here, there] = [left.get(below), right.get(below)].map((names) => names?.toSorted().join("\n"));
    if (here !== there) throw new Error(`the folders are no twins: ${below} does not hold the same names`);
  }
  for (const [below, names] of left) {
    for (const name of names) {
      const path = join(below, name);
      if (!left.has(path) && !sameBytes(join(a, path), join(b, path))) throw new Error(`the folders are no twins: ${path} differs`);
    }
  }
}

function sameBytes(a, b) {
  const sizeBytes = lstatSync(a).size;
  if (sizeBytes !== lstatSync(b).size) return false;
  if (sizeBytes <= PIECE_BYTES) return readFileSync(a).equals(readFileSync(b));
  const files = [openSync(a, "r"), openSync(b, "r")];
  const pieces = files.map(() => Buffer.alloc(PIECE_BYTES));
  try {
    for (let at = 0; at < sizeBytes; at += PIECE_BYTES) {
      const [left, right] = files.map((file, index) => pieces[index].subarray(0, readSync(file, pieces[index], 0, PIECE_BYTES, at)));
      if (!left.equals(right)) return false;
    }
    return true;
  } finally {
    for (const file of files) closeSync(file);
  }
}

/** What a folder takes on its disk, in bytes as files count them. */
export function sizeOf(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + lstatSync(join(entry.parentPath ?? entry.path, entry.name)).size, 0);
}
