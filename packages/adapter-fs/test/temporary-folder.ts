import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

const made: string[] = [];

afterAll(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A new folder, which goes when the test file ends. */
export function temporaryFolder(base = tmpdir()): string {
  const folder = mkdtempSync(join(base, "twinfold-"));
  made.push(folder);
  return folder;
}

/** Places that are different file systems on many machines. */
export const DISKS: ReadonlyArray<readonly [name: string, base: string]> = [
  ["the disk for temporary files", tmpdir()],
  ...(existsSync("/dev/shm") ? [["a disk in memory", "/dev/shm"] as const] : []),
];
