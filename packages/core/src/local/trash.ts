import { TwinfoldError } from "../errors.js";
import { markedName } from "../marked-name.js";
import { baseName, joinPath, type LocalPath, parentPath } from "../names.js";

const DAY_MS = 24 * 60 * 60 * 1_000;
/** How long the trash keeps what a tree's operations took away, by this machine's clock. */
export const TRASH_KEPT_MS = 30 * DAY_MS;
/** How long a staging file that nobody has open waits for its download to go on. */
export const STAGING_KEPT_MS = DAY_MS;

/** Something that an operation of the tree took away and kept. */
export interface TrashItem {
  /** Names it among all that is in the trash. Opaque; sorts by time. */
  readonly trashId: string;
  /** Where it was. */
  readonly path: LocalPath;
  readonly atMs: number;
  /** `replaced`: something newer has its place. */
  readonly reason: "replaced" | "removed";
  readonly kind: "file" | "symlink";
  readonly sizeBytes: number;
}

/** Where something from the trash goes: to its old path, then to `name (restored).ext`, with ` 2`, ` 3` …. */
export function restoredPath(path: LocalPath, attempt: number): LocalPath {
  if (attempt === 1) return path;
  return joinPath(parentPath(path), markedName(baseName(path), " (restored)", attempt - 1));
}

/** There is no such thing in the trash, or no longer. */
export function noSuchTrash(trashId: string): TwinfoldError {
  return new TwinfoldError("ERR_NOT_FOUND", `there is nothing in the trash under ${JSON.stringify(trashId)}: list it again`);
}

/** What a thing from the trash was in has become something else. */
export function noParent(path: LocalPath): TwinfoldError {
  return new TwinfoldError("ERR_LOCAL_FAILED", `${JSON.stringify(path)} cannot be brought back: what it was in is no folder now; rename that first`);
}
