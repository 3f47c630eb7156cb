import { execFileSync } from "node:child_process";
import { temporaryFolder } from "./twinfold.js";
import { onTestFinished } from "vitest";

/** Only root may mount; where CI promises it, its absence is a failure instead of a skip. */
export const canMount = process.platform === "linux" && (process.getuid?.() === 0 || process.env.CI === "true");

export interface SmallDisk {
  readonly path: string;
  resize(sizeMib: number): void;
  unmount(): void;
}

/** A disk of its own with so much room, unmounted when the test is over. */
export async function mountDisk(sizeMib: number): Promise<SmallDisk> {
  const path = await temporaryFolder();
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${sizeMib}m`, "twinfold-test", path]);
  let mounted = true;
  const unmount = (): void => {
    if (mounted) execFileSync("umount", ["--lazy", path]);
    mounted = false;
  };
  onTestFinished(unmount);
  return { path, resize: (size) => void execFileSync("mount", ["-o", `remount,size=${size}m`, path]), unmount };
}
