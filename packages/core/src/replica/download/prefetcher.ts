import { isTwinfoldError } from "../../errors.js";
import type { DraftId, NodeId } from "../../ids.js";
import { commonEntries, entriesWithin, type Manifest, manifestSize } from "../../manifest.js";
import type { DraftAbout, DraftNews, DraftsQuery } from "../../transport/transport.js";
import type { Begun, Downloader, FetchedAhead } from "./downloader.js";
import type { ReplicaParts } from "../replica-parts.js";

/** Files fetched ahead at once: what they take on the disk may be for nothing. */
const MAX_FILES = 2;
/** Fetched in one go: as much as the requests that are under way at once bring. A pass that wants the file waits for no more. */
const PIECE_BYTES = 16 * 1024 * 1024;
/** A file that was not heard of for so long gives way to another one. A draft of 10 GB grows every two minutes at 1 MB/s. */
const STALLED_MS = 5 * 60 * 1_000;
/** A file that was not heard of for so long goes: its uploader is gone, or has something else to say. */
const KEPT_MS = 60 * 60 * 1_000;
/** Of a draft that is not wanted nothing more is to be told. */
const ENOUGH = Number.MAX_SAFE_INTEGER;

/** A file whose upload has begun elsewhere. */
interface AheadFile {
  readonly nodeId: NodeId;
  draftId: DraftId;
  /** As the draft says that the file is. */
  sizeBytes: number;
  /** The draft's entries, as far as they were told. */
  told: Manifest;
  /** What is on the disk of them. `undefined` while it is being opened, and when that failed. */
  begun: Begun | undefined;
  heardAtMs: number;
  /** Closed at the hub, or given up. */
  isGone: boolean;
  /** `told` as it was when no more of it could be had. */
  stuckAt: Manifest | undefined;
  /** Ends when nothing is done with it. */
  busy: Promise<void>;
}

/**
 * Fetches files that another device is still sending, into the stagings that the downloader goes on with once they are committed. Nothing of it is visible before.
 *
 * Whatever a draft says, the manifest of the committed version decides: entries that are not its own are cut off. Memory is what `fetchChunks` holds for one file.
 */
