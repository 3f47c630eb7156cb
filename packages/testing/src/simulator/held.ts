import { nameKey } from "@twinfold/core";
import type { SeenEntry } from "./folder.js";
import { DISPLACED } from "./own-names.js";
import type { DeviceSpec } from "./world-plan.js";

export const IGNORE_FILE = ".twinfoldignore";

/** A pattern as people write it here: a name or, with a slash in front, a path from the file's directory; with a slash at its end directories alone. */
interface Pattern {
  readonly path: string;
  readonly isAnchored: boolean;
  readonly isDirectoryOnly: boolean;
}

/** The rules in force on one device, by the directory of their file. */
export type RulesByDirectory = ReadonlyMap<string, readonly Pattern[]>;

/** What the ignore files in a folder say, by the nodes' own paths. Written anew from the reference, so that it does not share the engine's mistakes. */
export function rulesIn(entries: ReadonlyMap<string, SeenEntry>): RulesByDirectory {
  const rules = new Map<string, readonly Pattern[]>();
  for (const [path, entry] of entries) {
    if (entry.kind === "file" && nameOf(path) === IGNORE_FILE)
      rules.set(parentOf(path).replaceAll(DISPLACED, ""), parsePatterns(new TextDecoder().decode(entry.bytes)));
  }
  return rules;
}

function parsePatterns(text: string): readonly Pattern[] {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return lines.map((line) => {
    const [isAnchored, isDirectoryOnly] = [line.startsWith("/"), line.endsWith("/")];
    return { path: nameKey(line.slice(isAnchored ? 1 : 0, isDirectoryOnly ? -1 : undefined)), isAnchored, isDirectoryOnly };
  });
}

/** True when rules, or the choice of a device's link, let it hold what is at `path`. Files that come when they are asked for are held all the same. */
export function isHeld(path: string, isDirectory: boolean, rules: RulesByDirectory, { only }: Pick<DeviceSpec, "only">): boolean {
  const names = nameKey(path).replaceAll(DISPLACED, "").split("/");
  for (let depth = 1; depth <= names.length; depth++) {
    const [isLast, at] = [depth === names.length, names.slice(0, depth).join("/")];
    if (isLast && !isDirectory && names.at(-1) === IGNORE_FILE) return true;
    if (isIgnored(at, !isLast || isDirectory, rules)) return false;
    if (only !== undefined && depth === 1 && !only.includes(names[0] ?? "")) return false;
  }
  return true;
}

function isIgnored(path: string, isDirectory: boolean, rules: RulesByDirectory): boolean {
  for (const [directory, patterns] of rules) {
    if (directory !== "" && !path.startsWith(`${directory}/`)) continue;
    const inside = directory === "" ? path : path.slice(directory.length + 1);
    const isMatch = (pattern: Pattern): boolean =>
      (isDirectory || !pattern.isDirectoryOnly) && pattern.path === (pattern.isAnchored ? inside : nameOf(inside));
    if (patterns.some(isMatch)) return true;
  }
  return false;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}
