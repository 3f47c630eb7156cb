import type { NodeId } from "../ids.js";
import { nameKey } from "../names.js";
import { isDirty, isNewHere, type NodeRecord } from "./node-record.js";
import type { TreesView } from "./reconcile.js";

/**
 * Nodes that may go up before the rest of the disk was looked at, of `found` in a look that goes from the top down: files and links made here, with
 * the new directories that they are in.
 *
 * What the rest of the look finds can make nothing else of them. It may find more names and more moves, and a move is known by its inode, which was looked up
 * when the node was found; but what has a name like theirs may still turn out to have gone, and a new directory that was not looked into may hold only what
 * rules leave alone. So nothing at the hub and nothing else here has their names, and those of the directories are theirs by something inside.
 */
export function newcomers(view: TreesView, found: Iterable<NodeRecord>): ReadonlySet<NodeId> {
  const shownAsOthers = new Set(view.aliases.values());
  const certain = new Map<NodeId, boolean>([[view.rootNodeId, true]]);

  function isCertain(nodeId: NodeId): boolean {
    const known = certain.get(nodeId);
    if (known !== undefined) return known;
    certain.set(nodeId, false); // what is in itself is found where it is by the rest of the look
    const record = view.record(nodeId);
    const isIt = record !== undefined && (isNewHere(record) ? isAlone(record) && isCertain(record.local.place.parentId) : isAgreedDirectory(record));
    certain.set(nodeId, isIt);
    return isIt;
  }

  function isAlone({ nodeId, local, former }: NodeRecord): boolean {
    if (local === undefined || local.alias !== undefined || former !== undefined || shownAsOthers.has(nodeId)) return false;
    const { parentId, name } = local.place;
    const key = nameKey(name);
    return view.remoteAt(parentId, key).length === 0 && view.localAt(parentId, key).every((other) => other.nodeId === nodeId);
  }

  const going = new Set<NodeId>();
  for (const record of found) {
    if (!isNewHere(record) || record.local.content.kind === "directory" || !isCertain(record.nodeId)) continue;
    for (let at: NodeRecord | undefined = record; at !== undefined && isNewHere(at) && !going.has(at.nodeId); ) {
      going.add(at.nodeId);
      at = view.record(at.local.place.parentId);
    }
  }
  return going;
}

function isAgreedDirectory(record: NodeRecord): boolean {
  return record.local?.content.kind === "directory" && !isDirty(record);
}