export class Prefetcher implements FetchedAhead {
  readonly #parts: ReplicaParts;
  readonly #downloader: () => Downloader;
  readonly #files = new Map<NodeId, AheadFile>();
  /** Nodes that are made of what was committed meanwhile: their stagings are the downloader's. */
  readonly #claimed = new Set<NodeId>();
  /** Nodes whose stagings are given up: until that is done nobody else can open them. */
  readonly #closing = new Map<NodeId, Promise<void>>();
  /** Open drafts that were told, and how far. */
  readonly #known = new Map<DraftId, number>();
  readonly #inbox: DraftNews[] = [];
  #signal = AbortSignal.abort();
  #working: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(parts: ReplicaParts, downloader: () => Downloader) {
    this.#parts = parts;
    this.#downloader = downloader;
  }

  /** What to ask the hub for; `undefined` when it tells no drafts. */
  query(): DraftsQuery | undefined {
    const { workspaceId, trees, link } = this.#parts;
    if (!link.offers("drafts")) return undefined;
    return { workspaceId, replicaId: trees.state.replicaId, known: [...this.#known].map(([draftId, length]) => ({ draftId, length })) };
  }

  hear(news: readonly DraftNews[]): void {
    for (const one of news) {
      // Known from now on, whatever comes of it: the hub does not say it again.
      if (one.grown === undefined) this.#known.delete(one.draftId);
      else this.#known.set(one.draftId, Math.max(this.#known.get(one.draftId) ?? 0, one.grown.firstIndex + one.grown.entries.length));
      this.#inbox.push(one);
    }
    this.#work();
  }

  /** Goes on, until `signal` aborts. Throws what is no failure of hub, network or disk. */
  resume(signal: AbortSignal): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    this.#signal = signal;
    for (const file of this.#files.values()) file.stuckAt = undefined;
    this.#sweep();
    this.#work();
  }

  /** Lets go of everything. What is on the disk stays, to be gone on with or swept. */
  async stop(): Promise<void> {
    this.#signal = AbortSignal.abort();
    await this.#working;
    for (const nodeId of this.#files.keys()) await (await this.take(nodeId))?.staging.close();
    this.#known.clear();
    this.#inbox.length = 0;
  }

  claim(nodeIds: readonly NodeId[]): () => void {
    for (const nodeId of nodeIds) this.#claimed.add(nodeId);
    return () => {
      for (const nodeId of nodeIds) this.#claimed.delete(nodeId);
    };
  }

  async take(nodeId: NodeId): Promise<Begun | undefined> {
    const file = this.#files.get(nodeId);
    if (file === undefined) {
      await this.#closing.get(nodeId);
      return undefined;
    }
    this.#files.delete(nodeId);
    this.#known.delete(file.draftId);
    await file.busy; // What is under way is wanted.
    return file.begun;
  }

  #work(): void {
    this.#working ??= this.#untilDone()
      .catch((error: unknown) => {
        if (!isTwinfoldError(error)) this.#failure = { error };
      })
      .finally(() => {
        this.#working = undefined;
      });
  }

  async #untilDone(): Promise<void> {
    while (!this.#signal.aborted) {
      const news = this.#inbox.shift();
      if (news !== undefined) {
        await this.#takeIn(news);
        continue;
      }
      const file = [...this.#files.values()].find(
        ({ begun, told, stuckAt }) => begun !== undefined && begun.entries.length < told.length && stuckAt !== told,
      );
      if (file === undefined) return;
      await this.#use(file, () => this.#fetch(file));
    }
  }

  async #takeIn({ draftId, grown }: DraftNews): Promise<void> {
    const file = [...this.#files.values()].find((one) => one.draftId === draftId);
    if (grown === undefined) {
      if (file !== undefined) file.isGone = true;
      return;
    }
    const { about, firstIndex, entries } = grown;
    if (file !== undefined && file.nodeId === about.nodeId) {
      if (firstIndex > file.told.length) this.#known.set(draftId, file.told.length);
      else await this.#use(file, () => this.#tell(file, draftId, about.sizeBytes, [...file.told.slice(0, firstIndex), ...entries]));
      return;
    }
    if (!(await this.#parts.presence.wantsAhead(about))) {
      this.#known.set(draftId, ENOUGH);
      return;
    }
    const before = this.#files.get(about.nodeId);
    if (before !== undefined && !before.isGone) return; // Of two who send the same file one is followed.
    if (before === undefined && this.#files.size >= MAX_FILES && !(await this.#makeRoom())) return;
    if (firstIndex > 0)
      this.#known.delete(draftId); // It is told from its start at the next call.
    else if (before === undefined) {
      if (!this.#claimed.has(about.nodeId)) await this.#open(about, draftId, entries);
    } else await this.#use(before, () => this.#tell(before, draftId, about.sizeBytes, entries));
  }

  async #open({ nodeId, sizeBytes }: DraftAbout, draftId: DraftId, told: Manifest): Promise<void> {
    const file: AheadFile = {
      nodeId,
      draftId,
      sizeBytes,
      told,
      begun: undefined,
      heardAtMs: this.#parts.env.monotonicMs(),
      isGone: false,
      stuckAt: undefined,
      busy: Promise.resolve(),
    };
    this.#files.set(nodeId, file);
    await this.#use(file, async () => {
      file.begun = await this.#downloader().begin(nodeId, told);
    });
  }

  /** What is on the disk and not in `told` is cut off. */
  async #tell(file: AheadFile, draftId: DraftId, sizeBytes: number, told: Manifest): Promise<void> {
    file.heardAtMs = this.#parts.env.monotonicMs();
    file.isGone = false;
    file.draftId = draftId;
    file.sizeBytes = sizeBytes;
    const common = commonEntries(file.told, told);
    if (common === told.length) return; // nothing that was not told before
    file.told = told;
    const { begun } = file;
    if (begun === undefined || begun.entries.length <= common) return;
    const entries = begun.entries.slice(0, common);
    await begun.staging.truncate(manifestSize(entries));
    file.begun = { staging: begun.staging, entries };
  }

  async #fetch(file: AheadFile): Promise<void> {
    const { begun, told } = file;
    if (begun === undefined) return;
    const piece = pieceOf(told, begun.entries.length);
    const signal = this.#signal;
    const record = await this.#parts.trees.record(file.nodeId);
    try {
      const entries = await this.#downloader().extend(begun, { manifest: piece, sizeBytes: file.sizeBytes }, record, signal);
      file.begun = { staging: begun.staging, entries };
      if (entries.length < piece.length) file.stuckAt = told;
    } catch (error) {
      file.begun = { staging: begun.staging, entries: entriesWithin(told, begun.staging.sizeBytes) };
      if (!signal.aborted) throw error;
    }
  }

  /** One thing at a time with one file; a failure of hub or network leaves it for the next time, one of the disk gives it up. */
  async #use(file: AheadFile, work: () => Promise<void>): Promise<void> {
    const using = work().catch(async (error: unknown) => {
      if (!isTwinfoldError(error)) throw error;
      if (error.retryable) file.stuckAt = file.told;
      else await this.#drop(file);
    });
    file.busy = using.catch(() => {});
    await using;
  }

  async #makeRoom(): Promise<boolean> {
    const sinceMs = this.#parts.env.monotonicMs() - STALLED_MS;
    const stalled = [...this.#files.values()].find(({ heardAtMs }) => heardAtMs <= sinceMs);
    if (stalled === undefined) return false;
    await this.#drop(stalled);
    return true;
  }

  #sweep(): void {
    const sinceMs = this.#parts.env.monotonicMs() - KEPT_MS;
    for (const file of this.#files.values()) if (file.heardAtMs <= sinceMs) void this.#drop(file);
  }

  /** Its draft stays known: when that grows it is begun anew. */
  async #drop(file: AheadFile): Promise<void> {
    if (this.#files.get(file.nodeId) !== file) return;
    this.#files.delete(file.nodeId);
    const { nodeId, begun } = file;
    file.begun = undefined;
    // What is left of it is swept, like that of a process that died.
    const closing = begun?.staging.discard().catch(() => {});
    if (closing !== undefined) this.#closing.set(nodeId, closing);
    await closing;
    if (this.#closing.get(nodeId) === closing) this.#closing.delete(nodeId);
  }
}

/** `told` up to a piece behind the entries that are there. */
function pieceOf(told: Manifest, from: number): Manifest {
  let [end, bytes] = [from, 0];
  for (let entry = told[end]; entry !== undefined && (end === from || bytes + entry.lengthBytes <= PIECE_BYTES); entry = told[end]) {
    bytes += entry.lengthBytes;
    end += 1;
  }
  return told.slice(0, end);
}
