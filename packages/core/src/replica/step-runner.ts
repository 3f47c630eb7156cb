import type { Verdict } from "../commit.js";
import { isTwinfoldError } from "../errors.js";
import type { NodeId } from "../ids.js";
import { baseName, IGNORE_FILE, type LocalPath, parentPath } from "../names.js";
import type { FileContent, Head } from "../node.js";
import { slotKey } from "../local/name-rules.js";
import { isLive, type NodeRecord } from "../reconcile/node-record.js";
import type { Step } from "../reconcile/reconcile.js";
import { askResolver } from "./conflict/ask-resolver.js";
import { DiskSteps, type StepOutcome } from "./disk/disk-steps.js";
import { Downloader, type FileToFetch } from "./download/downloader.js";
import { INTENTS_AT_ONCE } from "./disk/intents.js";
import type { CommitEffect } from "./upload/outbox.js";
import { Prefetcher } from "./download/prefetcher.js";
import type { ReplicaParts } from "./replica-parts.js";
import type { Tally } from "./tally.js";
import type { PushStep } from "./upload/prepared-changes.js";
import type { Turns } from "./turns.js";
import { Uploader } from "./upload/uploader.js";

type DiskStep = Exclude<Step, { kind: "push" | "delete-there" }>;

/** Carries out the steps of a plan: on the disk, and at the hub. */
export class StepRunner {
  readonly prefetcher: Prefetcher;
  readonly #parts: ReplicaParts;
  readonly #tally: Tally;
  readonly #disk: DiskSteps;
  readonly #downloader: Downloader;
  readonly #uploader: Uploader;
  /** Directories that were found to be other than the trees say. */
  readonly #changed = new Set<LocalPath>();
  #hubIsAhead = false;

