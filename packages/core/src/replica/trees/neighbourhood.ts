import type { NodeId } from "../../ids.js";
import { ALIAS_DIGITS, isAliasOf, readAlias, shownName } from "../../local/alias.js";
import { holdsAnyName, type NameRules, slotKey } from "../../local/name-rules.js";
import { type NodeName, nameKey } from "../../names.js";
import type { Place } from "../../node.js";
import { isLive, isNewHere, type LocalState, nameHere, type NodeRecord } from "../../reconcile/node-record.js";
import type { TreesView } from "../../reconcile/reconcile.js";
import type { Trees } from "./trees.js";

/**
 * Loads what a plan for `dirty` depends on: the directories above each node in every tree, the nodes that hold a name
 * where one is to go, and the children of a directory that is to be removed. Cost: the dirty nodes times their depth.
 */
export async function loadNeighbourhood(trees: Trees, dirty: readonly NodeRecord[]): Promise<TreesView> {
  const rootNodeId = trees.state.rootNodeId;
  const records = new Map<NodeId, NodeRecord>();
  const lookedHere = new Set<string>();
  const remoteNames = new Map<string, NodeId[]>();
  const localChildren = new Map<NodeId, NodeId[]>();
  const remoteChildren = new Map<NodeId, NodeId[]>();

  let arrived: readonly NodeRecord[] = dirty;
  while (arrived.length > 0) {
    const fresh = arrived.filter((record) => !records.has(record.nodeId));
    for (const record of fresh) records.set(record.nodeId, record);
    const found: NodeRecord[] = [];

    const parents = new Set<NodeId>();
    const wantedHere: Place[] = [];
    const wantedThere: Place[] = [];
    for (const record of fresh) {
      const { local, synced, remote } = record;
      for (const place of [local?.place, synced?.place, remote?.place]) {
        if (place !== undefined && place.parentId !== rootNodeId && !records.has(place.parentId)) parents.add(place.parentId);
      }
      if (isLive(remote)) wantedHere.push(...placesHere(record, remote.place, trees.names));
      if (local !== undefined) wantedThere.push(local.place);
      for (const original of local !== undefined && isNewHere(record) ? readAlias(nameHere(local), trees.names) : []) {
        if ("nodeId" in original) parents.add(original.nodeId);
        else if (local !== undefined) wantedThere.push({ ...local.place, name: original.name as NodeName });
      }
    }
    found.push(...(await trees.records([...parents])).filter((record) => record !== undefined));

    const here = wantedHere.filter((place) => !lookedHere.has(keyOf(place)));
    for (const place of here) lookedHere.add(keyOf(place));
    found.push(...(await trees.localByName(here)).flat());
    const there = wantedThere.filter((place) => !remoteNames.has(keyOf(place)));
    (await trees.remoteByName(there)).forEach((group, index) => {
      remoteNames.set(
        keyOf(there[index] as Place),
        group.map((record) => record.nodeId),
      );
      found.push(...group);
    });

    for (const record of fresh) {
      const kind = record.local?.content.kind ?? record.remote?.content.kind;
      if (kind !== "directory") continue;
      if (record.local !== undefined && !isLive(record.remote) && record.remote !== undefined) {
        const children = await trees.localChildren(record.nodeId);
        localChildren.set(
          record.nodeId,
          children.map((child) => child.nodeId),
        );
        found.push(...children);
      }
      if (record.local === undefined && record.synced !== undefined) {
        const children = await trees.remoteChildren(record.nodeId);
        remoteChildren.set(
          record.nodeId,
          children.map((child) => child.nodeId),
        );
        found.push(...children);
      }
    }
    arrived = found;
  }

  const lookUp = (ids: readonly NodeId[] | undefined) => (ids ?? []).flatMap((nodeId) => records.get(nodeId) ?? []);
  const localNames = new Map<string, NodeId[]>();
  const aliases = new Map<NodeId, NodeId>();
  for (const record of records.values()) {
    if (record.local !== undefined) localNames.set(keyOf(record.local.place), [...(localNames.get(keyOf(record.local.place)) ?? []), record.nodeId]);
    const original = isNewHere(record) ? originalOf(record.local) : undefined;
    if (original !== undefined) aliases.set(original.nodeId, record.nodeId);
  }

  /** The hub's node that this disk lacks and would show under the name of a new one here. */
  function originalOf(local: LocalState): NodeRecord | undefined {
    const { parentId } = local.place;
    const shown = nameHere(local);
    for (const original of readAlias(shown, trees.names)) {
      const ids = "nodeId" in original ? [original.nodeId] : (remoteNames.get(`${parentId}/${nameKey(original.name)}`) ?? []);
      const found = lookUp(ids).find(
        ({ nodeId, local: here, remote }) =>
          here === undefined && isLive(remote) && remote.place.parentId === parentId && isAliasOf(shown, remote.place.name, nodeId, trees.names),
      );
      if (found !== undefined) return found;
    }
    return undefined;
  }

  return {
    rootNodeId,
    record: (nodeId) => records.get(nodeId),
    localAt: (parentId, key) => lookUp(localNames.get(`${parentId}/${key}`)),
    remoteAt: (parentId, key) => lookUp(remoteNames.get(`${parentId}/${key}`)),
    localChildren: (parentId) => lookUp(localChildren.get(parentId)),
    remoteChildren: (parentId) => lookUp(remoteChildren.get(parentId)),
    aliases,
    slot: ({ parentId, name }) => `${parentId}/${slotKey(name, trees.names)}`,
  };
}

/** Where a node of the hub would stand on this disk: at its own name, and at its aliases while it is not here. */
function placesHere({ nodeId, local }: NodeRecord, place: Place, names: NameRules): readonly Place[] {
  if (local !== undefined || holdsAnyName(names)) return [place];
  return [place, ...ALIAS_DIGITS.map((digits) => ({ ...place, name: shownName(place.name, nodeId, names, digits) }))];
}

function keyOf(place: Place): string {
  return `${place.parentId}/${nameKey(place.name)}`;
}
