import type { Change } from "../../commit.js";
import { isTwinfoldError } from "../../errors.js";
import type { ChunkId, NodeId } from "../../ids.js";
import type { LocalTree } from "../../local/local-tree.js";
import { type Manifest, type ManifestEntry, MAX_INLINE_CHUNKS, manifestSize } from "../../manifest.js";
import { type LocalPath, ROOT_PATH } from "../../names.js";
import type { FileContent, Head } from "../../node.js";
import { isLive, type NodeRecord } from "../../reconcile/node-record.js";
import { FRAME_HEADER_BYTES } from "../../storage/frame.js";
import { ChunkSender, type Origins, type Sent } from "./chunk-sender.js";
import { CommitSender } from "./commit-sender.js";
import { DraftAnnouncer, type SentFile } from "./draft-announcer.js";
import { FrameBatch, type ReadRange } from "./frame-batch.js";
import { KnownAtHub } from "./known-at-hub.js";
import type { CommitEffect } from "./outbox.js";
import { ChangePreparer, type FileToSend, type Prepared, type PushStep } from "./prepared-changes.js";
import { readAhead } from "./read-ahead.js";
import type { ReplicaParts } from "../replica-parts.js";
import type { Turns } from "../turns.js";

/** Chunks sent in one request. */
const REQUEST_BYTES = 4 * 1024 * 1024;
/** Uploads under way at once: memory is this many rooms and one that is being filled, of 8 MiB at the most, of which 4 are used. */
const PARALLEL_UPLOADS = 3;

export interface UploaderEvents {
  /** More content was found that has to go up. */
  planned(files: number, bytes: number): void;
  /** Chunks of `bytes` together were sent. */
  uploaded(sent: Sent, bytes: number): void;
  /** A commit was answered. `groups`: those that were under way when it was, it included. */
  committed(groups: number): void;
  settled(effect: CommitEffect): Promise<void>;
  /** The hub has accepted a file's content. */
  fileUploaded(path: LocalPath, sizeBytes: number): void;
  /** The file changed since it was indexed, or cannot be read: left for the next scan. */
  postponed(path: LocalPath): void;
}

/** What goes up for one commit. */
interface Group {
  readonly prepared: readonly Prepared[];
  /** Chunks that the hub lacks, those taken off that were sent. */
  readonly missing: Set<ChunkId>;
  readonly origins: Origins;
}

/**
 * Sends this device's changes: chunks first, and when they are durable the commit that names them.
 *
 * While one commit is under way, the chunks of the next are, and what the hub lacks of the one after is asked for: at most five commits' worth of changes
 * is in memory. The commits are made one after the other, each after the answer to the one before; what fails ends it after all that came before.
 */
export class Uploader {
  readonly #parts: ReplicaParts;
  readonly #tree: LocalTree;
  readonly #events: UploaderEvents;
  readonly #sender: ChunkSender;
  readonly #known: KnownAtHub;
  readonly #preparer: ChangePreparer;
  readonly #commits: CommitSender;
  /** Groups that were asked about and are not committed. */
  #underWay = 0;

  constructor({ events, ...parts }: ReplicaParts & { readonly events: UploaderEvents; readonly turns: Turns }) {
    this.#parts = parts;
    this.#tree = parts.tree;
    this.#events = events;
    this.#sender = new ChunkSender(parts);
    this.#known = new KnownAtHub(parts);
    // From the top each directory is found where it is.
    this.#preparer = new ChangePreparer({ trees: parts.trees, known: this.#known, onLost: () => events.postponed(ROOT_PATH) });
    this.#commits = new CommitSender(parts);
  }

  /** Asks about every chunk of this node from now on: the hub did not have what it should have had. */
  distrust(nodeId: NodeId): void {
    this.#known.distrust(nodeId);
  }

