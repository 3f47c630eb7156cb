import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { temporaryFolder } from "./twinfold.js";

/** Root may mount, in most containers it may not. Where CI promises that it works, it is tried in any case: nothing is skipped in silence. */
export const canMount = process.platform === "linux" && (process.env.CI === "true" || mounts());

function mounts(): boolean {
  const path = mkdtempSync(join(tmpdir(), "twinfold-mount-"));
  const isMounted = spawnSync("mount", ["-t", "tmpfs", "twinfold-test", path]).status === 0;
  if (isMounted) spawnSync("umount", [path]);
  rmdirSync(path);
  return isMounted;
}

export interface SmallDisk {
  readonly path: string;
  resize(sizeMib: number): void;
  /** Mounts it elsewhere: what was its place is an empty folder then. */
  moveTo(path: string): void;
}

/** A disk of its own with so much room, unmounted when the test is over. */
export async function mountDisk(sizeMib: number): Promise<SmallDisk> {
  const path = await temporaryFolder();
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${sizeMib}m`, "twinfold-test", path]);
  let place = path;
  onTestFinished(() => void execFileSync("umount", ["--lazy", place]));
  return {
    path,
    resize: (size) => void execFileSync("mount", ["-o", `remount,size=${size}m`, place]),
    moveTo(to) {
      execFileSync("mount", ["--move", place, to]);
      place = to;
    },
  };
}
