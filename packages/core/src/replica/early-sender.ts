import type { NodeId } from "../ids.js";
import { IGNORE_FILE } from "../names.js";
import { newcomers } from "../reconcile/newcomers.js";
import { isNewHere, type NodeRecord } from "../reconcile/node-record.js";
import { reconcile } from "../reconcile/reconcile.js";
import { loadNeighbourhood } from "./trees/neighbourhood.js";
import type { ReplicaParts } from "./replica-parts.js";
import { isRulesToCome } from "./scope/rules-to-come.js";
import type { Between } from "./scan/scan.js";
import type { StepRunner } from "./step-runner.js";
import type { Tally } from "./tally.js";
import type { Turns } from "./turns.js";

/** Records found after which the first of them go up, twice as many each time after: others soon see the first, and the commits of a long look are not small. */
const FIRST_RECORDS = 100;
const MOST_RECORDS = 1_000;
/** The same in time, for large files. */
const FOUND_FOR_MS = 1_000;
/** Dirty nodes looked at for one sending: two commits of them, and some that have to wait for the rest of the look. */
const PAGE = 2_500;

interface EarlySenderParts {
  readonly parts: ReplicaParts;
  readonly runner: StepRunner;
  readonly tally: Tally;
  readonly turns: Turns;
  readonly signal: AbortSignal | undefined;
}

/**
 * Sends what is certainly new while a look at the whole disk goes on.
 *
 * One sending is under way at a time. What it has to write waits until the look is between two directories; what cannot be sent, or fails, is left to the
 * plan that is made after the look.
 */
export class EarlySender {
  readonly #context: EarlySenderParts;
  #sending: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #threshold = FIRST_RECORDS;
  #plannedAt = 0;
  #plannedAtMs: number;
  #going: ReadonlySet<NodeId> = new Set();
  /** What was to go and has not gone. */
  readonly #left = new Set<NodeId>();
  /** The hub has to be looked at first. */
  #isOver = false;

  constructor(context: EarlySenderParts) {
    this.#context = context;
    this.#plannedAtMs = context.parts.env.monotonicMs();
    context.turns.hold();
  }

  /** Called between two directories, with what the look has seen: it is written before anybody else writes, and before it goes up. */
  async between(writes: Parameters<Between>[0]): Promise<void> {
    const { turns } = this.#context;
    if (turns.areAwaited) await writes.flush();
    await turns.letThrough();
    if (this.#isOver || this.#sending !== undefined || !this.#isDue(writes.seen)) return;
    await writes.flush();
    this.#plannedAt = writes.seen;
    this.#plannedAtMs = this.#context.parts.env.monotonicMs();
    this.#threshold = Math.min(this.#threshold * 2, MOST_RECORDS);
    await this.#begin();
  }

  /** Waits for what is under way; the look is over, whether it came to its end or not. */
  async finish(): Promise<void> {
    await this.#context.turns.release();
    await this.#sending;
  }

  /** After {@link finish}: rejects with what stood in the way of sending. */
  mustHaveSent(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #isDue(found: number): boolean {
    const fresh = found - this.#plannedAt;
    if (fresh >= this.#threshold) return true;
    return fresh > 0 && this.#context.parts.env.monotonicMs() - this.#plannedAtMs >= FOUND_FOR_MS;
  }

  async #begin(): Promise<void> {
    const { parts, runner, tally, signal } = this.#context;
    const { trees, env } = parts;
    const dirty = await trees.dirty(PAGE + tally.skippedNodes + this.#left.size);
    for (const { nodeId } of dirty) if (this.#going.has(nodeId)) this.#left.add(nodeId);
    const found = dirty.filter((record) => isNewHere(record) && !tally.isSkipped(record.nodeId) && !this.#left.has(record.nodeId));
    if (found.length === 0) return;
    const view = await loadNeighbourhood(trees, found);
    const going = newcomers(view, found);
    if (going.size === 0 || (await this.#areRulesToCome([...going].flatMap((nodeId) => view.record(nodeId) ?? [])))) return;
    this.#going = going;
    const steps = reconcile(view, going).filter((step) => step.kind === "push" && going.has(step.nodeId));
    if (trees.state.unsyncedSinceMs === undefined) await trees.write({ state: { unsyncedSinceMs: env.nowMs() } });
    this.#sending = runner
      .run(steps, signal)
      .then(
        () => {
          this.#isOver = runner.hubIsAhead;
        },
        (error: unknown) => {
          this.#failure = { error };
          this.#isOver = true;
        },
      )
      .finally(() => {
        this.#sending = undefined;
      });
  }

  /** Rules of the hub come before what they may keep away. */
  async #areRulesToCome(going: readonly NodeRecord[]): Promise<boolean> {
    const { trees } = this.#context.parts;
    const directories = new Set<NodeId>([trees.state.rootNodeId]);
    let above = going;
    while (above.length > 0) {
      const parents = [...new Set(above.flatMap(({ local }) => local?.place.parentId ?? []))].filter((nodeId) => !directories.has(nodeId));
      for (const nodeId of parents) directories.add(nodeId);
      above = (await trees.records(parents)).filter((record) => record !== undefined);
    }
    const rules = await trees.remoteByName([...directories].map((parentId) => ({ parentId, name: IGNORE_FILE })));
    return rules.some((records) => records.some(isRulesToCome));
  }
}
