import { type Head, nameKey } from "@twinfold/core";
import type { SeenEntry } from "./folder.js";
import type { HubTree } from "./hub-tree.js";
import type { DeviceSpec } from "./world-plan.js";

/** Behind the name of what stands where a node would, which has an alias therefore. */
export const DISPLACED = "\0";

const ALIAS = /^(.*) \(alias ([0-9a-f]{8,32})\)(\.[^.]{1,16})?$/s;

/**
 * What a folder shows, by the paths that the nodes have, ascending: a name in form D is taken back to the node's own, and so is an alias.
 *
 * An alias counts only where a node of the hub has its name and its digits, and none has all of it for a name: what else looks like one keeps its name.
 * What has the node's name itself gets the mark {@link DISPLACED}.
 */
export function byOwnPath(
  entries: ReadonlyMap<string, SeenEntry>,
  { foldsCase = false, listsDecomposed = false }: DeviceSpec,
  { byPath }: HubTree,
): ReadonlyMap<string, SeenEntry> {
  const hasAliases = [...entries.keys()].some((path) => path.includes(" (alias "));
  if (!foldsCase && !listsDecomposed && !hasAliases) return entries;
  const children = childrenByParent(byPath);
  const own = new Map<string, string>([["", ""]]);
  const found: Array<readonly [string, SeenEntry]> = [];
  const taken = new Set<string>();
  for (const [shown, entry] of [...entries].sort(([a], [b]) => before(a, b))) {
    const slash = shown.lastIndexOf("/");
    const parent = own.get(shown.slice(0, Math.max(0, slash))) ?? "";
    const name = ownName(shown.slice(slash + 1), children.get(parent) ?? []);
    const path = parent === "" ? name : `${parent}/${name}`;
    // Two entries of one node are a difference, not one entry.
    const told = !taken.has(path) ? path : path === nameKey(shown) ? path + DISPLACED : shown;
    taken.add(told);
    own.set(shown, told);
    found.push([told, entry]);
  }
  return new Map(found.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Directories before what is in them, and aliases before what may have the name that they stand for. */
function before(a: string, b: string): number {
  const [depthA, depthB] = [a.split("/").length, b.split("/").length];
  if (depthA !== depthB) return depthA - depthB;
  const [isAliasA, isAliasB] = [ALIAS.test(a), ALIAS.test(b)];
  return isAliasA === isAliasB ? (a < b ? -1 : 1) : isAliasA ? -1 : 1;
}

function ownName(shown: string, siblings: readonly Head[]): string {
  const name = nameKey(shown);
  const [, stem, digits, extension = ""] = ALIAS.exec(name) ?? [];
  if (stem === undefined || digits === undefined || siblings.some(({ place }) => nameKey(place.name) === name)) return name;
  const node = siblings.find(({ nodeId, place }) => nodeId.startsWith(digits) && nameKey(place.name) === stem + extension);
  return node === undefined ? name : nameKey(node.place.name);
}

function childrenByParent(byPath: ReadonlyMap<string, Head>): ReadonlyMap<string, readonly Head[]> {
  const children = new Map<string, Head[]>();
  for (const [path, head] of byPath) {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [head]);
    else siblings.push(head);
  }
  return children;
}
