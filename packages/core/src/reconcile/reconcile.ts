import type { NodeId } from "../ids.js";
import { IGNORE_FILE, nameKey } from "../names.js";
import { type Place, sameContent } from "../node.js";
import { isLive, isNewHere, type NodeRecord } from "./node-record.js";
import { type Decision, decide, PULL_ALL, PUSH_ALL } from "./policy.js";

/** The part of the three trees that a plan depends on: the dirty nodes and their neighbourhood. Pure look-ups. */
export interface TreesView {
  readonly rootNodeId: NodeId;
  record(nodeId: NodeId): NodeRecord | undefined;
  /** Nodes that the local tree has under a name key; several only where a disk tells NFC twins apart. */
  localAt(parentId: NodeId, key: string): readonly NodeRecord[];
  remoteAt(parentId: NodeId, key: string): readonly NodeRecord[];
  localChildren(parentId: NodeId): readonly NodeRecord[];
  remoteChildren(parentId: NodeId): readonly NodeRecord[];
  /** Nodes of the hub that are not here, each with a new node here whose name this disk would show it under. */
  readonly aliases: ReadonlyMap<NodeId, NodeId>;
  /** Equal for all places that are one on this disk. */
  slot(place: Place): string;
}

/** One thing to do, for one node. */
export type Step =
  /** The local node `from` and the remote node are one: they stand in one place and hold the same. */
  | { readonly kind: "adopt"; readonly nodeId: NodeId; readonly from: NodeId }
  /** Both changed the content: keep both, or ask the resolver. */
  | { readonly kind: "conflict"; readonly nodeId: NodeId }
  /** The name is wanted by the hub's node `forNode`: the local node here takes a conflict name. */
  | { readonly kind: "step-aside"; readonly nodeId: NodeId; readonly forNode: NodeId }
  | { readonly kind: "pull"; readonly nodeId: NodeId; readonly place: boolean; readonly content: boolean }
  | { readonly kind: "push"; readonly nodeId: NodeId; readonly place: boolean; readonly content: boolean }
  | { readonly kind: "delete-here"; readonly nodeId: NodeId }
  | { readonly kind: "delete-there"; readonly nodeId: NodeId }
  /** The hub has moved it to where this device holds nothing: it leaves the disk once the hub has all of it. */
  | { readonly kind: "let-go"; readonly nodeId: NodeId }
  /** Cannot be synced as it is; said to the person. */
  | { readonly kind: "skip"; readonly nodeId: NodeId; readonly reason: string };

/**
 * What happens when changes are fine alone and not together. Each row is applied by `reconcile` below, and named there.
 */
export const COLLISIONS = {
  "name taken here, by a new node with the same value": "the two become one",
  "alias taken here, by a new node with the same value": "the two become one",
  "name taken here, by another node": "the local node takes a conflict name",
  "name taken at the hub, by a node that stands under an alias here": "the local node takes a conflict name",
  "name taken here, by something that this device leaves alone": "the hub's node gets an alias here",
  "name taken at the hub, by an equal name in another Unicode form": "the local node is skipped, and said",
  "directory deleted at the hub, with something new inside here": "the directory comes back at the hub",
  "directory deleted here, with something new inside at the hub": "the directory comes back here",
  "directory deleted here, with something inside at the hub that this device does not hold": "the directory comes back here",
  "name taken at the hub, by a node that this device does not hold": "that node comes here, and collides as any other",
  "moved at the hub to where this device holds nothing": "it leaves the disk here, for the trash",
  "moves that would form a cycle": "the local move is undone",
  "both moved it, to different places": "the hub's place stands",
} as const;

/**
 * Plans the next steps for `dirty` nodes. Pure; the steps may be carried out in the order given.
 *
 * Steps on the disk come first (names are freed, then directories from the root down, then files, then removals from the
 * leaves up), steps at the hub after (from the root down, removals last and from the leaves up). A node whose
 * neighbours have to be dealt with first gets no step this time; planning again after the steps goes on from there.
 */
export function reconcile(view: TreesView, dirty: Iterable<NodeId>): readonly Step[] {
  const plan = new Planner(view);
  for (const nodeId of dirty) plan.consider(nodeId);
  return plan.finish();
}

class Planner {
  readonly #view: TreesView;
  readonly #decisions = new Map<NodeId, Decision>();
  readonly #skipped = new Map<NodeId, string>();
  readonly #adopted = new Map<NodeId, NodeId>();
  readonly #aside = new Map<NodeId, NodeId>();

  constructor(view: TreesView) {
    this.#view = view;
  }

  consider(nodeId: NodeId): void {
    this.#decisionOf(nodeId);
  }

