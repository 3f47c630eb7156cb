import { TwinfoldError } from "../errors.js";
import type { LocalPath } from "../names.js";
import type { Expected, LocalStat } from "./local-tree.js";

/** True when nothing was written at a path between the two looks at it. A directory is the same as long as it is the same inode. */
export function isAsExpected(actual: LocalStat | undefined, expected: Expected): boolean {
  if (actual === undefined || expected === undefined) return actual === expected;
  if (actual.kind !== expected.kind || actual.inode !== expected.inode) return false;
  if (actual.kind === "directory") return true;
  return actual.sizeBytes === expected.sizeBytes && actual.mtimeNs === expected.mtimeNs && actual.ctimeNs === expected.ctimeNs;
}

/** As expected, and with the same attributes: nothing at all was done to it between the two looks. */
export function sameStat(a: LocalStat, b: LocalStat): boolean {
  return isAsExpected(a, b) && (a.kind === "directory" || a.executable === b.executable);
}

/**
 * Refuses to replace what cannot be replaced in one step.
 *
 * @throws {TwinfoldError} `ERR_INVALID_ARGUMENT` when a directory or a device is expected at `path`.
 */
export function assertReplaceable(path: LocalPath, expected: Expected): void {
  if (expected === undefined || expected.kind === "file" || expected.kind === "symlink") return;
  throw new TwinfoldError("ERR_INVALID_ARGUMENT", `cannot put a file or symlink over the ${expected.kind} ${JSON.stringify(path)}: remove it first`);
}

/** @throws {TwinfoldError} `ERR_INVALID_ARGUMENT` when `to` is `from` or lies inside it. */
export function assertMovable(from: LocalPath, to: LocalPath): void {
  if (!`${to}/`.startsWith(`${from}/`)) return;
  throw new TwinfoldError("ERR_INVALID_ARGUMENT", `cannot move ${JSON.stringify(from)} into itself, to ${JSON.stringify(to)}`);
}

/** @throws {TwinfoldError} `ERR_INVALID_ARGUMENT` when `key` could be another file than one in the staging folder. */
export function assertStagingKey(key: string): void {
  if (/^[a-z0-9-]{1,100}$/.test(key)) return;
  throw new TwinfoldError("ERR_INVALID_ARGUMENT", `a staging key is 1 to 100 of a-z, 0-9 and "-", got ${JSON.stringify(key)}`);
}
