import { type Head, type NodeId, type NodeName, type NodeRecord, nameKey, type Place, type TreesView } from "@twinfold/core";
import { describe, expect, it } from "vitest";
import { newcomers } from "../../src/reconcile/newcomers.js";
import { syncedWith } from "../../src/reconcile/node-record.js";

const ROOT = "0".repeat(32) as NodeId;
const [D, E, F, G] = ["d", "e", "f", "9"].map((digit) => digit.repeat(32)) as [NodeId, NodeId, NodeId, NodeId];
const VECTOR = new Map();

function at(parentId: NodeId, name: string): Place {
  return { parentId, name: name as NodeName };
}

function here(nodeId: NodeId, place: Place, kind: "file" | "directory"): NodeRecord {
  const content = kind === "directory" ? { kind } : { kind, manifestId: "a".repeat(64) as never, sizeBytes: 1, executable: false, mtimeNs: 0n };
  const stat = { kind, sizeBytes: 1, mtimeNs: 0n, ctimeNs: 0n, inode: nodeId, executable: false };
  return { nodeId, local: { place, content, stat: stat as never, suspect: false } };
}

function headOf({ nodeId, local }: NodeRecord, place = local?.place): Head {
  if (local === undefined || place === undefined) throw new Error("not here");
  return { nodeId, place, placeVector: VECTOR, content: local.content, contentVector: VECTOR, deleted: false, revision: 1, seq: 1 };
}

/** What disk and hub hold alike. */
function agreed(record: NodeRecord): NodeRecord {
  const remote = headOf(record);
  return { ...record, remote, synced: syncedWith(remote) };
}

function viewOf(records: readonly NodeRecord[], aliases: ReadonlyMap<NodeId, NodeId> = new Map()): TreesView {
  const isAt = (place: Place | undefined, parentId: NodeId, key: string) => place?.parentId === parentId && nameKey(place.name) === key;
  return {
    rootNodeId: ROOT,
    record: (nodeId) => records.find((record) => record.nodeId === nodeId),
    localAt: (parentId, key) => records.filter(({ local }) => isAt(local?.place, parentId, key)),
    remoteAt: (parentId, key) => records.filter(({ remote }) => isAt(remote?.place, parentId, key)),
    localChildren: () => [],
    remoteChildren: () => [],
    aliases,
    slot: ({ parentId, name }) => `${parentId}/${name}`,
  };
}

function going(records: readonly NodeRecord[], aliases?: ReadonlyMap<NodeId, NodeId>): ReadonlySet<NodeId> {
  return newcomers(viewOf(records, aliases), records);
}

const newDirectory = here(D, at(ROOT, "papers"), "directory");
const fileInIt = here(F, at(D, "one.txt"), "file");

describe("newcomers", () => {
  it("are a new file and the new directories that it is in", () => {
    const inner = here(E, at(D, "drafts"), "directory");
    expect(going([newDirectory, inner, here(F, at(E, "one.txt"), "file")])).toEqual(new Set([D, E, F]));
  });

  it("are not directories that nothing was found in: rules may leave alone all that they hold", () => {
    expect(going([newDirectory])).toEqual(new Set());
  });

  it("are in a directory that disk and hub hold alike", () => {
    expect(going([agreed(newDirectory), fileInIt])).toEqual(new Set([F]));
  });

  it.each<[string, readonly NodeRecord[], ReadonlyMap<NodeId, NodeId>?]>([
    ["a directory that was moved here", [{ ...agreed(here(D, at(ROOT, "old"), "directory")), local: newDirectory.local }, fileInIt]],
    ["a directory that the hub has deleted", [{ ...newDirectory, remote: { ...headOf(newDirectory), deleted: true } }, fileInIt]],
    ["a directory that is not known", [fileInIt]],
    ["a directory that may be one that is to come", [newDirectory, { nodeId: G, remote: headOf({ ...newDirectory, nodeId: G }) }, fileInIt]],
    ["a file's place", [here(D, at(ROOT, "papers"), "file"), fileInIt].slice(1)],
    ["itself", [here(D, at(E, "a"), "directory"), here(E, at(D, "b"), "directory"), fileInIt]],
  ])("are not in %s", (_, records) => {
    expect(going(records)).not.toContain(F);
  });

  it.each<[string, readonly NodeRecord[], ReadonlyMap<NodeId, NodeId>?]>([
    ["has a name that a node has at the hub", [{ nodeId: G, remote: headOf({ ...fileInIt, nodeId: G }) }]],
    ["has a name that another node has here", [here(G, at(D, "one.txt"), "file")]],
    ["has a name that is equal to another's here in form C", [here(F, at(D, "\u00e9"), "file"), here(G, at(D, "e\u0301"), "file")]],
    ["may be another under its alias", [], new Map([[G, F]])],
  ])("are no file that %s", (_, others, aliases) => {
    const file = others.find(({ nodeId }) => nodeId === F) ?? fileInIt;
    expect(going([newDirectory, file, ...others.filter(({ nodeId }) => nodeId !== F)], aliases)).not.toContain(F);
  });

  it("are no file that was agreed on before a reset", () => {
    const { synced } = agreed(fileInIt);
    expect(going([newDirectory, { ...fileInIt, former: synced }])).toEqual(new Set());
  });
});
