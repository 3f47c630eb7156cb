import type { Env } from "../env.js";
import { isTwinfoldError, TwinfoldError } from "../errors.js";
import type { NodeId, WorkspaceId } from "../ids.js";
import type { LocalTree } from "../local/local-tree.js";
import { type LocalPath, parentPath } from "../names.js";
import type { Plan, PlanAction, PlanStep } from "../reconcile/plan.js";
import { reconcile, type Step, type TreesView } from "../reconcile/reconcile.js";
import type { Revision, Transport } from "../transport/transport.js";
import { resolveContent } from "./conflict-resolution.js";
import { DiskSteps, type StepOutcome } from "./disk-steps.js";
import { Downloader, type FileToFetch } from "./downloader.js";
import type { ReplicaEvents } from "./events.js";
import { Feed } from "./feed.js";
import { Indexer } from "./indexer.js";
import { loadNeighbourhood } from "./neighbourhood.js";
import type { CommitEffect } from "./outbox.js";
import type { ConflictResolver, SkippedNode, SyncReport } from "./replica.js";
import type { Trees } from "./trees.js";
import { type PushStep, Uploader } from "./uploader.js";

/** Dirty nodes planned at once: bounds the memory of a plan. */
const PAGE = 2_000;
/** Plans in a row that leave no fewer dirty nodes, after which a pass gives up. Source: the bound that Dropbox's planner tests use. */
const MAX_ROUNDS = 200;
/** Looks at a directory that keeps changing, before it is left alone for `settleMs`. */
const MAX_LOOKS = 3;
/** Times that one node's change is planned anew after the hub was ahead, before the person is told. */
const MAX_ATTEMPTS = 20;
/** Removals since disk and hub were last equal that are done unasked: the greater of 25, and of a fifth of the nodes but at most 1,000. */
const BRAKE_LEAST = 25;
const BRAKE_SHARE = 0.2;
const BRAKE_MOST = 1_000;
/** Pauses for names that vanished or files that are being written, in a pass that is to end. */
const MAX_SETTLES = 5;

type Emit = <Name extends keyof ReplicaEvents>(name: Name, event: ReplicaEvents[Name]) => void;

export interface PassOptions {
  readonly signal?: AbortSignal | undefined;
  /** Directories to look at; all of them when absent. */
  readonly places?: ReadonlyArray<{ readonly path: LocalPath; readonly deep: boolean }> | undefined;
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

type Counts = { -readonly [Key in Exclude<keyof SyncReport, "inSync" | "skipped" | "aliased" | "awaitingConfirmation" | "durationMs">]: number };

/** Makes the three trees equal: looks at the hub and the disk, plans, carries out, until nothing is left to do. */
export class Synchronizer {
  readonly #trees: Trees;
  readonly #tree: LocalTree;
  readonly #env: Env;
  readonly #emit: Emit;
  readonly #settleMs: number;
  readonly #resolve: (nodeId: NodeId, path: LocalPath) => Promise<boolean>;
  readonly #feed: Feed;
  readonly #indexer: Indexer;
  readonly #disk: DiskSteps;
  readonly #downloader: Downloader;
  readonly #uploader: Uploader;

  #counts: Counts = noCounts();
  #transfer = { up: noTransfer(), down: noTransfer() };
  /** What cannot be synced as it is, by node; forgotten when the node is observed anew. */
  #skippedNodes = new Map<NodeId, SkippedNode>();
  /** What the disk holds and no node can stand for. */
  #skippedPaths = new Map<string, string>();
  #attempts = new Map<NodeId, number>();
  #rescan = new Set<LocalPath>();
  #hubIsAhead = false;
  /** Removals that wait for a yes, and how many of them are not directories. */
  #held = new Set<NodeId>();
  #heldFiles = 0;
  #confirmed = false;

