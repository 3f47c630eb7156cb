import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A path at which nothing is yet; its folder is removed when the test ends. */
export function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), "one-file-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, "blobs");
}
