import { isTwinfoldError, TwinfoldError } from "../errors.js";
import type { NodeId } from "../ids.js";
import type { NodeRecord } from "../reconcile/node-record.js";
import { INTERNAL_NAME, type LocalPath } from "../names.js";
import type { Plan, PlanAction, PlanStep } from "../reconcile/plan.js";
import { reconcile, type Step } from "../reconcile/reconcile.js";
import type { Revision } from "../transport/transport.js";
import { Brake } from "./brake.js";
import { type CheckOptions, type CheckReport, Checkup } from "./checkup.js";
import { EarlySender } from "./early-sender.js";
import { Feed } from "./feed.js";
import { Indexer } from "./scan/indexer.js";
import { loadNeighbourhood } from "./trees/neighbourhood.js";
import type { Prefetcher } from "./download/prefetcher.js";
import type { FreedRoom, SkippedNode, SyncReport } from "./replica.js";
import type { ReplicaParts } from "./replica-parts.js";
import { isRulesToCome } from "./scope/rules-to-come.js";
import type { Between } from "./scan/scan.js";
import { StepRunner } from "./step-runner.js";
import { type Emit, Tally } from "./tally.js";
import { Turns } from "./turns.js";

/** Dirty nodes planned at once: bounds the memory of a plan. */
const PAGE = 2_000;
/** Plans in a row that leave no fewer dirty nodes, after which a pass gives up. Source: the bound that Dropbox's planner tests use. */
const MAX_ROUNDS = 200;
/** Looks at a directory that keeps changing, before it is left alone for `settleMs`. */
const MAX_LOOKS = 3;
const TIDY_EVERY_MS = 24 * 60 * 60 * 1_000;
/** Pauses for names that vanished or files that are being written, in a pass that is to end. */
const MAX_SETTLES = 5;

type Places = ReadonlyArray<{ readonly path: LocalPath; readonly deep: boolean }>;

export interface PassOptions {
  readonly signal?: AbortSignal | undefined;
  /** Directories to look at; all of them when absent. */
  readonly places?: Places | undefined;
  /** Says yes to removals above the brake. */
  readonly confirm?: boolean | undefined;
  /** Waits for what has to settle, instead of leaving it to the next pass. */
  readonly waitToSettle: boolean;
}

export interface PassResult {
  readonly report: SyncReport;
  /** To be looked at again after a pause. */
  readonly unsettled: readonly LocalPath[];
}

