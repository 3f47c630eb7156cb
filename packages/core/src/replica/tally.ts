import type { NodeId } from "../ids.js";
import type { LocalPath } from "../names.js";
import type { ReplicaEvents } from "./events.js";
import type { CommitEffect } from "./upload/outbox.js";
import type { SkippedNode, SyncReport } from "./replica.js";

/** Times that one node's change is planned anew after the hub was ahead or the disk had changed, before the person is told. */
const MAX_ATTEMPTS = 20;

type Counts = { -readonly [Key in Exclude<keyof SyncReport, "inSync" | "skipped" | "aliased" | "awaitingConfirmation" | "durationMs">]: number };

export type Emit = <Name extends keyof ReplicaEvents>(name: Name, event: ReplicaEvents[Name]) => void;

/** What a pass has done so far, and what it could not do and why. Tells listeners as it goes. */
export class Tally {
  readonly emit: Emit;
  readonly #pathOf: (nodeId: NodeId) => Promise<LocalPath>;
  #counts = noCounts();
  #transfer = { up: noTransfer(), down: noTransfer() };
  /** What cannot be synced as it is, by node; tried again in the next pass. */
  readonly #nodes = new Map<NodeId, SkippedNode>();
  /** What the disk holds and no node can stand for; kept until the whole folder is looked at again. */
  readonly #paths = new Map<string, string>();
  readonly #attempts = new Map<NodeId, number>();

  constructor(emit: Emit, pathOf: (nodeId: NodeId) => Promise<LocalPath>) {
    this.emit = emit;
    this.#pathOf = pathOf;
  }

  begin(everything: boolean): void {
    this.#counts = noCounts();
    this.#transfer = { up: noTransfer(), down: noTransfer() };
    this.#nodes.clear();
    this.#attempts.clear();
    if (everything) this.#paths.clear();
  }

  get counts(): Readonly<Counts> {
    return this.#counts;
  }

  count(what: keyof Counts, by = 1): void {
    this.#counts[what] += by;
  }

  /** Counts what the hub has accepted. */
  accepted({ accepted }: CommitEffect): void {
    for (const { change, before } of accepted) {
      if (change.kind === "delete") {
        if (before?.content.kind === "file") this.count("filesDeleted");
        continue;
      }
      if (change.content?.content.kind === "file") {
        this.count("filesUploaded");
        this.transferred("up", 1, 0);
      }
      if (change.place !== undefined && before !== undefined && !before.deleted) this.count("moved");
    }
  }

  /** Counts a commit that was answered, of `underWay` that were prepared, asked about, sent and not answered yet. */
  committed(underWay: number): void {
    this.count("commits");
    this.#counts.commitsUnderWay = Math.max(this.#counts.commitsUnderWay, underWay);
  }

  conflict(path: LocalPath, copy: LocalPath | undefined): void {
    this.count("conflicts");
    this.emit("conflict:detected", { path, copy });
  }

  /** More content was found that has to travel. */
  toTransfer(direction: "up" | "down", files: number, bytes: number): void {
    this.#transfer[direction].totalFiles += files;
    this.#transfer[direction].totalBytes += bytes;
    this.emit("transfer:progressed", { direction, ...this.#transfer[direction] });
  }

  transferred(direction: "up" | "down", files: number, bytes: number): void {
    this.#transfer[direction].doneFiles += files;
    this.#transfer[direction].doneBytes += bytes;
    this.emit("transfer:progressed", { direction, ...this.#transfer[direction] });
  }

  async skip(nodeId: NodeId, reason: string): Promise<void> {
    const path = await this.#pathOf(nodeId);
    this.#nodes.set(nodeId, { path, reason });
    this.emit("node:skipped", { path, reason });
  }

  skipPath(path: string, reason: string): void {
    if (this.#paths.get(path) !== reason) this.emit("node:skipped", { path, reason });
    this.#paths.set(path, reason);
  }

  isSkipped(nodeId: NodeId): boolean {
    return this.#nodes.has(nodeId);
  }

  reasonFor(nodeId: NodeId): string | undefined {
    return this.#nodes.get(nodeId)?.reason;
  }

  get skippedNodes(): number {
    return this.#nodes.size;
  }

  get skipped(): readonly SkippedNode[] {
    return [...this.#nodes.values(), ...[...this.#paths].map(([path, reason]) => ({ path, reason }))];
  }

  /** Counts a failed attempt on a node; the node is skipped when there were too many. */
  async attempted(nodeId: NodeId, reason: string): Promise<void> {
    const attempts = (this.#attempts.get(nodeId) ?? 0) + 1;
    this.#attempts.set(nodeId, attempts);
    if (attempts >= MAX_ATTEMPTS) await this.skip(nodeId, reason);
  }

  hasAttempted(nodeId: NodeId): boolean {
    return this.#attempts.has(nodeId);
  }
}

function noCounts(): Counts {
  return {
    filesUploaded: 0,
    filesDownloaded: 0,
    filesUnverified: 0,
    filesDeleted: 0,
    moved: 0,
    conflicts: 0,
    chunksUploaded: 0,
    chunksDownloaded: 0,
    chunksReused: 0,
    chunksPrefetched: 0,
    deltaFrames: 0,
    bytesSaved: 0,
    commits: 0,
    commitsUnderWay: 0,
    directoriesUnchanged: 0,
  };
}

function noTransfer() {
  return { doneBytes: 0, totalBytes: 0, doneFiles: 0, totalFiles: 0 };
}
