import type { NodeId } from "../ids.js";
import { nameKey } from "../names.js";
import type { Place } from "../node.js";
import { isLive, type NodeRecord } from "../reconcile/node-record.js";
import type { TreesView } from "../reconcile/reconcile.js";
import type { Trees } from "./trees.js";

/**
 * Loads what a plan for `dirty` depends on: the directories above each node in every tree, the nodes that hold a name
 * where one is to go, and the children of a directory that is to be removed. Cost: the dirty nodes times their depth.
 */
export async function loadNeighbourhood(trees: Trees, dirty: readonly NodeRecord[]): Promise<TreesView> {
  const rootNodeId = trees.state.rootNodeId;
  const records = new Map<NodeId, NodeRecord>();
  const localNames = new Map<string, NodeId[]>();
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
    for (const { local, synced, remote } of fresh) {
      for (const place of [local?.place, synced?.place, remote?.place]) {
        if (place !== undefined && place.parentId !== rootNodeId && !records.has(place.parentId)) parents.add(place.parentId);
      }
      if (isLive(remote)) wantedHere.push(remote.place);
      if (local !== undefined) wantedThere.push(local.place);
    }
    found.push(...(await trees.records([...parents])).filter((record) => record !== undefined));

    const here = wantedHere.filter((place) => !localNames.has(keyOf(place)));
    (await trees.localByName(here)).forEach((group, index) => {
      localNames.set(
        keyOf(here[index] as Place),
        group.map((record) => record.nodeId),
      );
      found.push(...group);
    });
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
  return {
    rootNodeId,
    record: (nodeId) => records.get(nodeId),
    localAt: (parentId, key) => lookUp(localNames.get(`${parentId}/${key}`)),
    remoteAt: (parentId, key) => lookUp(remoteNames.get(`${parentId}/${key}`)),
    localChildren: (parentId) => lookUp(localChildren.get(parentId)),
    remoteChildren: (parentId) => lookUp(remoteChildren.get(parentId)),
  };
}

function keyOf(place: Place): string {
  return `${place.parentId}/${nameKey(place.name)}`;
}
