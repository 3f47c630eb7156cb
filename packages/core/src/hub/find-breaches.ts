import type { NodeId } from "../ids.js";
import { MAX_DEPTH } from "../names.js";
import type { Content, Place } from "../node.js";
import { type CommitView, nameSlot } from "./commit-view.js";

/** What the candidates would make of one node. */
export interface NodeAfter {
  readonly place: Place;
  readonly content: Content;
  readonly live: boolean;
  /** Index of the change that put it there, or removed it. */
  readonly placedBy?: number | undefined;
  /** Index of the change that made it what it is, or removed it. */
  readonly madeBy?: number | undefined;
}

/** One candidate's part in a broken rule. */
export interface Breach {
  readonly index: number;
  readonly part: "place" | "content";
  /** The parent that is not there. */
  readonly orphanOf?: NodeId | undefined;
}

/** Every candidate that takes part in a breach of the rules of trees, in the state after the commit. Protocol §5, rule 3. Linear in the changes. */
export function findBreaches(after: ReadonlyMap<NodeId, NodeAfter>, view: CommitView): readonly Breach[] {
  return [...orphans(after, view), ...filledDirectories(after, view), ...sharedNames(after, view), ...longChains(after, view)];
}

function isDirectory(nodeId: NodeId, after: ReadonlyMap<NodeId, NodeAfter>, view: CommitView): boolean {
  if (nodeId === view.rootNodeId) return true;
  const node = after.get(nodeId);
  return node?.live === true && node.content.kind === "directory";
}

function* orphans(after: ReadonlyMap<NodeId, NodeAfter>, view: CommitView): Generator<Breach> {
  for (const { live, place, placedBy } of after.values()) {
    if (!live || placedBy === undefined || isDirectory(place.parentId, after, view)) continue;
    yield { index: placedBy, part: "place", orphanOf: place.parentId };
    yield* whoTook(place.parentId, after);
  }
}

/** The candidates by which a node stopped being a live directory. */
function* whoTook(nodeId: NodeId, after: ReadonlyMap<NodeId, NodeAfter>): Generator<Breach> {
  const node = after.get(nodeId);
  if (node?.madeBy !== undefined) yield { index: node.madeBy, part: "content" };
}

function* filledDirectories(after: ReadonlyMap<NodeId, NodeAfter>, view: CommitView): Generator<Breach> {
  for (const [nodeId, children] of view.children) {
    if (isDirectory(nodeId, after, view)) continue;
    const stays = children.some((childId) => {
      const child = after.get(childId);
      return child === undefined || (child.live && child.place.parentId === nodeId);
    });
    if (stays) yield* whoTook(nodeId, after);
  }
}

function* sharedNames(after: ReadonlyMap<NodeId, NodeAfter>, view: CommitView): Generator<Breach> {
  const slots = new Map<string, Array<{ readonly placedBy: number | undefined }>>();
  for (const { live, place, placedBy } of after.values()) {
    if (!live) continue;
    const slot = nameSlot(place.parentId, place.name);
    const group = slots.get(slot);
    if (group === undefined) slots.set(slot, [{ placedBy }]);
    else group.push({ placedBy });
  }
  for (const [slot, group] of slots) {
    const holder = view.holders.get(slot);
    const isHeldByAnother = holder !== undefined && !after.has(holder);
    if (group.length + (isHeldByAnother ? 1 : 0) < 2) continue;
    for (const { placedBy } of group) if (placedBy !== undefined) yield { index: placedBy, part: "place" };
  }
}

/** Cycles, and nodes deeper than {@link MAX_DEPTH}: a walk to the root of each node that was placed. */
function* longChains(after: ReadonlyMap<NodeId, NodeAfter>, view: CommitView): Generator<Breach> {
  /** Depth of nodes whose walk reached the root. */
  const depths = new Map<NodeId, number>([[view.rootNodeId, 0]]);
  for (const [nodeId, { live, placedBy }] of after) {
    if (!live || placedBy === undefined) continue;
    const chain: NodeId[] = [];
    const onChain = new Set<NodeId>();
    let at: NodeId | undefined = nodeId;
    while (at !== undefined && !depths.has(at) && !onChain.has(at) && chain.length <= MAX_DEPTH) {
      chain.push(at);
      onChain.add(at);
      at = after.get(at)?.place.parentId;
    }
    const above = at === undefined ? undefined : depths.get(at);
    const isCycle = at !== undefined && onChain.has(at);
    if (above !== undefined) for (const [index, id] of chain.entries()) depths.set(id, above + chain.length - index);
    const isTooDeep = above === undefined ? chain.length > MAX_DEPTH : above + chain.length > MAX_DEPTH;
    if (!isCycle && !isTooDeep) continue;
    const members = isCycle && at !== undefined ? chain.slice(chain.indexOf(at)) : chain;
    for (const id of members) {
      const mover = after.get(id)?.placedBy;
      if (mover !== undefined) yield { index: mover, part: "place" };
    }
  }
}