  finish(): readonly Step[] {
    // A move that is undone needs the directory it came from, and a directory that comes back may be part of a cycle.
    this.#undoMovesThatFormCycles();
    do this.#keepDirectoriesThatAreNeeded();
    while (this.#undoMovesThatFormCycles());
    this.#giveEveryNameToOneNode();
    return this.#steps();
  }

  /** Decides a node when it is first asked for, so that ancestors outside the dirty page are decided as well. */
  #decisionOf(nodeId: NodeId): Decision {
    const known = this.#decisions.get(nodeId);
    if (known !== undefined) return known;
    const record = this.#view.record(nodeId);
    const decision: Decision = record === undefined ? { kind: "in-sync" } : decide(record);
    this.#decisions.set(nodeId, decision);
    return decision;
  }

  /** A directory that one side deleted comes back when something lives in it on the other side. */
  #keepDirectoriesThatAreNeeded(): void {
    const queue = [...this.#decisions.keys()];
    const decideToo = (nodeId: NodeId): Decision => {
      if (!this.#decisions.has(nodeId)) queue.push(nodeId);
      return this.#decisionOf(nodeId);
    };
    for (let nodeId = queue.pop(); nodeId !== undefined; nodeId = queue.pop()) {
      const record = this.#view.record(nodeId);
      const decision = this.#decisionOf(nodeId);
      if (decision.kind === "delete-here") for (const child of this.#view.localChildren(nodeId)) decideToo(child.nodeId);
      if (decision.kind === "delete-there") for (const child of this.#view.remoteChildren(nodeId)) decideToo(child.nodeId);
      if (record?.away !== undefined && isLive(record.remote)) {
        const { parentId } = record.remote.place;
        if (decideToo(parentId).kind === "delete-there") {
          this.#decisions.set(parentId, PULL_ALL);
          queue.push(parentId);
        }
      }
      if (record === undefined || decision.kind !== "merge") continue;
      // What stays or arrives here needs its directory here; what stays or arrives there needs it there.
      const parents = [
        { parentId: this.#placeAfter(record, decision, "here")?.parentId, lacking: "delete-there", instead: PULL_ALL },
        { parentId: this.#placeAfter(record, decision, "there")?.parentId, lacking: "delete-here", instead: PUSH_ALL },
      ] as const;
      for (const { parentId, lacking, instead } of parents) {
        if (parentId === undefined || parentId === this.#view.rootNodeId || decideToo(parentId).kind !== lacking) continue;
        this.#decisions.set(parentId, instead);
        queue.push(parentId);
        if (instead === PUSH_ALL) this.#keepRulesOf(parentId, decideToo);
      }
    }
  }

  /** A directory that comes back has its rules: what they leave alone would be everybody's otherwise. */
  #keepRulesOf(directory: NodeId, decideToo: (nodeId: NodeId) => Decision): void {
    for (const { nodeId, local } of this.#view.localChildren(directory))
      if (local?.place.name === IGNORE_FILE && decideToo(nodeId).kind === "delete-here") this.#decisions.set(nodeId, PUSH_ALL);
  }

  /** Where the node will be on one side once its decision was carried out. */
  #placeAfter(record: NodeRecord, decision: Decision, side: "here" | "there"): Place | undefined {
    const here = record.local?.place;
    const there = isLive(record.remote) ? record.remote.place : undefined;
    switch (decision.kind) {
      case "merge":
        if (decision.place === "pull") return there ?? record.remote?.place;
        if (decision.place === "push") return here;
        return side === "here" ? here : (there ?? here);
      case "delete-here":
      case "delete-there":
      case "forget":
        return undefined;
      case "in-sync":
      case "agree":
        return side === "here" ? here : there;
    }
  }

  /**
   * A directory that is to move here into its own descendant: the local move that put the descendant there is undone.
   *
   * What is not here is where the hub has it: it comes there, or is not held. True when a move was undone.
   */
  #undoMovesThatFormCycles(): boolean {
    let undone = false;
    for (const [nodeId, decision] of this.#decisions) {
      const record = this.#view.record(nodeId);
      if (decision.kind !== "merge" || decision.place !== "pull" || record?.local === undefined || !isLive(record.remote)) continue;
      const chain: NodeId[] = [];
      let at: NodeId | undefined = record.remote.place.parentId;
      while (at !== undefined && at !== this.#view.rootNodeId && at !== nodeId && !chain.includes(at)) {
        chain.push(at);
        const parent: NodeRecord | undefined = this.#view.record(at);
        at = (parent?.local ?? parent?.remote)?.place.parentId;
      }
      if (at !== nodeId) continue;
      for (const ancestor of chain) {
        const own = this.#decisionOf(ancestor);
        if (own.kind !== "merge" || own.place !== "push" || !isLive(this.#view.record(ancestor)?.remote)) continue;
        this.#decisions.set(ancestor, { ...own, place: "pull", placeConflict: true });
        undone = true;
      }
    }
    return undone;
  }

  /** No two nodes get one name: neither here, where the hub's node has it, nor there. */
  #giveEveryNameToOneNode(): void {
    // Who has a wanted name at the hub is to come here, or to leave there: it is decided in the same plan.
    for (const [nodeId, decision] of this.#decisions) {
      const place = decision.kind === "merge" && decision.place === "push" ? this.#view.record(nodeId)?.local?.place : undefined;
      for (const rival of place === undefined ? [] : this.#view.remoteAt(place.parentId, nameKey(place.name))) {
        if (rival.away === undefined || rival.nodeId === nodeId) this.#decisionOf(rival.nodeId);
        else this.#decisions.set(rival.nodeId, PULL_ALL);
      }
    }
    for (const nodeId of this.#view.aliases.keys()) this.#decisionOf(nodeId);
    for (const [nodeId, decision] of this.#decisions) {
      const record = this.#view.record(nodeId);
      if (decision.kind !== "merge" || decision.place !== "pull" || record === undefined || record.remote === undefined) continue;
      const { parentId, name } = record.remote.place;
      const shown = this.#view.record(this.#view.aliases.get(nodeId) ?? nodeId);
      if (shown !== undefined && this.#isSame(shown, record)) this.#adopted.set(nodeId, shown.nodeId);
      for (const occupant of this.#view.localAt(parentId, nameKey(name))) {
        if (occupant.nodeId === nodeId || this.#leaves(occupant, "here")) continue;
        if (this.#isSame(occupant, record)) this.#adopted.set(nodeId, occupant.nodeId);
        else this.#aside.set(occupant.nodeId, nodeId);
      }
    }
    const claimed = new Map<string, NodeId>();
    for (const [nodeId, decision] of this.#decisions) {
      const record = this.#view.record(nodeId);
      if (decision.kind !== "merge" || decision.place !== "push" || record?.local === undefined || this.#aside.has(nodeId)) continue;
      const { parentId, name } = record.local.place;
      const key = slotOf(record.local.place);
      const twin = this.#view
        .remoteAt(parentId, nameKey(name))
        .find((rival) => rival.nodeId !== nodeId && !this.#leaves(rival, "there") && isAt(rival.local?.place, parentId, nameKey(name)));
      if (twin?.local?.alias !== undefined) {
        // It has the name at the hub, and stands under another one here.
        this.#aside.set(nodeId, twin.nodeId);
      } else if (twin !== undefined || claimed.has(key)) {
        this.#skipped.set(nodeId, "another name in the same folder is equal to it in Unicode normalization form C");
      } else {
        claimed.set(key, nodeId);
      }
    }
  }

  /** A node that has never been at the hub and stands, with the same value, where the hub's node is to come. */
  #isSame(occupant: NodeRecord, arriving: NodeRecord): boolean {
    return (
      occupant.local !== undefined &&
      occupant.remote === undefined &&
      arriving.local === undefined &&
      arriving.remote !== undefined &&
      sameContent(occupant.local.content, arriving.remote.content)
    );
  }

  /** True when the node will no longer have its present name on that side. */
  #leaves(record: NodeRecord, side: "here" | "there"): boolean {
    const decision = this.#decisionOf(record.nodeId);
    if (decision.kind === "delete-here") return side === "here";
    if (decision.kind === "delete-there") return side === "there";
    return (
      decision.kind === "merge" &&
      decision.place === (side === "here" ? "pull" : "push") &&
      (side === "here" ? record.local : record.remote) !== undefined
    );
  }

  #steps(): readonly Step[] {
    const names: Step[] = [];
    const pulls: Array<{ readonly depth: number; readonly directory: boolean; readonly step: Step }> = [];
    const removals: Array<{ readonly depth: number; readonly step: Step }> = [];
    const pushes: Array<{ readonly depth: number; readonly step: Step }> = [];
    const deletes: Array<{ readonly depth: number; readonly step: Step }> = [];
    const skips: Step[] = [];
    const adoptedFrom = new Set(this.#adopted.values());
    const wanted = new Set<string>();
    for (const [nodeId, decision] of this.#decisions) {
      const place = decision.kind === "merge" && decision.place === "pull" ? this.#view.record(nodeId)?.remote?.place : undefined;
      if (place !== undefined) wanted.add(this.#view.slot(place));
    }

    for (const [nodeId, forNode] of this.#aside) names.push({ kind: "step-aside", nodeId, forNode });
    for (const [nodeId, from] of this.#adopted) names.push({ kind: "adopt", nodeId, from });

    for (const [nodeId, decision] of this.#decisions) {
      const record = this.#view.record(nodeId);
      if (record === undefined || this.#aside.has(nodeId) || this.#adopted.has(nodeId) || adoptedFrom.has(nodeId)) continue;
      const reason = this.#skipped.get(nodeId);
      if (reason !== undefined) {
        skips.push({ kind: "skip", nodeId, reason });
        continue;
      }
      switch (decision.kind) {
        case "in-sync":
        case "agree":
        case "forget":
          break;
        case "delete-here":
          if (this.#isEmptyAfter(nodeId, "here")) {
            const step: Step = { kind: "delete-here", nodeId };
            // What stands where something is to come goes first; the rest last, since new files may be made from its bytes.
            const isInTheWay =
              record.local !== undefined && record.local.content.kind !== "directory" && wanted.has(this.#view.slot(record.local.place));
            if (isInTheWay) names.push(step);
            else removals.push({ depth: this.#depth(record.local?.place, "local"), step });
          }
          break;
        case "delete-there":
          if (this.#isEmptyAfter(nodeId, "there")) {
            deletes.push({ depth: this.#depth(record.remote?.place, "remote"), step: { kind: "delete-there", nodeId } });
          }
          break;
        case "merge": {
          if (this.#waitsForAdoption(record, adoptedFrom)) break;
          const { place, content } = decision;
          if (place === "pull" && record.local !== undefined && this.#isAway(record.remote?.place.parentId)) {
            if (content === "conflict") names.push({ kind: "conflict", nodeId });
            else if (content === "push") pushes.push({ depth: 0, step: { kind: "push", nodeId, place: false, content: true } });
            else names.push({ kind: "let-go", nodeId });
            break;
          }
          const kind = record.local?.content.kind ?? record.remote?.content.kind;
          if (content === "conflict") names.push({ kind: "conflict", nodeId });
          if (place === "pull" || content === "pull") {
            const step: Step = { kind: "pull", nodeId, place: place === "pull", content: content === "pull" };
            pulls.push({ depth: this.#depth(record.remote?.place, "remote"), directory: kind === "directory", step });
          }
          if (place === "push" || content === "push") {
            const step: Step = { kind: "push", nodeId, place: place === "push", content: content === "push" };
            pushes.push({ depth: this.#depth(record.local?.place, "local"), step });
          }
        }
      }
    }
    pulls.sort((a, b) => Number(b.directory) - Number(a.directory) || a.depth - b.depth);
    removals.sort((a, b) => b.depth - a.depth);
    pushes.sort((a, b) => a.depth - b.depth);
    deletes.sort((a, b) => b.depth - a.depth);
    return [...names, ...[...pulls, ...removals, ...pushes, ...deletes].map(({ step }) => step), ...skips];
  }

  /** What stands in a directory that is to become the hub's meets its own twin there in the next plan. */
  #waitsForAdoption({ local, remote }: NodeRecord, adoptedFrom: ReadonlySet<NodeId>): boolean {
    if (isLive(remote) && this.#adopted.has(remote.place.parentId)) return true;
    for (let at = local?.place.parentId; at !== undefined && at !== this.#view.rootNodeId; ) {
      if (adoptedFrom.has(at)) return true;
      const parent = this.#view.record(at);
      at = parent !== undefined && isNewHere(parent) ? parent.local.place.parentId : undefined;
    }
    return false;
  }

  #isAway(nodeId: NodeId | undefined): boolean {
    return nodeId !== undefined && this.#view.record(nodeId)?.away !== undefined;
  }

  /** A directory goes only when all its children on that side go before it, in this plan. */
  #isEmptyAfter(nodeId: NodeId, side: "here" | "there"): boolean {
    const children = side === "here" ? this.#view.localChildren(nodeId) : this.#view.remoteChildren(nodeId);
    return children.every((child) => this.#leaves(child, side) && !this.#aside.has(child.nodeId));
  }

  #depth(place: Place | undefined, tree: "local" | "remote"): number {
    let depth = 0;
    const seen = new Set<NodeId>();
    for (let at = place?.parentId; at !== undefined && at !== this.#view.rootNodeId && !seen.has(at); depth++) {
      seen.add(at);
      const parent = this.#view.record(at);
      at = (tree === "local" ? (parent?.local?.place ?? parent?.remote?.place) : (parent?.remote?.place ?? parent?.local?.place))?.parentId;
    }
    return depth;
  }
}

function isAt(place: Place | undefined, parentId: NodeId, key: string): boolean {
  return place !== undefined && place.parentId === parentId && nameKey(place.name) === key;
}

/** One name among the children of one directory, as a key. */
function slotOf(place: Place): string {
  return `${place.parentId}/${nameKey(place.name)}`;
}
