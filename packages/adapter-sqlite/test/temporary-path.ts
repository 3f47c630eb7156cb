import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

const directory = mkdtempSync(join(tmpdir(), "twinfold-sqlite-"));
let count = 0;

afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A path for a new database; it goes when the test file is done. */
export function temporaryPath(): string {
  return join(directory, `${++count}.db`);
}