  async push(steps: readonly PushStep[], signal: AbortSignal | undefined): Promise<void> {
    const stop = new AbortController();
    const within = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
    this.#underWay = 0;
    const asked = readAhead(this.#asked(readAhead(this.#preparer.groups(steps)), within));
    for await (const ready of readAhead(this.#sent(asked, within))) {
      let isSettled = false;
      try {
        isSettled = await this.#commit(ready, signal);
      } finally {
        // Before the next ones are waited for.
        if (!isSettled) stop.abort();
      }
      if (!isSettled) return;
    }
  }

  /** Makes content that the workspace has had before the newest of its node. */
  async commitRevision(head: Head, content: FileContent, signal: AbortSignal | undefined): Promise<void> {
    await this.#commits.commitRevision(head, content, signal);
  }

  /**
   * Makes the chunks of a node's local content durable at the hub. What it gives commits them as a revision on top of the hub's head; that
   * this is refused means that the hub is ahead, which the next look at its changes tells.
   */
  async sendContent(record: NodeRecord, signal: AbortSignal | undefined): Promise<(() => Promise<void>) | undefined> {
    const { nodeId, remote } = record;
    const [prepared] = await this.#preparer.prepare([{ nodeId, place: false, content: true, remove: false }], [record]);
    if (prepared?.change.kind !== "put" || prepared.change.content === undefined || !isLive(remote)) return undefined;
    const [ready] = await this.#uploadContents(await this.#ask([prepared], signal), signal);
    const change = ready?.change;
    if (change?.kind !== "put" || change.content === undefined) return undefined;
    const onTop: Change = { ...change, content: { ...change.content, base: remote.contentVector } };
    return async () => {
      const effect = await this.#commits.commit([onTop], signal);
      if (effect !== undefined) await this.#events.settled(effect);
    };
  }

  async *#asked(groups: AsyncIterable<readonly Prepared[]>, signal: AbortSignal): AsyncGenerator<Group, void, undefined> {
    for await (const prepared of groups) {
      this.#underWay += 1;
      yield await this.#ask(prepared, signal);
    }
  }

  /** Gives of each group what may be committed. */
  async *#sent(groups: AsyncIterable<Group>, signal: AbortSignal): AsyncGenerator<readonly Prepared[], void, undefined> {
    // The hub was asked about one group while the one before was sent.
    let sentBefore: ReadonlySet<ChunkId> = new Set();
    for await (const group of groups) {
      for (const chunkId of sentBefore) group.missing.delete(chunkId);
      const lacked = [...group.missing];
      yield await this.#uploadContents(group, signal);
      sentBefore = new Set(lacked.filter((chunkId) => !group.missing.has(chunkId)));
    }
  }