/** Makes the three trees equal: looks at the hub and the disk, plans, carries out, until nothing is left to do. */
export class Synchronizer {
  readonly #parts: ReplicaParts;
  readonly #tally: Tally;
  readonly #brake: Brake;
  readonly #feed: Feed;
  readonly #indexer: Indexer;
  readonly #runner: StepRunner;
  readonly #turns = new Turns();
  #tidiedAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: ReplicaParts, emit: Emit) {
    this.#parts = parts;
    this.#tally = new Tally(emit, (nodeId) => parts.trees.shownPath(nodeId));
    this.#brake = new Brake(parts.trees);
    this.#runner = new StepRunner({ ...parts, turns: this.#turns }, this.#tally);
    this.#feed = new Feed({ ...parts, onSettled: (effect) => this.#runner.settled(effect) });
    this.#indexer = new Indexer({
      ...parts,
      events: {
        scanned: (entries) => emit("scan:progressed", { entries }),
        unchanged: () => this.#tally.count("directoriesUnchanged"),
        skipped: (path, reason) => this.#tally.skipPath(path, reason),
        damaged: (path) => emit("file:damaged", { path }),
      },
    });
  }

  get prefetcher(): Prefetcher {
    return this.#runner.prefetcher;
  }

  get skipped(): readonly SkippedNode[] {
    return this.#tally.skipped;
  }

  reasonFor(nodeId: NodeId): string | undefined {
    return this.#tally.reasonFor(nodeId);
  }

  async pass({ signal, places, waitToSettle, confirm = false }: PassOptions): Promise<PassResult> {
    const { env, trees, settleMs } = this.#parts;
    const startedMs = env.monotonicMs();
    this.#tally.begin(places === undefined);
    this.#brake.begin(confirm);
    this.#indexer.isEmptyExpected = confirm;
    // Of a folder that was never looked at whole the rules are not known.
    let unsettled = await this.#lookAndSend(this.#indexer.hasSeenAll ? places : undefined, signal);
    if (places === undefined) await this.#tidy();
    let fewest = Number.POSITIVE_INFINITY;
    for (let rounds = 0, looks = 0, settles = 0; rounds < MAX_ROUNDS; rounds++) {
      signal?.throwIfAborted();
      const progressed = (await this.#round(signal)) || (await this.#runner.verify());
      const changed = this.#runner.takeChanged();
      for (const path of changed.length > 0 ? await this.#scan(shallow(changed), signal) : []) unsettled.add(path);
      const { dirty } = await trees.counts();
      if (dirty < fewest) [fewest, rounds] = [dirty, 0];
      if (this.#runner.takeHubIsAhead()) {
        await this.#feed.pull(signal);
        continue;
      }
      if (progressed) looks = 0;
      if (progressed || (changed.length > 0 && ++looks <= MAX_LOOKS)) continue;
      for (const path of changed) unsettled.add(path);
      if (unsettled.size === 0 || !waitToSettle || settles === MAX_SETTLES) break;
      settles += 1;
      looks = 0;
      await env.sleep(settleMs, signal);
      unsettled = await this.#scan(shallow(unsettled), signal);
    }
    for (const path of waitToSettle ? unsettled : []) {
      this.#tally.skipPath(path === "" ? "." : path, "something in it is being written: it is looked at again next time");
    }
    return { report: await this.#report(unsettled.size, startedMs), unsettled: [...unsettled] };
  }

  /** Looks at hub and disk, and gives the next steps without taking them. */
  async plan(signal: AbortSignal | undefined): Promise<Plan> {
    const { env, trees, settleMs, presence } = this.#parts;
    this.#tally.begin(true);
    this.#indexer.isEmptyExpected = false;
    const unsettled = await this.#look(undefined, signal);
    if (unsettled.size > 0) {
      await env.sleep(settleMs, signal);
      await this.#scan(shallow(unsettled), signal);
    }
    const { dirty } = await trees.counts();
    const records = await presence.withoutAway(await trees.dirty(dirty));
    const view = await loadNeighbourhood(trees, records);
    const steps: PlanStep[] = [];
    const planned = reconcile(view, idsOf(records));
    const held = await this.#brake.wouldHold(planned, view);
    for (const step of planned) {
      const { nodeId } = step;
      const action = shownAction(step);
      if (action !== undefined) steps.push({ action, nodeId, path: await trees.shownPath(nodeId), ...(held.has(nodeId) ? { held: true } : {}) });
    }
    return { steps: steps.sort((a, b) => (a.path === b.path ? 0 : a.path < b.path ? -1 : 1)) };
  }

  /** Looks at every hop after taking in what the hub has. */
  async check(options: CheckOptions): Promise<CheckReport> {
    await this.#feed.pull(options.signal);
    return await new Checkup(this.#parts, options).run();
  }

  /** Brings what is elsewhere at a node, or below it. */
  async get(nodeId: NodeId, signal: AbortSignal | undefined): Promise<SyncReport> {
    const { presence } = this.#parts;
    try {
      await presence.want(nodeId);
      return (await this.pass({ signal, places: [], waitToSettle: true })).report;
    } finally {
      presence.forgetWanted();
    }
  }

  /** Lets go of the local copies at a node and below it, after a pass: only what the hub has goes. */
  async free(nodeId: NodeId, signal: AbortSignal | undefined): Promise<FreedRoom> {
    await this.pass({ signal, waitToSettle: true });
    return await this.#parts.presence.free(nodeId);
  }

  /** Commits an older revision of a file as its newest; the next pass brings it to the disk. */
  async restore(nodeId: NodeId, revision: Revision, signal: AbortSignal | undefined): Promise<void> {
    this.#tally.begin(false);
    await this.#feed.pull(signal);
    const record = await this.#parts.trees.record(nodeId);
    if (record?.remote === undefined) throw new TwinfoldError("ERR_NOT_FOUND", "the server no longer has the file: restore it from the trash");
    const { manifestId, sizeBytes, executable, mtimeNs } = revision;
    await this.#runner.commitRevision(record.remote, { kind: "file", manifestId, sizeBytes, executable, mtimeNs }, signal);
    await this.#feed.pull(signal);
  }

  /** Once a day: what has been in the trash for too long goes, and staging files of downloads that went another way. */
  async #tidy(): Promise<void> {
    const now = this.#parts.env.monotonicMs();
    if (now - this.#tidiedAtMs < TIDY_EVERY_MS) return;
    this.#tidiedAtMs = now;
    try {
      await this.#parts.tree.tidy();
    } catch (error) {
      if (!isTwinfoldError(error) || error.code.startsWith("ERR_ROOT_")) throw error;
      this.#tally.skipPath(INTERNAL_NAME, error.message);
    }
  }

  /** Takes in what the hub has, then what the disk has; gives what has to settle. */
  async #look(places: Places | undefined, signal: AbortSignal | undefined, between?: Between): Promise<Set<LocalPath>> {
    this.#runner.takeChanged();
    this.#runner.takeHubIsAhead();
    await this.#parts.trees.useNames(await this.#parts.tree.names());
    await this.#feed.pull(signal);
    return await this.#scan(places, signal, between);
  }

  /** The same and, when it is the whole disk, sends what is certainly new as it is found. */
  async #lookAndSend(places: Places | undefined, signal: AbortSignal | undefined): Promise<Set<LocalPath>> {
    if (places !== undefined) return await this.#look(places, signal);
    const sender = new EarlySender({ parts: this.#parts, runner: this.#runner, tally: this.#tally, turns: this.#turns, signal });
    const unsettled = await this.#look(undefined, signal, (writes) => sender.between(writes)).finally(() => sender.finish());
    sender.mustHaveSent();
    if (this.#runner.takeHubIsAhead()) await this.#feed.pull(signal);
    return unsettled;
  }

  async #scan(places: Places | undefined, signal: AbortSignal | undefined, between?: Between): Promise<Set<LocalPath>> {
    const outcome = places === undefined ? await this.#indexer.scanAll(signal, between) : await this.#indexer.scan(places, signal);
    return new Set(outcome.unsettled);
  }

  /** Plans a page of dirty nodes and carries the plan out. False: nothing could be done. */
  async #round(signal: AbortSignal | undefined): Promise<boolean> {
    const { trees, presence } = this.#parts;
    const page = await trees.dirty(PAGE + this.#tally.skippedNodes + this.#brake.heldNodes);
    const isLeft = (nodeId: NodeId): boolean => this.#tally.isSkipped(nodeId) || this.#brake.holds(nodeId);
    const planned = page.filter((record) => !isLeft(record.nodeId));
    if (planned.length === 0) return false;
    const records = await presence.withoutAway(planned);
    if (records.length === 0) return true;
    const rules = records.filter(isRulesToCome);
    return (rules.length > 0 && (await this.#carryOut(rules, isLeft, signal))) || (await this.#carryOut(records, isLeft, signal));
  }

  async #carryOut(records: readonly NodeRecord[], isLeft: (nodeId: NodeId) => boolean, signal: AbortSignal | undefined): Promise<boolean> {
    const { trees, env } = this.#parts;
    if (trees.state.unsyncedSinceMs === undefined) await trees.write({ state: { unsyncedSinceMs: env.nowMs() } });
    const view = await loadNeighbourhood(trees, records);
    const planned = reconcile(view, idsOf(records)).filter((step) => !isLeft(step.nodeId));
    const steps = await this.#brake.allowed(planned, view);
    return (await this.#runner.run(steps, signal)) || steps.length < planned.length;
  }

  async #report(unsettled: number, startedMs: number): Promise<SyncReport> {
    const { trees, env } = this.#parts;
    const left = await trees.dirty(this.#tally.skippedNodes + 1);
    const inSync = unsettled === 0 && left.every((record) => this.#tally.isSkipped(record.nodeId));
    const { unsyncedSinceMs, lastInSyncAtMs, afterReset } = trees.state;
    if (inSync && (unsyncedSinceMs !== undefined || lastInSyncAtMs === undefined || afterReset)) {
      await trees.write({ state: { unsyncedSinceMs: undefined, lastInSyncAtMs: env.nowMs(), removedSince: 0, afterReset: false } });
    }
    const awaiting = this.#brake.awaiting;
    const awaitingRemovals = awaiting?.removals ?? 0;
    if (awaitingRemovals !== trees.state.awaitingRemovals) await trees.write({ state: { awaitingRemovals } });
    const report: SyncReport = {
      inSync,
      ...this.#tally.counts,
      skipped: this.skipped,
      aliased: await trees.aliased(),
      awaitingConfirmation: awaiting,
      durationMs: Math.round(env.monotonicMs() - startedMs),
    };
    this.#tally.emit("sync:finished", { report });
    return report;
  }
}

function shallow(paths: Iterable<LocalPath>): Places {
  return [...paths].map((path) => ({ path, deep: false }));
}

function idsOf(records: ReadonlyArray<{ readonly nodeId: NodeId }>): readonly NodeId[] {
  return records.map((record) => record.nodeId);
}

function shownAction(step: Step): PlanAction | undefined {
  switch (step.kind) {
    case "adopt":
      return "adopt";
    case "conflict":
    case "step-aside":
      return "conflict";
    case "pull":
      return step.content ? "download" : "move-local";
    case "push":
      return step.content ? "upload" : "move-remote";
    case "delete-here":
    case "let-go":
      return "delete-local";
    case "delete-there":
      return "delete-remote";
    case "skip":
      return undefined;
  }
}
