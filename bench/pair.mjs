import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { Processes } from "./processes.mjs";

/** Kept free besides what a measurement needs, in bytes: databases, logs, and what is rewritten. */
const SPARE_BYTES = 256 * 1024 * 1024;

const folders = new Set();

/** Removes what measurements that did not end have left. */
export function removeAll() {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

/**
 * Opens a competitor's pair, and ends and removes everything after `action`.
 *
 * `fill(a)` writes what A holds at the start. `needBytes` is what all of it may take on the disk of `place`, which is refused when it is too small.
 */
export async function withPair({ competitor, place }, { fill, needBytes, ...options }, action) {
  const { bavail, bsize } = statfsSync(place.folder);
  const freeBytes = bavail * bsize;
  if (freeBytes < needBytes + SPARE_BYTES) {
    const gigabytes = (bytes) => (bytes / 1e9).toFixed(1);
    throw new Error(`needs ${gigabytes(needBytes + SPARE_BYTES)} GB on ${place.name}, where ${gigabytes(freeBytes)} GB are free`);
  }
  const folder = mkdtempSync(join(place.folder, "twinfold-bench-"));
  folders.add(folder);
  const [a, b, home] = ["a", "b", "home"].map((name) => join(folder, name));
  for (const path of [a, b, home]) mkdirSync(path);
  const processes = new Processes();
  try {
    fill(a);
    const pair = await competitor.open({ processes, home, a, b, ...options });
    try {
      spawnSync("sync"); // what was written before the clock is not part of what it measures
      return await action({ pair, processes, a, b, folder });
    } finally {
      await pair.close();
    }
  } finally {
    await processes.stopAll();
    rmSync(folder, { recursive: true, force: true });
    folders.delete(folder);
  }
}
