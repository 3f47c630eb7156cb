import { ALIAS_DIGITS, isAliasOf, shownName } from "../../local/alias.js";
import type { LocalTree } from "../../local/local-tree.js";
import { holdsAnyName, isSameName, type NameRules } from "../../local/name-rules.js";
import { type NodeName, nameKey } from "../../names.js";
import { type Place, sameContent } from "../../node.js";
import { isLive, isNewHere, nameHere, type NodeRecord } from "../../reconcile/node-record.js";
import { decide } from "../../reconcile/policy.js";
import type { Trees } from "../trees/trees.js";

/**
 * The name that a node gets on this disk at `place`: its own, or an alias where the disk cannot hold that or takes it for another node's, or where
 * something stands that this device leaves alone, as `isLeftAlone` says.
 */
export async function nameOnDisk(
  trees: Trees,
  place: Place,
  node: NodeRecord,
  isLeftAlone: (name: NodeName) => Promise<boolean> = async () => false,
): Promise<NodeName> {
  const { nodeId } = node;
  for (const digits of ALIAS_DIGITS) {
    const name = shownName(place.name, nodeId, trees.names, digits);
    if (await isLeftAlone(name)) continue;
    if (holdsAnyName(trees.names)) return name;
    const [group = []] = await trees.localByName([{ parentId: place.parentId, name }]);
    if (!group.some((occupant) => occupant.nodeId !== nodeId && keeps(trees, occupant, place, name) && !isOriginal(trees, node, occupant)))
      return name;
  }
  return shownName(place.name, nodeId, trees.names, 32);
}

/** True when another node stands under that name and stays there. Where the two have one name at the hub too, it is not for an alias to keep them apart. */
function keeps(trees: Trees, occupant: NodeRecord, place: Place, name: NodeName): boolean {
  const { local, remote } = occupant;
  if (local === undefined || !isSameName(nameHere(local), name, trees.names) || nameKey(local.place.name) === nameKey(place.name)) return false;
  const decision = decide(occupant);
  if (decision.kind === "delete-here") return false;
  const goesTo = decision.kind === "merge" && decision.place === "pull" && isLive(remote) ? remote.place : undefined;
  return goesTo === undefined || (goesTo.parentId === place.parentId && isSameName(goesTo.name, name, trees.names));
}

/** True when the occupant is the very node, of which this device has lost that it knew it: the next plan makes the two one. */
function isOriginal(trees: Trees, { nodeId, local, remote }: NodeRecord, occupant: NodeRecord): boolean {
  if (local !== undefined || !isLive(remote) || !isNewHere(occupant)) return false;
  return isAliasOf(nameHere(occupant.local), remote.place.name, nodeId, trees.names) && sameContent(occupant.local.content, remote.content);
}

/** What names the disk can hold, also before the first look; as was known, when nothing has another name for that or the folder is gone. Changes nothing. */
export async function namesOfDisk(trees: Trees, tree: LocalTree): Promise<NameRules> {
  return trees.state.holdsAliases ? await tree.names().catch(() => trees.names) : trees.names;
}