  /** False: what became of it is not known. */
  async #commit(ready: readonly Prepared[], signal: AbortSignal | undefined): Promise<boolean> {
    if (ready.length > 0) {
      const effect = await this.#commits.commit(
        ready.map(({ change }) => change),
        signal,
      );
      if (effect === undefined) return false;
      await this.#events.settled(effect);
      const files = new Map(ready.map(({ change, file }) => [change.nodeId, file]));
      for (const { change } of effect.accepted) {
        const file = change.kind === "put" && change.content !== undefined ? files.get(change.nodeId) : undefined;
        if (file !== undefined) this.#events.fileUploaded(file.path, file.content.sizeBytes);
      }
      this.#events.committed(this.#underWay);
    }
    this.#underWay -= 1;
    return true;
  }

  async #ask(prepared: readonly Prepared[], signal: AbortSignal | undefined): Promise<Group> {
    const files = filesOf(prepared);
    const missing = await this.#known.missing(files, signal);
    return { prepared, missing, origins: await this.#known.origins(files, missing, signal) };
  }

  /** Makes every chunk of the group's files durable at the hub; gives the changes that may be committed. */
  async #uploadContents({ prepared, missing, origins }: Group, signal: AbortSignal | undefined): Promise<readonly Prepared[]> {
    const files = filesOf(prepared);
    this.#events.planned(files.length, bytesOf(files, missing));
    const postponed = new Set<NodeId>();
    const inFlight = new Set<Promise<void>>();
    let failure: { readonly error: unknown } | undefined;
    const sent = await this.#sentFiles(files);
    const drafts = new DraftAnnouncer(this.#parts, [...sent.values()], missing, signal);
    const sendBatch = async (full: FrameBatch): Promise<void> => {
      const bytes = full.frames.reduce((sum, frame) => sum + frame.plainBytes, 0);
      this.#events.uploaded(await this.#sender.send(full.frames, origins, signal), bytes);
      drafts.stored(full.frames.map(({ chunkId }) => chunkId));
      full.giveBack();
    };
    const sizeBytes = roomFor(files, missing);
    let batch = new FrameBatch(sizeBytes);
    const flush = async (): Promise<void> => {
      if (batch.frames.length === 0) return;
      const sending: Promise<void> = sendBatch(batch)
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => inFlight.delete(sending));
      inFlight.add(sending);
      batch = new FrameBatch(sizeBytes);
      while (inFlight.size >= PARALLEL_UPLOADS) await Promise.race(inFlight);
      if (failure !== undefined) throw failure.error;
    };
    try {
      for (const file of files) {
        try {
          await this.#readChunks(
            file,
            missing,
            async (entries) => {
              if (batch.fitting(entries, REQUEST_BYTES) === 0) await flush();
              return batch;
            },
            signal,
          );
        } catch (error) {
          if (
            !isTwinfoldError(error) ||
            (error.code !== "ERR_LOCAL_CHANGED" && error.code !== "ERR_NOT_FOUND" && error.code !== "ERR_PERMISSION_DENIED")
          )
            throw error;
          postponed.add(file.record.nodeId);
          this.#events.postponed(file.path);
        }
      }
      await flush();
    } finally {
      await Promise.all(inFlight);
      await drafts.settled();
    }
    if (failure !== undefined) throw (failure as { readonly error: unknown }).error;
    const ready = prepared.filter(({ change }) => !postponed.has(change.nodeId));
    for (const { change } of ready) {
      const file = sent.get(change.nodeId);
      if (file !== undefined && (file.manifest.length > MAX_INLINE_CHUNKS || drafts.isAnnounced(file))) await drafts.close(file);
    }
    return ready;
  }

  /** Those whose manifest does not travel in their change, and those that are large enough to be told to others before. */
  async #sentFiles(files: readonly FileToSend[]): Promise<ReadonlyMap<NodeId, SentFile>> {
    const sent = new Map<NodeId, SentFile>();
    for (const { path, manifest, content, record } of files) {
      const { nodeId, local, synced } = record;
      if (local === undefined || (manifest.length <= MAX_INLINE_CHUNKS && content.sizeBytes < this.#parts.draftFromBytes)) continue;
      const base = await this.#known.baseManifest(record);
      const baseManifestId = synced?.content.kind === "file" ? synced.content.manifestId : undefined;
      sent.set(nodeId, {
        nodeId,
        place: local.place,
        path,
        manifestId: content.manifestId,
        manifest,
        base: base && baseManifestId && { manifestId: baseManifestId, manifest: base },
      });
    }
    return sent;
  }

  /** Reads the missing chunks of a file into batches, neighbours in one go; each is taken off `missing`, so that it is sent once. */
  async #readChunks(
    { record, path, manifest }: FileToSend,
    missing: Set<ChunkId>,
    batchFor: (entries: Manifest) => Promise<FrameBatch>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const stat = record.local?.stat;
    if (stat === undefined) return;
    const read: ReadRange = (range) => this.#tree.read(path, stat, { ...range, signal });
    let offset = 0;
    for (let index = 0; index < manifest.length; ) {
      const run: ManifestEntry[] = [];
      for (let entry = manifest[index]; entry !== undefined && missing.has(entry.chunkId); entry = manifest[index + run.length]) {
        missing.delete(entry.chunkId);
        run.push(entry);
      }
      index += Math.max(1, run.length);
      if (run.length === 0) offset += manifest[index - 1]?.lengthBytes ?? 0;
      for (let taken = 0; taken < run.length; ) {
        const rest = run.slice(taken);
        try {
          const batch = await batchFor(rest);
          const entries = rest.slice(0, Math.max(1, batch.fitting(rest, REQUEST_BYTES)));
          await batch.add(entries, offset, read);
          taken += entries.length;
          offset += manifestSize(entries);
        } catch (error) {
          // What was not read stays missing: another file may hold the same chunk.
          for (const { chunkId } of rest) missing.add(chunkId);
          throw error;
        }
      }
    }
  }
}

function filesOf(prepared: readonly Prepared[]): readonly FileToSend[] {
  return prepared.flatMap(({ file }) => file ?? []);
}

/** Bytes of the chunks of `files` that are in `missing`, each counted once. */
function bytesOf(files: readonly FileToSend[], missing: ReadonlySet<ChunkId>): number {
  const lengths = new Map<ChunkId, number>();
  for (const { manifest } of files) for (const { chunkId, lengthBytes } of manifest) if (missing.has(chunkId)) lengths.set(chunkId, lengthBytes);
  return [...lengths.values()].reduce((sum, bytes) => sum + bytes, 0);
}

/** Bytes of the frames of one request: as many as it may have, or all that the files hold. */
function roomFor(files: readonly FileToSend[], missing: ReadonlySet<ChunkId>): number {
  const entries = files.flatMap(({ manifest }) => manifest.filter(({ chunkId }) => missing.has(chunkId)));
  const longest = entries.reduce((most, { lengthBytes }) => Math.max(most, lengthBytes), 0);
  return Math.min(Math.max(REQUEST_BYTES, longest + FRAME_HEADER_BYTES), manifestSize(entries) + entries.length * FRAME_HEADER_BYTES);
}
