import type { Content } from "@twinfold/core";
import type { SeenEntry } from "./folder.js";
import { IGNORE_FILE, isHeld, rulesIn } from "./held.js";
import type { HubTree } from "./hub-tree.js";
import type { Ledger } from "./ledger.js";
import { byOwnPath } from "./own-names.js";
import type { SimDevice } from "./sim-device.js";

/** A folder by the nodes' own paths. */
export interface OwnFolder {
  readonly shown: ReadonlyMap<string, SeenEntry>;
  /** True when this device is to hold what is at a path. */
  isDue(path: string, isDirectory: boolean): boolean;
  /** Without what this device is not to hold. */
  readonly held: ReadonlyMap<string, SeenEntry>;
}

export function ownFolder({ folder, spec }: SimDevice, hub: HubTree): OwnFolder {
  const shown = byOwnPath(folder.entries(), spec, hub);
  const rules = rulesIn(shown);
  const isDue = (path: string, isDirectory: boolean): boolean => isHeld(path, isDirectory, rules, spec);
  const held = rules.size === 0 && spec.only === undefined ? shown : withoutOthers(heldEntries(shown, isDue), shown, hub);
  return { shown, isDue, held };
}

/**
 * In what a device's folder and the hub's heads differ, a line each: tree, bytes, exec bits, link targets.
 *
 * Left out: what rules or the device's choice keep apart, directories that are there for such things alone, and files that come when they are asked for.
 */
export function differencesFromHub(device: SimDevice, hub: HubTree, ledger: Ledger): readonly string[] {
  const { spec } = device;
  const { isDue, held } = ownFolder(device, hub);
  const there = new Map([...hub.byPath].map(([path, { content }]) => [path, describe(content)]));
  const here = new Map([...held].map(([path, entry]) => [path, describe(contentOf(entry, ledger))]));
  const isMissing = (path: string, { kind }: Content): boolean =>
    here.get(path) !== there.get(path) &&
    isDue(path, kind === "directory") &&
    !(kind === "file" && spec.onDemandAboveBytes !== undefined && !here.has(path));
  const isTooMuch = (path: string): boolean => here.get(path) !== there.get(path);
  return [
    ...[...hub.byPath].filter(([path, { content }]) => isMissing(path, content)).map(([path]) => `  only hub: ${path}: ${there.get(path)}`),
    ...[...here.keys()].filter(isTooMuch).map((path) => `  only ${spec.name}: ${path}: ${here.get(path)}`),
  ];
}

function heldEntries(shown: ReadonlyMap<string, SeenEntry>, isDue: OwnFolder["isDue"]): ReadonlyMap<string, SeenEntry> {
  return new Map([...shown].filter(([path, { kind }]) => isDue(path, kind === "directory")));
}

/** Without directories that are there for what is not to be held alone, and without the rules in them: no node stands behind either. */
function withoutOthers(
  held: ReadonlyMap<string, SeenEntry>,
  shown: ReadonlyMap<string, SeenEntry>,
  { byPath }: HubTree,
): ReadonlyMap<string, SeenEntry> {
  const isOthers = (directory: string): boolean => byPath.get(directory)?.content.kind !== "directory" && holdsOnlyOthers(directory, shown, held);
  return new Map(
    [...held].filter(([path, { kind }]) =>
      kind === "directory" ? !isOthers(path) : !isRules(path) || byPath.has(path) || !isOthers(path.slice(0, Math.max(0, path.lastIndexOf("/")))),
    ),
  );
}

/** True for a directory that holds something, and nothing that is to be held but rules. */
function holdsOnlyOthers(directory: string, shown: ReadonlyMap<string, SeenEntry>, held: ReadonlyMap<string, SeenEntry>): boolean {
  const inside = [...shown].filter(([path]) => path.startsWith(`${directory}/`));
  return inside.some(([path]) => !held.has(path)) && inside.every(([path, { kind }]) => !held.has(path) || kind === "directory" || isRules(path));
}

function isRules(path: string): boolean {
  return path.slice(path.lastIndexOf("/") + 1) === IGNORE_FILE;
}

type SeenContent = Pick<Content, "kind"> & { readonly manifestId?: string; readonly executable?: boolean; readonly target?: string };

function contentOf(entry: SeenEntry, ledger: Ledger): SeenContent {
  if (entry.kind === "file") return { kind: "file", executable: entry.executable, manifestId: ledger.manifestIdOf(entry.bytes) };
  return entry.kind === "symlink" ? entry : { kind: "directory" };
}

function describe(content: Content | SeenContent): string {
  const { kind, manifestId = "", executable = false, target = "" } = content as SeenContent;
  return `${kind} ${manifestId.slice(0, 12)}${executable ? " executable" : ""}${target}`;
}
