import type { NodeId } from "../ids.js";
import { nameKey } from "../names.js";
import type { Content, Place } from "../node.js";
import { isLive, type NodeRecord } from "../reconcile/node-record.js";
import type { Step, TreesView } from "../reconcile/reconcile.js";
import { isToBeFetchedAgain } from "./disk/power-loss.js";
import type { Trees } from "./trees/trees.js";

/** Removals since disk and hub were last equal that are done unasked: 25, or a fifth of the nodes but at most 1,000, whichever is more. */
const LEAST = 25;
const SHARE = 0.2;
const MOST = 1_000;

/** Holds removals back when they are more than a person would be glad to see done unasked. Counts files and symlinks, files that become empty and, after a reset, what the hub's content is to replace here; a move is none. */
export class Brake {
  readonly #trees: Trees;
  readonly #held = new Set<NodeId>();
  /** Names at the hub of what is held, which nothing else can have there. */
  readonly #heldNames = new Set<string>();
  #heldFiles = 0;
  /** Nodes in the count of the state, of this process: at most {@link MOST}. */
  readonly #counted = new Set<NodeId>();
  #confirmed = false;

  constructor(trees: Trees) {
    this.#trees = trees;
  }

  /** `confirmed`: somebody has said yes to all of them. */
  begin(confirmed: boolean): void {
    this.#held.clear();
    this.#heldNames.clear();
    this.#heldFiles = 0;
    this.#confirmed = confirmed;
  }

  get awaiting(): { readonly removals: number } | null {
    return this.#held.size > 0 ? { removals: this.#heldFiles } : null;
  }

  get heldNodes(): number {
    return this.#held.size;
  }

  holds(nodeId: NodeId): boolean {
    return this.#held.has(nodeId);
  }

  /** The steps that may be taken: all, or all but the removals. Once one plan's removals are held, so are those of the next. */
  async allowed(steps: readonly Step[], view: TreesView): Promise<readonly Step[]> {
    if (this.#confirmed) return steps;
    const { losses, files, fresh, removed } = this.#lossesIn(steps, view);
    if (losses.length === 0) return this.#withoutWaiting(steps, view);
    if (this.#held.size === 0 && (await this.#mayGoUnasked(removed))) {
      for (const { nodeId } of fresh) this.#counted.add(nodeId);
      if (fresh.length > 0) await this.#trees.write({ state: { removedSince: removed } });
      return steps;
    }
    const lost = new Set(losses);
    for (const { kind, nodeId } of losses) {
      this.#held.add(nodeId);
      const remote = view.record(nodeId)?.remote;
      if (kind === "delete-there" && remote !== undefined) this.#heldNames.add(slotOf(remote.place));
    }
    this.#heldFiles += files.length;
    return this.#withoutWaiting(
      steps.filter((step) => !lost.has(step)),
      view,
    );
  }

  /** The nodes of these steps whose removal would wait for a yes. Changes nothing. */
  async wouldHold(steps: readonly Step[], view: TreesView): Promise<ReadonlySet<NodeId>> {
    const { losses, removed } = this.#lossesIn(steps, view);
    return new Set(losses.length === 0 || (await this.#mayGoUnasked(removed)) ? [] : losses.map(({ nodeId }) => nodeId));
  }

  /** `files`: without directories. `fresh`: not counted yet. `removed`: with them, since disk and hub were last equal. */
  #lossesIn(steps: readonly Step[], view: TreesView) {
    const { afterReset, removedSince } = this.#trees.state;
    const losses = steps.filter((step) => {
      const record = view.record(step.nodeId);
      return isRemoval(step) || empties(step, record) || (afterReset === true && replaces(step, record));
    });
    const files = losses.filter(({ nodeId }) => {
      const record = view.record(nodeId);
      return (record?.local ?? record?.synced)?.content.kind !== "directory";
    });
    // What did not come to its end is planned again, and is no further loss.
    if (removedSince === 0) this.#counted.clear();
    const fresh = files.filter(({ nodeId }) => !this.#counted.has(nodeId));
    return { losses, files, fresh, removed: removedSince + fresh.length };
  }

  async #mayGoUnasked(removed: number): Promise<boolean> {
    return removed <= LEAST || removed <= (await this.#share());
  }

  /** What is to have the name of something that is held waits with it, and so does what is in it. */
  #withoutWaiting(steps: readonly Step[], view: TreesView): readonly Step[] {
    if (this.#heldNames.size === 0) return steps;
    return steps.filter((step) => {
      const place = step.kind === "push" ? view.record(step.nodeId)?.local?.place : undefined;
      if (place === undefined) return true;
      const isOfHeld = this.#held.has(place.parentId) && !isLive(view.record(place.parentId)?.remote);
      if (!isOfHeld && !this.#heldNames.has(slotOf(place))) return true;
      this.#held.add(step.nodeId);
      return false;
    });
  }

  /** What may go without a yes, of all that is here or at the hub. */
  async #share(): Promise<number> {
    return (await this.#trees.countUpTo(MOST / SHARE, "anywhere")) * SHARE;
  }
}

function slotOf({ parentId, name }: Place): string {
  return parentId + nameKey(name);
}

function isRemoval(step: Step): boolean {
  return step.kind === "delete-here" || step.kind === "delete-there";
}

/** True for a step by which a file with content becomes an empty one, on either side. */
function empties(step: Step, record: NodeRecord | undefined): boolean {
  if (record === undefined || (step.kind !== "push" && step.kind !== "pull") || !step.content) return false;
  const [from, to] = step.kind === "push" ? [record.synced, record.local] : [record.local, record.remote];
  return sizeOf(from?.content) > 0 && to?.content.kind === "file" && sizeOf(to.content) === 0;
}

/** True for a step that puts the hub's content in the place of what somebody has here. */
function replaces(step: Step, record: NodeRecord | undefined): boolean {
  return step.kind === "pull" && step.content && record?.local !== undefined && !isToBeFetchedAgain(record);
}

function sizeOf(content: Content | undefined): number {
  return content?.kind === "file" ? content.sizeBytes : 0;
}
