import type { Content } from "@twinfold/core";
import type { SeenEntry } from "./folder.js";
import type { HubTree } from "./hub-tree.js";
import type { Ledger } from "./ledger.js";
import { byOwnPath } from "./own-names.js";
import type { SimDevice } from "./sim-device.js";

/** In what a device's folder and the hub's heads differ, a line each: tree, bytes, exec bits, link targets. */
export function differencesFromHub({ folder, spec }: SimDevice, hub: HubTree, ledger: Ledger): readonly string[] {
  const shown = byOwnPath(folder.entries(), spec, hub);
  const here = new Map([...shown].map(([path, entry]) => [path, describe(contentOf(entry, ledger))]));
  const there = new Map([...hub.byPath].map(([path, { content }]) => [path, describe(content)]));
  return [
    ...[...there].filter(([path, content]) => here.get(path) !== content).map(([path, content]) => `  only hub: ${path}: ${content}`),
    ...[...here].filter(([path, content]) => there.get(path) !== content).map(([path, content]) => `  only ${spec.name}: ${path}: ${content}`),
  ];
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