  constructor(parts: ReplicaParts & { readonly turns: Turns }, tally: Tally) {
    this.#parts = parts;
    this.#tally = tally;
    this.#disk = new DiskSteps(parts);
    this.prefetcher = new Prefetcher(parts, () => this.#downloader);
    this.#downloader = new Downloader({
      ...parts,
      ahead: this.prefetcher,
      events: {
        planned: (files, bytes) => tally.toTransfer("down", files, bytes),
        fetched: (chunks, bytes) => {
          tally.count("chunksDownloaded", chunks);
          tally.transferred("down", 0, bytes);
        },
        reused: (chunks) => tally.count("chunksReused", chunks),
        prefetched: (chunks) => tally.count("chunksPrefetched", chunks),
        saved: (codec, bytes) => {
          if (codec === "delta") tally.count("deltaFrames");
          tally.count("bytesSaved", bytes);
        },
      },
    });
    this.#uploader = new Uploader({
      ...parts,
      events: {
        planned: (files, bytes) => tally.toTransfer("up", files, bytes),
        uploaded: ({ chunks, deltaFrames, bytesSaved }, bytes) => {
          tally.count("chunksUploaded", chunks);
          tally.count("deltaFrames", deltaFrames);
          tally.count("bytesSaved", bytesSaved);
          tally.transferred("up", 0, bytes);
        },
        committed: (groups) => tally.committed(groups),
        settled: (effect) => this.settled(effect),
        fileUploaded: (path, sizeBytes) => tally.emit("file:uploaded", { path, sizeBytes }),
        postponed: (path) => this.#changed.add(parentPath(path)),
      },
    });
  }

  /** Directories to look at again; asking takes them. */
  takeChanged(): readonly LocalPath[] {
    const changed = [...this.#changed];
    this.#changed.clear();
    return changed;
  }

  get hubIsAhead(): boolean {
    return this.#hubIsAhead;
  }

  /** True when the hub has changes that stand in the way of this device's; asking takes it back. */
  takeHubIsAhead(): boolean {
    const isAhead = this.#hubIsAhead;
    this.#hubIsAhead = false;
    return isAhead;
  }

  /** Notes what became of a commit, now or found out later. */
  async settled(effect: CommitEffect): Promise<void> {
    this.#tally.accepted(effect);
    if (effect.outdated.length > 0) this.#hubIsAhead = true;
    for (const nodeId of effect.outdated) await this.#tally.attempted(nodeId, "the server keeps refusing it beside what others change there");
    for (const { nodeId, verdict } of effect.refused) {
      const reason = REFUSALS[verdict] ?? `the server refused it (${verdict})`;
      if (!LACKED.has(verdict) || this.#tally.hasAttempted(nodeId)) await this.#tally.skip(nodeId, reason);
      else {
        this.#uploader.distrust(nodeId);
        this.#hubIsAhead = true;
        await this.#tally.attempted(nodeId, reason);
      }
    }
  }

  /** False: nothing could be done. */
  async run(steps: readonly Step[], signal: AbortSignal | undefined): Promise<boolean> {
    let progressed = false;
    const toFetch: NodeId[] = [];
    const pushes: PushStep[] = [];
    const pulls = steps.filter((step) => step.kind === "pull");
    const pulled = await this.#parts.trees.records(pulls.map(({ nodeId }) => nodeId));
    /** What is put on the disk by steps of their own; files to fetch are begun group by group. */
    const others = pulled.flatMap((record) => (record === undefined || isFileToCome(record) ? [] : [record.nodeId]));
    const begun = new Set<NodeId>();
    const fetchNow = async (): Promise<void> => {
      if (toFetch.length > 0 && (await this.#fetch(toFetch.splice(0), signal))) progressed = true;
    };
    for (const step of steps) {
      signal?.throwIfAborted();
      if (step.kind === "push") pushes.push({ nodeId: step.nodeId, place: step.place, content: step.content, remove: false });
      else if (step.kind === "delete-there") pushes.push({ nodeId: step.nodeId, place: false, content: false, remove: true });
      else {
        if (step.kind === "delete-here") await fetchNow();
        if (step.kind === "pull" && isFileToCome(await this.#parts.trees.record(step.nodeId))) {
          toFetch.push(step.nodeId);
          continue;
        }
        if (step.kind === "pull" && !begun.has(step.nodeId)) {
          const together = [step.nodeId, ...others.splice(0, INTENTS_AT_ONCE)];
          for (const nodeId of together) begun.add(nodeId);
          await this.#parts.intents.begin(together);
        }
        if (await this.#onDiskWithRules(step, toFetch, signal)) progressed = true;
      }
    }
    await fetchNow();
    if (pulls.length > 0) await this.#parts.intents.end();
    if (pushes.length > 0 && (await this.#push(pushes, signal))) progressed = true;
    return progressed;
  }

  /** Waits until the disk has what was put on it. True: something of which that fails is to come again. */
  async verify(): Promise<boolean> {
    let progressed = false;
    for (const nodeId of await this.#parts.unverified.end()) {
      if (this.#tally.isSkipped(nodeId)) continue;
      await this.#tally.attempted(nodeId, "this disk fails to keep it");
      const outcome = await this.#disk.fetchAgain(nodeId);
      await this.#note(nodeId, outcome);
      if (outcome.kind === "done") progressed = true;
    }
    return progressed;
  }

  /** Commits an older content of a node as its newest. */
  async commitRevision(head: Head, content: FileContent, signal: AbortSignal | undefined): Promise<void> {
    await this.#uploader.commitRevision(head, content, signal);
  }

  /** Takes one step on the disk. Where it takes away rules, or puts them, what they speak of is looked at again. */
  async #onDiskWithRules(step: DiskStep, toFetch: NodeId[], signal: AbortSignal | undefined): Promise<boolean> {
    const before = await this.#parts.trees.localPath(step.nodeId);
    const progressed = await this.#onDisk(step, toFetch, signal);
    const after = progressed ? await this.#parts.trees.localPath(step.nodeId) : before;
    if (after !== before) {
      for (const path of [before, after]) if (path !== undefined && baseName(path) === IGNORE_FILE) this.#changed.add(parentPath(path));
    }
    return progressed;
  }

  /** Takes one step on the disk, or notes the file in `toFetch` when its bytes have to come from the hub. */
  async #onDisk(step: DiskStep, toFetch: NodeId[], signal: AbortSignal | undefined): Promise<boolean> {
    const { nodeId } = step;
    const path = await this.#parts.trees.shownPath(nodeId);
    switch (step.kind) {
      case "adopt":
        return await this.#note(nodeId, await this.#disk.adopt(nodeId, step.from));
      case "conflict":
        return await this.#conflict(nodeId, path, signal);
      case "step-aside":
        return await this.#keptUnderOtherName(nodeId, path, await this.#disk.stepAside(nodeId, step.forNode));
      case "pull":
        return await this.#pull(step, path, toFetch);
      case "delete-here": {
        const outcome = await this.#disk.remove(nodeId);
        if (outcome.kind === "done") {
          if (outcome.record?.local?.content.kind === "file") this.#tally.count("filesDeleted");
          this.#tally.emit("node:deleted", { path, by: "elsewhere" });
        }
        return await this.#note(nodeId, outcome);
      }
      case "let-go": {
        const outcome = await this.#disk.letGo(nodeId);
        if (outcome.kind === "done") this.#tally.emit("node:deleted", { path, by: "elsewhere" });
        return await this.#note(nodeId, outcome);
      }
      case "skip":
        await this.#tally.skip(nodeId, step.reason);
        return true;
    }
  }

  async #pull(step: Extract<Step, { kind: "pull" }>, from: LocalPath, toFetch: NodeId[]): Promise<boolean> {
    const record = await this.#parts.trees.record(step.nodeId);
    if (record === undefined) return false;
    let moved = false;
    if (step.place && record.local !== undefined) {
      const outcome = await this.#disk.move(step.nodeId);
      if (outcome.kind !== "done") return await this.#note(step.nodeId, outcome);
      moved = true;
      this.#tally.count("moved");
      this.#tally.emit("node:moved", { from, to: await this.#parts.trees.shownPath(step.nodeId) });
    }
    if (!step.content && record.local !== undefined) return moved;
    const outcome = await this.#disk.make(step.nodeId);
    if (outcome !== undefined) return (await this.#note(step.nodeId, outcome)) || moved;
    toFetch.push(step.nodeId);
    return moved;
  }

  async #fetch(nodeIds: readonly NodeId[], signal: AbortSignal | undefined): Promise<boolean> {
    let progressed = false;
    const files: FileToFetch[] = [];
    const taken = new Set<string>();
    const records = (await this.#parts.trees.records(nodeIds)).filter((record) => record !== undefined);
    const targets = await this.#disk.targetsOf(records);
    for (const [index, record] of records.entries()) {
      const target = targets[index];
      const content = record.remote?.content;
      if (target === undefined || content?.kind !== "file") continue;
      // Of two that this disk takes for one name the second is planned again, when the first is there.
      const slot = "path" in target ? slotKey(target.path, this.#parts.trees.names) : "";
      if (taken.has(slot)) continue;
      if ("path" in target) taken.add(slot);
      if ("path" in target) files.push({ record, content, path: target.path, expected: record.local?.stat });
      else if (await this.#note(record.nodeId, target)) progressed = true;
    }
    const onPlacing = (group: readonly FileToFetch[]) => this.#parts.intents.begin(group.map(({ record }) => record.nodeId));
    for await (const outcomes of this.#downloader.fetch(files, { onPlacing, signal })) {
      if (outcomes.some((outcome) => outcome.kind !== "changed")) progressed = true;
      const placed = outcomes.filter((outcome) => outcome.kind === "placed");
      await this.#disk.placed(placed.map(({ file, stat, durable }) => ({ record: file.record, path: file.path, stat, durable })));
      const unverified = placed.filter(({ durable }) => !durable);
      this.#parts.unverified.begin(unverified.map(({ file }) => ({ nodeId: file.record.nodeId, path: file.path })));
      this.#tally.count("filesDownloaded", placed.length);
      this.#tally.count("filesUnverified", unverified.length);
      for (const { file } of placed) if (baseName(file.path) === IGNORE_FILE) this.#changed.add(parentPath(file.path));
      for (const { file } of placed) this.#tally.emit("file:downloaded", { path: file.path, sizeBytes: file.content.sizeBytes });
      this.#tally.transferred("down", placed.length, 0);
      for (const outcome of outcomes) {
        if (outcome.kind === "failed") await this.#tally.skip(outcome.file.record.nodeId, outcome.reason);
        if (outcome.kind === "changed") this.#changed.add(parentPath(outcome.file.path));
      }
    }
    return progressed;
  }

  async #push(pushes: readonly PushStep[], signal: AbortSignal | undefined): Promise<boolean> {
    const { trees } = this.#parts;
    const before = trees.state.nextCounter;
    try {
      await this.#uploader.push(pushes, signal);
    } catch (error) {
      // A file was written while it was sent, so that a chunk was not what the index says: look again, and plan anew.
      if (!isTwinfoldError(error) || error.code !== "ERR_INTEGRITY") throw error;
      for (const { nodeId } of pushes) this.#changed.add(parentPath(await trees.shownPath(nodeId)));
      return false;
    }
    if ((await trees.outbox()).length > 0) this.#hubIsAhead = true;
    return trees.state.nextCounter !== before;
  }

  async #conflict(nodeId: NodeId, path: LocalPath, signal: AbortSignal | undefined): Promise<boolean> {
    try {
      if (await this.#isResolved(nodeId, path, signal)) {
        this.#changed.add(parentPath(path));
        this.#tally.conflict(path, undefined);
        return true;
      }
    } catch (error) {
      if (!isTwinfoldError(error)) throw error;
      if (error.code === "ERR_LOCAL_CHANGED" || error.code === "ERR_NOT_FOUND") {
        return await this.#note(nodeId, { kind: "changed", directories: [parentPath(path)] });
      }
      // Of a version that cannot be read whole nothing is decided: both are kept.
      if (error.code !== "ERR_CHUNK_NOT_FOUND" && error.code !== "ERR_PERMISSION_DENIED") throw error;
    }
    return await this.#keptUnderOtherName(nodeId, path, await this.#disk.keepCopy(nodeId));
  }

  async #isResolved(nodeId: NodeId, path: LocalPath, signal: AbortSignal | undefined): Promise<boolean> {
    const { trees, resolve } = this.#parts;
    const record = resolve && (await trees.record(nodeId));
    if (record === undefined || resolve === undefined) return false;
    return await askResolver({ ...this.#parts, sendContent: (of) => this.#uploader.sendContent(of, signal) }, record, path, resolve);
  }

  async #keptUnderOtherName(nodeId: NodeId, path: LocalPath, outcome: StepOutcome & { readonly copy?: LocalPath | undefined }): Promise<boolean> {
    if (outcome.kind === "done") this.#tally.conflict(path, outcome.copy);
    return await this.#note(nodeId, outcome);
  }

  /** False: the step has to be planned again, and nothing has come of it. */
  async #note(nodeId: NodeId, outcome: StepOutcome): Promise<boolean> {
    if (outcome.kind === "failed") await this.#tally.skip(nodeId, outcome.reason);
    if (outcome.kind === "changed") {
      for (const path of outcome.directories) this.#changed.add(path);
      await this.#tally.attempted(nodeId, "its place on this disk keeps changing");
    }
    return outcome.kind === "done" || outcome.kind === "failed";
  }
}

/** True of a file that the hub has and this disk has not: its bytes are to be fetched, and nothing else is to be done. */
function isFileToCome(record: NodeRecord | undefined): boolean {
  return record?.local === undefined && isLive(record?.remote) && record.remote.content.kind === "file";
}

/** The hub does not have what was taken for granted to be there: the content is sent once more, all of it asked for. */
const LACKED: ReadonlySet<Verdict> = new Set(["missing-chunks", "missing-manifest"]);
const REFUSALS: Readonly<Partial<Record<Verdict, string>>> = {
  "missing-chunks": "the server lacks bytes of it that it should have",
  "missing-manifest": "the server lacks the list of its chunks",
  forbidden: "this account may not change the workspace",
  "over-quota": "the account's storage is full",
  "too-large": "it is larger than the server takes",
  invalid: "the server found it malformed",
};
