import type { NodeId } from "../../ids.js";
import type { LocalEntry, LocalStat } from "../../local/local-tree.js";
import { type NameRules, slotKey } from "../../local/name-rules.js";
import { baseName, type LocalPath, type NodeName, parentPath } from "../../names.js";
import { type LocalState, nameHere, type NodeRecord } from "../../reconcile/node-record.js";
import type { ReplicaParts } from "../replica-parts.js";
import type { ScanWrites } from "./scan-writes.js";

/** A directory as it was just listed, and the nodes that the local tree has in it, by their names here. */
export interface ListedDirectory {
  readonly path: LocalPath;
  readonly nodeId: NodeId;
  readonly entries: ReadonlyArray<LocalEntry & { readonly name: NodeName }>;
  readonly known: ReadonlyMap<string, NodeRecord>;
}

type OwnersContext = Pick<ReplicaParts, "trees" | "tree"> & {
  /** What the scan has seen so far. It is written only where it may tell more of an inode that has to be looked up. */
  readonly writes: Pick<ScanWrites, "holds" | "flush">;
};

/**
 * The children of a directory by their names. A scan that was broken off between the node that came and the one that went
 * leaves two of one name: then the name is that one's whose inode is there.
 */
export function childrenByName(children: readonly NodeRecord[], entries: readonly LocalEntry[]): ReadonlyMap<string, NodeRecord> {
  const known = new Map<string, NodeRecord>();
  for (const record of children) if (record.local) known.set(nameHere(record.local), record);
  if (known.size === children.length) return known;
  const inodeAt = new Map(entries.map(({ name, stat }) => [name, stat.inode]));
  for (const record of children) {
    if (record.local && inodeAt.get(nameHere(record.local)) === record.local.stat.inode) known.set(nameHere(record.local), record);
  }
  return known;
}

/**
 * Which node each entry is, of those that are known.
 *
 * A name that holds an unknown inode keeps its node (editors save so); an inode decides only where its old name is gone or
 * holds another known node.
 */
export async function findOwners(context: OwnersContext, directory: ListedDirectory): Promise<Map<string, NodeRecord>> {
  const { trees } = context;
  const { entries, known } = directory;
  const owners = new Map<string, NodeRecord>();
  const inodeAt = new Map(entries.map((entry) => [entry.name as string, entry.stat.inode]));
  const respelled = respelledNames(known, inodeAt, trees.names);
  const namedAs = (name: string): NodeRecord | undefined => known.get(name) ?? respelled?.get(slotKey(name, trees.names));
  const strangers = entries.filter((entry) => {
    const named = namedAs(entry.name);
    if (named?.local?.stat.inode !== entry.stat.inode || !sameKind(named.local, entry.stat)) return true;
    owners.set(entry.name, named);
    return false;
  });
  if (strangers.length === 0) return owners;
  const byInode = await findByInode(
    context,
    strangers.map((entry) => entry.stat.inode),
  );
  for (const [index, entry] of strangers.entries()) {
    const named = namedAs(entry.name);
    const candidates = (byInode[index] ?? []).filter(({ nodeId, local }) => nodeId !== named?.nodeId && local && sameKind(local, entry.stat));
    let owner: NodeRecord | undefined;
    for (const candidate of candidates) {
      if (await hasLeft(context, candidate, directory, inodeAt)) {
        owner = candidate;
        break;
      }
    }
    owner ??= named !== undefined && named.local !== undefined && isReplaceable(named.local, entry.stat) ? named : undefined;
    if (owner !== undefined) owners.set(entry.name, owner);
  }
  // A node may have been claimed by its inode elsewhere in this directory: then its old name holds somebody new.
  const claimed = new Map<NodeId, string>();
  for (const [name, owner] of owners) {
    const other = claimed.get(owner.nodeId);
    if (other === undefined) claimed.set(owner.nodeId, name);
    else owners.delete(owner.local?.stat.inode === inodeAt.get(name) ? other : name);
  }
  return owners;
}

/** Nodes that have an inode, as they are after all that the scan has seen. Of what nobody has ever had nothing need be written to know that. */
async function findByInode({ trees, writes }: OwnersContext, inodes: readonly string[]): Promise<ReadonlyArray<readonly NodeRecord[]>> {
  if (!inodes.some((inode) => writes.holds(inode))) {
    const stored = await trees.byInode(inodes);
    if (stored.every((records) => records.length === 0)) return stored;
  }
  await writes.flush();
  return await trees.byInode(inodes);
}

/** Nodes whose names are not in the listing, by the key of the names that this disk takes for one: they may be spelled otherwise now. */
function respelledNames(
  known: ReadonlyMap<string, NodeRecord>,
  listed: ReadonlyMap<string, unknown>,
  names: NameRules,
): ReadonlyMap<string, NodeRecord> | undefined {
  if (!names.foldsCase && !names.foldsNormalization) return undefined;
  return new Map([...known].filter(([name]) => !listed.has(name)).map(([name, record]) => [slotKey(name, names), record]));
}

/** True when a node is no longer under its old name: that is gone, or holds another known node. */
async function hasLeft(
  { trees, tree }: OwnersContext,
  record: NodeRecord,
  directory: ListedDirectory,
  inodeAt: ReadonlyMap<string, string>,
): Promise<boolean> {
  const place = record.local?.place;
  if (place === undefined || record.local === undefined) return false;
  const oldPath = await trees.localPath(record.nodeId);
  if (oldPath === undefined) return true;
  const isHere = place.parentId === directory.nodeId && parentPath(oldPath) === directory.path;
  const inode = isHere ? inodeAt.get(baseName(oldPath)) : (await tree.stat(oldPath))?.inode;
  if (inode === undefined) return true;
  if (inode === record.local.stat.inode) return false;
  const [holders = []] = await trees.byInode([inode]);
  return holders.some((holder) => holder.nodeId !== record.nodeId);
}

function sameKind(local: LocalState, stat: LocalStat): boolean {
  return local.stat.kind === stat.kind;
}

/** A file may become a symlink and stay the same node; a directory and what is none are never one node. */
export function isReplaceable(local: LocalState, stat: LocalStat): boolean {
  return (local.stat.kind === "directory") === (stat.kind === "directory");
}
