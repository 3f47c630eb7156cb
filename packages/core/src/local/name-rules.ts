import { MAX_NAME_BYTES, nameKey, withoutCase } from "../names.js";

/** What names a disk can hold, and which of them it takes for one. */
export interface NameRules {
  /** `a` and `A` are one name. */
  readonly foldsCase: boolean;
  /** A name and its other Unicode forms are one name. */
  readonly foldsNormalization: boolean;
  /** `list` gives every name in Unicode normalization form D, whichever it was made with (HFS+). */
  readonly listsDecomposed: boolean;
  /** Names that stand for a device, a stream or nothing there: Windows, and the disks that follow its rules. */
  readonly reserved: "windows" | "none";
  /** Longest name, in bytes of UTF-8. */
  readonly maxNameBytes: number;
}

/** A disk that holds every name that a node can have, and tells all of them apart. */
export const ANY_NAME: NameRules = {
  foldsCase: false,
  foldsNormalization: false,
  listsDecomposed: false,
  reserved: "none",
  maxNameBytes: MAX_NAME_BYTES,
};

/** True when no node is ever shown under another name on a disk with these rules. */
export function holdsAnyName({ foldsCase, reserved, maxNameBytes }: NameRules): boolean {
  return !foldsCase && reserved === "none" && maxNameBytes >= MAX_NAME_BYTES;
}

/** Equal for all names that a disk with these rules may take for one. */
export function slotKey(name: string, { foldsCase }: Pick<NameRules, "foldsCase">): string {
  return foldsCase ? nameKey(withoutCase(name.normalize("NFD"))) : nameKey(name);
}

/** True when a disk with these rules may take the two for one name. Some disks tell a few of them apart: `ı` and `i`, `ß` and `ss`. */
export function isSameName(a: string, b: string, { foldsCase, foldsNormalization }: NameRules): boolean {
  const folded = (name: string): string => {
    const form = foldsNormalization ? name.normalize("NFD") : name;
    return foldsCase ? withoutCase(form) : form;
  };
  return a === b || folded(a) === folded(b);
}
