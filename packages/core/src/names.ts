import { TwinfoldError } from "./errors.js";

declare const nameBrand: unique symbol;
/** One component of a path, checked by {@link parseName} and kept exactly as given. */
export type NodeName = string & { readonly [nameBrand]: true };

declare const pathBrand: unique symbol;
/** Names joined by `/`, relative to a workspace's root; the root itself is the empty string. */
export type LocalPath = string & { readonly [pathBrand]: true };

/** Most bytes of UTF-8 in a name. Source: NAME_MAX of ext4, xfs, btrfs, APFS and NTFS (there in UTF-16 units). */
export const MAX_NAME_BYTES = 255;
/** Deepest tree accepted. Bounds the walk to the root that every move needs. */
export const MAX_DEPTH = 128;

/** Twinfold's own folder inside a linked root. It is never synced, under no spelling of its name. */
export const INTERNAL_NAME = ".twinfold";

/** The file that holds a directory's rules. It is synced like any other, so that the same rules hold on every device. */
export const IGNORE_FILE = ".twinfoldignore";

export const ROOT_PATH = "" as LocalPath;

const encoder = new TextEncoder();

// ext4 with case folding and HFS+ ignore these in names (CVE-2014-9390).
const IGNORABLE = /\p{Default_Ignorable_Code_Point}/gu;

/**
 * Checks one name from outside: a device, a server or a disk.
 *
 * Refuses what could leave its directory (`/`, NUL, `.`, `..`), what no disk
 * holds (empty, over {@link MAX_NAME_BYTES}, not Unicode) and Twinfold's own folder.
 *
 * @throws {TwinfoldError} `ERR_INVALID_NAME`.
 */
export function parseName(text: string): NodeName {
  const problem = nameProblem(text);
  if (problem !== undefined) throw new TwinfoldError("ERR_INVALID_NAME", `the name ${JSON.stringify(text)} ${problem}`);
  return text as NodeName;
}

/** Why `text` cannot be a name, as the end of a sentence; `undefined` when it can. */
export function nameProblem(text: string): string | undefined {
  if (text === "") return "is empty";
  if (text === "." || text === "..") return "means another directory";
  if (text.includes("/")) return "contains a slash";
  if (text.includes("\0")) return "contains a NUL";
  if (/[\ud800-\udfff]/u.test(text)) return "is not valid Unicode";
  // No UTF-16 unit takes more than three bytes.
  if (text.length * 3 > MAX_NAME_BYTES && encoder.encode(text).length > MAX_NAME_BYTES) return `is longer than ${MAX_NAME_BYTES} bytes`;
  if (isInternalName(text)) return "is Twinfold's own";
  return undefined;
}

/** True for every name under which some disk would open Twinfold's own folder. Windows drops dots and spaces at the end, and what follows a colon. */
export function isInternalName(text: string): boolean {
  const first = text.charCodeAt(0);
  if (first !== 0x2e && first < 0x80) return false;
  return withoutCase(text).replace(/(:.*|[. ]+)$/su, "") === INTERNAL_NAME;
}

/** Equal for two names that differ only in case and in code points that some disks ignore. */
export function withoutCase(name: string): string {
  return name.replace(IGNORABLE, "").toUpperCase().toLowerCase();
}

/** What is unique among the children of a directory: the name in Unicode normalization form C. */
export function nameKey(name: string): string {
  return name.normalize("NFC");
}

export function joinPath(parent: LocalPath, name: NodeName): LocalPath {
  return (parent === "" ? name : `${parent}/${name}`) as LocalPath;
}

/**
 * Checks a path from outside, names joined by `/`.
 *
 * @throws {TwinfoldError} `ERR_INVALID_NAME` when one of its names is not one, or it is deeper than {@link MAX_DEPTH}.
 */
export function parsePath(text: string): LocalPath {
  if (text === "") return ROOT_PATH;
  const names = text.split("/");
  if (names.length > MAX_DEPTH) throw new TwinfoldError("ERR_INVALID_NAME", `a path of ${names.length} names is deeper than ${MAX_DEPTH}`);
  for (const name of names) parseName(name);
  return text as LocalPath;
}

/** The names of a path, outermost first. */
export function splitPath(path: LocalPath): readonly NodeName[] {
  return path === "" ? [] : (path.split("/") as unknown as NodeName[]);
}

export function parentPath(path: LocalPath): LocalPath {
  return path.slice(0, Math.max(0, path.lastIndexOf("/"))) as LocalPath;
}

export function baseName(path: LocalPath): NodeName {
  return path.slice(path.lastIndexOf("/") + 1) as NodeName;
}