  constructor(options: {
    trees: Trees;
    tree: LocalTree;
    transport: Transport;
    env: Env;
    workspaceId: WorkspaceId;
    deviceName: string;
    settleMs: number;
    resolve: ConflictResolver | undefined;
    emit: Emit;
  }) {
    const { trees, tree, transport, env, workspaceId, settleMs, resolve, emit } = options;
    this.#trees = trees;
    this.#tree = tree;
    this.#env = env;
    this.#emit = emit;
    this.#settleMs = settleMs;
    this.#resolve = async (nodeId, path) => {
      const record = resolve && (await trees.record(nodeId));
      return record !== undefined && (await resolveContent({ trees, tree, transport, env, workspaceId }, record, path, resolve as ConflictResolver));
    };
    this.#feed = new Feed({ transport, trees, env, workspaceId, onSettled: (effect) => this.#onSettled(effect) });
    this.#indexer = new Indexer({
      tree,
      trees,
      env,
      settleMs,
      events: {
        scanned: (entries) => emit("scan:progressed", { entries }),
        skipped: (path, reason) => {
          if (this.#skippedPaths.get(path) !== reason) emit("node:skipped", { path, reason });
          this.#skippedPaths.set(path, reason);
        },
      },
    });
    this.#disk = new DiskSteps({ tree, trees, env, deviceName: options.deviceName });
    this.#downloader = new Downloader({
      transport,
      trees,
      tree,
      env,
      workspaceId,
      events: {
        planned: (files, bytes) => this.#moreToDo("down", files, bytes),
        fetched: (chunks, bytes) => {
          this.#counts.chunksDownloaded += chunks;
          this.#done("down", 0, bytes);
        },
        reused: (chunks) => {
          this.#counts.chunksReused += chunks;
        },
      },
    });
    this.#uploader = new Uploader({
      transport,
      trees,
      tree,
      env,
      workspaceId,
      events: {
        planned: (files, bytes) => this.#moreToDo("up", files, bytes),
        uploaded: (chunks, bytes) => {
          this.#counts.chunksUploaded += chunks;
          this.#done("up", 0, bytes);
        },
        settled: (effect) => this.#onSettled(effect),
        fileUploaded: (path, sizeBytes) => emit("file:uploaded", { path, sizeBytes }),
        postponed: (_nodeId, path) => this.#rescan.add(parentPath(path)),
      },
    });
  }

  get skipped(): readonly SkippedNode[] {
    return [...this.#skippedNodes.values(), ...[...this.#skippedPaths].map(([path, reason]) => ({ path, reason }))];
  }

  reasonFor(nodeId: NodeId): string | undefined {
    return this.#skippedNodes.get(nodeId)?.reason;
  }

  async pass({ signal, places, waitToSettle, confirm = false }: PassOptions): Promise<PassResult> {
    const startedMs = this.#env.monotonicMs();
    this.#begin(places === undefined);
    this.#confirmed = confirm;
    await this.#tree.check();
    await this.#feed.pull(signal);
    let unsettled = await this.#scan(places, signal);
    let fewest = Number.POSITIVE_INFINITY;
    for (let rounds = 0, looks = 0, settles = 0; rounds < MAX_ROUNDS; rounds++) {
      signal?.throwIfAborted();
      const progressed = await this.#round(signal);
      const changed = [...this.#rescan];
      for (const path of await this.#scanWhatChanged(signal)) unsettled.add(path);
      const { dirty } = await this.#trees.counts();
      if (dirty < fewest) [fewest, rounds] = [dirty, 0];
      if (this.#hubIsAhead) {
        this.#hubIsAhead = false;
        await this.#feed.pull(signal);
        continue;
      }
      if (progressed) looks = 0;
      if (progressed || (changed.length > 0 && ++looks <= MAX_LOOKS)) continue;
      for (const path of changed) unsettled.add(path);
      if (unsettled.size === 0 || !waitToSettle || settles === MAX_SETTLES) break;
      settles += 1;
      looks = 0;
      await this.#env.sleep(this.#settleMs, signal);
      unsettled = await this.#scan(
        [...unsettled].map((path) => ({ path, deep: false })),
        signal,
      );
    }
    if (waitToSettle)
      for (const path of unsettled)
        this.#skippedPaths.set(path === "" ? "." : path, "something in it is being written: it is looked at again next time");
    const report = await this.#report(unsettled.size, startedMs);
    return { report, unsettled: [...unsettled] };
  }

  /** Looks at hub and disk, and gives the next steps without taking them. */
  async plan(signal: AbortSignal | undefined): Promise<Plan> {
    this.#begin(true);
    await this.#tree.check();
    await this.#feed.pull(signal);
    const unsettled = await this.#scan(undefined, signal);
    if (unsettled.size > 0) {
      await this.#env.sleep(this.#settleMs, signal);
      await this.#scan(
        [...unsettled].map((path) => ({ path, deep: false })),
        signal,
      );
    }
    const { dirty } = await this.#trees.counts();
    const records = await this.#trees.dirty(dirty);
    const view = await loadNeighbourhood(this.#trees, records);
    const steps: PlanStep[] = [];
    for (const step of reconcile(
      view,
      records.map((record) => record.nodeId),
    )) {
      const action = shownAction(step);
      if (action === undefined) continue;
      const path = await this.#trees.shownPath(step.nodeId);
      steps.push({ action, nodeId: step.nodeId, path });
    }
    return { steps };
  }

  /** Commits an older revision of a file as its newest; the next pass brings it to the disk. */
  async restore(nodeId: NodeId, revision: Revision, signal: AbortSignal | undefined): Promise<void> {
    this.#begin(false);
    await this.#feed.pull(signal);
    const record = await this.#trees.record(nodeId);
    if (record?.remote === undefined) throw new TwinfoldError("ERR_NOT_FOUND", "the server no longer has the file: restore it from the trash");
    const { manifestId, sizeBytes, executable, mtimeNs } = revision;
    await this.#uploader.commitRevision(record.remote, { kind: "file", manifestId, sizeBytes, executable, mtimeNs }, signal);
    await this.#feed.pull(signal);
  }

  #begin(everything: boolean): void {
    this.#counts = noCounts();
    this.#transfer = { up: noTransfer(), down: noTransfer() };
    this.#skippedNodes.clear();
    this.#attempts.clear();
    this.#rescan.clear();
    this.#hubIsAhead = false;
    this.#held.clear();
    this.#heldFiles = 0;
    if (everything) this.#skippedPaths.clear();
  }

  async #scan(places: PassOptions["places"], signal: AbortSignal | undefined): Promise<Set<LocalPath>> {
    const outcome = places === undefined ? await this.#indexer.scanAll(signal) : await this.#indexer.scan(places, signal);
    return new Set(outcome.unsettled);
  }

  async #scanWhatChanged(signal: AbortSignal | undefined): Promise<Iterable<LocalPath>> {
    if (this.#rescan.size === 0) return [];
    const places = [...this.#rescan].map((path) => ({ path, deep: false }));
    this.#rescan.clear();
    return await this.#scan(places, signal);
  }

  /** Plans a page of dirty nodes and carries the plan out. False: nothing could be done. */
  async #round(signal: AbortSignal | undefined): Promise<boolean> {
    const page = await this.#trees.dirty(PAGE + this.#skippedNodes.size + this.#held.size);
    const isLeft = (nodeId: NodeId): boolean => this.#skippedNodes.has(nodeId) || this.#held.has(nodeId);
    const records = page.filter((record) => !isLeft(record.nodeId));
    if (records.length === 0) return false;
    if (this.#trees.state.unsyncedSinceMs === undefined) await this.#trees.write({ state: { unsyncedSinceMs: this.#env.nowMs() } });
    const view = await loadNeighbourhood(this.#trees, records);
    const planned = reconcile(
      view,
      records.map((record) => record.nodeId),
    ).filter((step) => !isLeft(step.nodeId));
    const steps = await this.#withinTheBrake(planned, view);
    return (await this.#carryOut(steps, signal)) || steps.length < planned.length;
  }

  /** Holds all removals back when they are more than a person would be glad to see done unasked. Moves are none. */
  async #withinTheBrake(steps: readonly Step[], view: TreesView): Promise<readonly Step[]> {
    const isRemoval = (step: Step): boolean => step.kind === "delete-here" || step.kind === "delete-there";
    const removals = steps.filter(isRemoval);
    if (removals.length === 0 || this.#confirmed) return steps;
    const files = removals.filter(({ nodeId }) => {
      const record = view.record(nodeId);
      return (record?.local ?? record?.synced)?.content.kind !== "directory";
    }).length;
    const { nodes } = await this.#trees.counts();
    const removed = this.#trees.state.removedSince + files;
    if (this.#held.size === 0 && removed <= Math.max(BRAKE_LEAST, Math.min(nodes * BRAKE_SHARE, BRAKE_MOST))) {
      await this.#trees.write({ state: { removedSince: removed } });
      return steps;
    }
    for (const { nodeId } of removals) this.#held.add(nodeId);
    this.#heldFiles += files;
    return steps.filter((step) => !isRemoval(step));
  }

  async #carryOut(steps: readonly Step[], signal: AbortSignal | undefined): Promise<boolean> {
    let progressed = false;
    const toFetch: NodeId[] = [];
    const pushes: PushStep[] = [];
    const note = async (nodeId: NodeId, outcome: StepOutcome): Promise<boolean> => {
      const done = await this.#note(nodeId, outcome);
      if (done || outcome.kind === "failed") progressed = true;
      return done;
    };
    const fetchNow = async (): Promise<void> => {
      if (toFetch.length > 0 && (await this.#fetch(toFetch.splice(0), signal))) progressed = true;
    };
    for (const step of steps) {
      signal?.throwIfAborted();
      const { nodeId } = step;
      switch (step.kind) {
        case "adopt":
          await note(nodeId, await this.#disk.adopt(nodeId, step.from));
          break;
        case "conflict":
          if (await this.#conflict(nodeId, note)) progressed = true;
          break;
        case "step-aside": {
          const path = await this.#trees.shownPath(nodeId);
          const outcome = await this.#disk.stepAside(nodeId);
          if (await note(nodeId, outcome)) this.#conflictDetected(path, outcome.copy);
          break;
        }
        case "pull":
          await this.#pull(step, note, toFetch);
          break;
        case "delete-here": {
          await fetchNow();
          const path = await this.#trees.shownPath(nodeId);
          const outcome = await this.#disk.remove(nodeId);
          if ((await note(nodeId, outcome)) && outcome.kind === "done") {
            if (outcome.record?.local?.content.kind === "file") this.#counts.filesDeleted += 1;
            this.#emit("node:deleted", { path, by: "elsewhere" });
          }
          break;
        }
        case "push":
          pushes.push({ nodeId, place: step.place, content: step.content, remove: false });
          break;
        case "delete-there":
          pushes.push({ nodeId, place: false, content: false, remove: true });
          break;
        case "skip":
          await this.#skip(nodeId, step.reason);
          progressed = true;
      }
    }
    await fetchNow();
    if (pushes.length > 0 && (await this.#push(pushes, signal))) progressed = true;
    return progressed;
  }

  async #pull(
    step: Extract<Step, { kind: "pull" }>,
    note: (nodeId: NodeId, outcome: StepOutcome) => Promise<boolean>,
    toFetch: NodeId[],
  ): Promise<void> {
    const record = await this.#trees.record(step.nodeId);
    if (record === undefined) return;
    if (step.place && record.local !== undefined) {
      const from = await this.#trees.shownPath(step.nodeId);
      if (!(await note(step.nodeId, await this.#disk.move(step.nodeId)))) return;
      this.#counts.moved += 1;
      this.#emit("node:moved", { from, to: await this.#trees.shownPath(step.nodeId) });
    }
    if (!step.content && record.local !== undefined) return;
    const outcome = await this.#disk.make(step.nodeId);
    if (outcome === undefined) toFetch.push(step.nodeId);
    else await note(step.nodeId, outcome);
  }

  async #fetch(nodeIds: readonly NodeId[], signal: AbortSignal | undefined): Promise<boolean> {
    let progressed = false;
    const files: FileToFetch[] = [];
    for (const record of await this.#trees.records(nodeIds)) {
      if (record?.remote?.content.kind !== "file") continue;
      const target = await this.#disk.targetOf(record);
      if ("path" in target) files.push({ record, content: record.remote.content, path: target.path, expected: record.local?.stat });
      else if ((await this.#note(record.nodeId, target)) || target.kind === "failed") progressed = true;
    }
    for await (const outcomes of this.#downloader.fetch(files, signal)) {
      if (outcomes.some((outcome) => outcome.kind !== "changed")) progressed = true;
      const placed = outcomes.filter((outcome) => outcome.kind === "placed");
      await this.#disk.placed(placed.map(({ file, stat }) => ({ record: file.record, stat })));
      this.#counts.filesDownloaded += placed.length;
      for (const { file } of placed) this.#emit("file:downloaded", { path: file.path, sizeBytes: file.content.sizeBytes });
      this.#done("down", placed.length, 0);
      for (const outcome of outcomes) {
        if (outcome.kind === "failed") await this.#skip(outcome.file.record.nodeId, outcome.reason);
        if (outcome.kind === "changed") this.#rescan.add(parentPath(outcome.file.path));
      }
    }
    return progressed;
  }

  async #push(pushes: readonly PushStep[], signal: AbortSignal | undefined): Promise<boolean> {
    const before = this.#trees.state.nextCounter;
    try {
      await this.#uploader.push(pushes, signal);
    } catch (error) {
      // A file was written while it was sent, so that a chunk was not what the index says: look again, and plan anew.
      if (!isTwinfoldError(error) || error.code !== "ERR_INTEGRITY") throw error;
      for (const { nodeId } of pushes) this.#rescan.add(parentPath(await this.#trees.shownPath(nodeId)));
      return false;
    }
    if ((await this.#trees.outbox()).length > 0) this.#hubIsAhead = true;
    return this.#trees.state.nextCounter !== before;
  }

  async #conflict(nodeId: NodeId, note: (nodeId: NodeId, outcome: StepOutcome) => Promise<boolean>): Promise<boolean> {
    const path = await this.#trees.shownPath(nodeId);
    if (await this.#resolve(nodeId, path)) {
      this.#rescan.add(parentPath(path));
      this.#conflictDetected(path, undefined);
      return true;
    }
    const outcome = await this.#disk.keepCopy(nodeId);
    const done = await note(nodeId, outcome);
    if (done) this.#conflictDetected(path, outcome.copy);
    return done;
  }

  #conflictDetected(path: LocalPath, copy: LocalPath | undefined): void {
    this.#counts.conflicts += 1;
    this.#emit("conflict:detected", { path, copy });
  }

  async #note(nodeId: NodeId, outcome: StepOutcome): Promise<boolean> {
    if (outcome.kind === "failed") await this.#skip(nodeId, outcome.reason);
    if (outcome.kind === "changed") for (const path of outcome.directories) this.#rescan.add(path);
    if (outcome.kind === "changed") this.#countAttempt(nodeId, "its place on this disk keeps changing");
    return outcome.kind === "done";
  }

  #countAttempt(nodeId: NodeId, reason: string): void {
    const attempts = (this.#attempts.get(nodeId) ?? 0) + 1;
    this.#attempts.set(nodeId, attempts);
    if (attempts >= MAX_ATTEMPTS) this.#skippedNodes.set(nodeId, { path: nodeId, reason });
  }

  async #skip(nodeId: NodeId, reason: string): Promise<void> {
    const path = await this.#trees.shownPath(nodeId);
    this.#skippedNodes.set(nodeId, { path, reason });
    this.#emit("node:skipped", { path, reason });
  }

  #onSettled(effect: CommitEffect): void {
    for (const { change, before } of effect.accepted) {
      if (change.kind === "delete") {
        if (before?.content.kind === "file") this.#counts.filesDeleted += 1;
        continue;
      }
      if (change.content?.content.kind === "file") {
        this.#counts.filesUploaded += 1;
        this.#done("up", 1, 0);
      }
      if (change.place !== undefined && before !== undefined && !before.deleted) this.#counts.moved += 1;
    }
    if (effect.outdated.length > 0) this.#hubIsAhead = true;
    for (const nodeId of effect.outdated) this.#countAttempt(nodeId, "the server keeps refusing it beside what others change there");
    for (const { nodeId, verdict } of effect.refused) {
      if (verdict === "missing-chunks" && !this.#attempts.has(nodeId)) {
        this.#uploader.distrust(nodeId);
        this.#countAttempt(nodeId, "the server lacks bytes of it that it should have");
        this.#hubIsAhead = true;
      } else {
        this.#skippedNodes.set(nodeId, { path: nodeId, reason: REFUSALS[verdict] ?? `the server refused it (${verdict})` });
      }
    }
  }

  #moreToDo(direction: "up" | "down", files: number, bytes: number): void {
    this.#transfer[direction].totalFiles += files;
    this.#transfer[direction].totalBytes += bytes;
    this.#emit("transfer:progressed", { direction, ...this.#transfer[direction] });
  }

  #done(direction: "up" | "down", files: number, bytes: number): void {
    this.#transfer[direction].doneFiles += files;
    this.#transfer[direction].doneBytes += bytes;
    this.#emit("transfer:progressed", { direction, ...this.#transfer[direction] });
  }

  async #report(unsettled: number, startedMs: number): Promise<SyncReport> {
    const { dirty } = await this.#trees.counts();
    for (const [nodeId, node] of this.#skippedNodes) {
      if (node.path === nodeId) this.#skippedNodes.set(nodeId, { ...node, path: await this.#trees.shownPath(nodeId) });
    }
    const inSync = dirty <= this.#skippedNodes.size && unsettled === 0;
    const { unsyncedSinceMs, lastInSyncAtMs } = this.#trees.state;
    if (inSync && (unsyncedSinceMs !== undefined || lastInSyncAtMs === undefined)) {
      await this.#trees.write({ state: { unsyncedSinceMs: undefined, lastInSyncAtMs: this.#env.nowMs(), removedSince: 0 } });
    }
    const report: SyncReport = {
      inSync,
      ...this.#counts,
      skipped: this.skipped,
      aliased: [],
      awaitingConfirmation: this.#held.size > 0 ? { removals: this.#heldFiles } : null,
      durationMs: Math.round(this.#env.monotonicMs() - startedMs),
    };
    this.#emit("sync:finished", { report });
    return report;
  }
}

const REFUSALS: Readonly<Record<string, string>> = {
  "missing-chunks": "the server lacks bytes of it that it should have",
  "missing-manifest": "the server lacks the list of its chunks",
  forbidden: "this account may not change the workspace",
  "over-quota": "the account's storage is full",
  "too-large": "it is larger than the server takes",
  invalid: "the server found it malformed",
};

function noCounts(): Counts {
  return { filesUploaded: 0, filesDownloaded: 0, filesDeleted: 0, moved: 0, conflicts: 0, chunksUploaded: 0, chunksDownloaded: 0, chunksReused: 0 };
}

function noTransfer() {
  return { doneBytes: 0, totalBytes: 0, doneFiles: 0, totalFiles: 0 };
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
      return "delete-local";
    case "delete-there":
      return "delete-remote";
    case "skip":
      return undefined;
  }
}
