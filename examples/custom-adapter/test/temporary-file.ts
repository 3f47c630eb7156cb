import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

let latest = "";

/** What {@link temporaryFile} gave last. */
export const latestTemporaryFile = (): string => latest;

/** A path at which nothing is yet; its folder is removed when the test ends. */
export function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), "one-file-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  latest = join(folder, "blobs");
  return latest;
}
