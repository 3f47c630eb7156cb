import { type Change, type Commit, changeSize, encodeCommit, MAX_COMMIT_BYTES, MAX_COMMIT_CHANGES } from "../commit.js";
import { baseChunks } from "../delta/base-chunks.js";
import type { Env } from "../env.js";
import { isTwinfoldError, TwinfoldError } from "../errors.js";
import { type ChunkId, type DraftId, type NodeId, randomId, type WorkspaceId } from "../ids.js";
import type { LocalTree } from "../local/local-tree.js";
import { decodeManifest, type Manifest, type ManifestEntry, MAX_INLINE_CHUNKS, manifestSize, spliceManifest } from "../manifest.js";
import { type LocalPath, ROOT_PATH } from "../names.js";
import type { FileContent, Head } from "../node.js";
import { isLive, type NodeRecord } from "../reconcile/node-record.js";
import { FRAME_HEADER_BYTES } from "../storage/frame.js";
import { MAX_ASKED_CHUNKS } from "../transport/messages.js";
import type { Transport } from "../transport/transport.js";
import { EMPTY_VECTOR } from "../version-vector.js";
import { type Bases, ChunkSender, type Sent } from "./chunk-sender.js";
import { FrameBatch, type ReadRange } from "./frame-batch.js";
import type { HubLink } from "./hub-link.js";
import { type CommitEffect, settleCommit } from "./outbox.js";
import type { ReplicaParts } from "./replica-parts.js";
import type { Trees } from "./trees.js";

/** Chunks sent in one request. */
const REQUEST_BYTES = 4 * 1024 * 1024;
/** Uploads under way at once: memory is this many rooms and one that is being filled, of 8 MiB at the most, of which 4 are used. */
const PARALLEL_UPLOADS = 3;
/** New content after which a commit is made, so that others see a long upload arrive file by file. */
const COMMIT_AFTER_BYTES = 64 * 1024 * 1024;

export interface PushStep {
  readonly nodeId: NodeId;
  readonly place: boolean;
  readonly content: boolean;
  readonly remove: boolean;
}

export interface UploaderEvents {
  /** More content was found that has to go up. */
  planned(files: number, bytes: number): void;
  /** Chunks of `bytes` together were sent. */
  uploaded(sent: Sent, bytes: number): void;
  settled(effect: CommitEffect): Promise<void>;
  /** The hub has accepted a file's content. */
  fileUploaded(path: LocalPath, sizeBytes: number): void;
  /** The file changed since it was indexed, or cannot be read: left for the next scan. */
  postponed(path: LocalPath): void;
}

interface Prepared {
  readonly change: Change;
  readonly file?: { readonly record: NodeRecord; readonly path: LocalPath; readonly content: FileContent; readonly manifest: Manifest } | undefined;
}

/** Sends this device's changes: chunks first, and when they are durable the commit that names them. */
export class Uploader {
  readonly #transport: Transport;
  readonly #trees: Trees;
  readonly #tree: LocalTree;
  readonly #env: Env;
  readonly #workspaceId: WorkspaceId;
  readonly #events: UploaderEvents;
  readonly #link: HubLink;
  readonly #sender: ChunkSender;
  readonly #distrusted = new Set<NodeId>();

  constructor(options: ReplicaParts & { readonly events: UploaderEvents }) {
    this.#transport = options.transport;
    this.#trees = options.trees;
    this.#tree = options.tree;
    this.#env = options.env;
    this.#workspaceId = options.workspaceId;
    this.#events = options.events;
    this.#link = options.link;
    this.#sender = new ChunkSender(options);
  }

  /** Asks about every chunk of this node from now on: the hub did not have what it should have had. */
  distrust(nodeId: NodeId): void {
    this.#distrusted.add(nodeId);
  }

  async push(steps: readonly PushStep[], signal: AbortSignal | undefined): Promise<void> {
    let group: Prepared[] = [];
    let groupBytes = 0;
    let commitBytes = 0;
    const send = async (): Promise<void> => {
      const ready = await this.#uploadContents(group, signal);
      const effect = ready.length > 0 ? await this.#commit(ready, signal) : undefined;
      const files = new Map(group.map(({ change, file }) => [change.nodeId, file]));
      for (const { change } of effect?.accepted ?? []) {
        const file = change.kind === "put" && change.content !== undefined ? files.get(change.nodeId) : undefined;
        if (file !== undefined) this.#events.fileUploaded(file.path, file.content.sizeBytes);
      }
      group = [];
      groupBytes = 0;
      commitBytes = 0;
    };
    for (const step of steps) {
      const prepared = await this.#prepare(step);
      if (prepared === undefined) continue;
      const size = changeSize(prepared.change);
      if (group.length === MAX_COMMIT_CHANGES || commitBytes + size > MAX_COMMIT_BYTES - 1024) await send();
      group.push(prepared);
      commitBytes += size;
      groupBytes += prepared.file?.content.sizeBytes ?? 0;
      if (groupBytes >= COMMIT_AFTER_BYTES) await send();
    }
    if (group.length > 0) await send();
  }

  /** Makes content that the workspace has had before the newest of its node. The synced tree stays as it is: the change comes to this disk like any other. */
  async commitRevision(head: Head, content: FileContent, signal: AbortSignal | undefined): Promise<void> {
    const place = head.deleted ? { place: head.place, base: head.placeVector } : undefined;
    const { replicaId, nextCounter } = this.#trees.state;
    const change: Change = { kind: "put", nodeId: head.nodeId, place, content: { content, base: head.contentVector } };
    await this.#trees.write({ state: { nextCounter: nextCounter + 1 } });
    const answer = await this.#transport.commit(
      { workspaceId: this.#workspaceId, commit: encodeCommit({ replicaId, counter: nextCounter, changes: [change] }) },
      { signal },
    );
    const verdict = answer.kind === "done" ? answer.verdicts[0]?.content : answer.kind;
    if (verdict !== "accepted" && verdict !== "unchanged") {
      throw new TwinfoldError(
        "ERR_LOCAL_CHANGED",
        `the server did not take the older revision (${verdict}): the file changed meanwhile; look at its revisions and try again`,
      );
    }
  }

  /**
   * Makes the chunks of a node's local content durable at the hub. What it gives commits them as a revision on top of the hub's head; that
   * this is refused means that the hub is ahead, which the next look at its changes tells.
   */
  async sendContent(record: NodeRecord, signal: AbortSignal | undefined): Promise<(() => Promise<void>) | undefined> {
    const { nodeId, remote } = record;
    const prepared = await this.#prepare({ nodeId, place: false, content: true, remove: false });
    if (prepared?.change.kind !== "put" || prepared.change.content === undefined || !isLive(remote)) return undefined;
    const [change] = await this.#uploadContents([prepared], signal);
    if (change?.kind !== "put" || change.content === undefined) return undefined;
    const onTop: Change = { ...change, content: { ...change.content, base: remote.contentVector } };
    return async () => void (await this.#commit([onTop], signal));
  }

  async #prepare(step: PushStep): Promise<Prepared | undefined> {
    const record = await this.#trees.record(step.nodeId);
    if (record === undefined) return undefined;
    const { nodeId, local, synced, remote } = record;
    if (step.remove) {
      if (local !== undefined || !isLive(remote) || synced === undefined) return undefined;
      return { change: { kind: "delete", nodeId, placeBase: synced.placeVector, contentBase: synced.contentVector } };
    }
    if (local === undefined) return undefined;
    // A node that the hub has deleted is brought back on top of the deletion, whole.
    const base = isLive(remote) ? synced : remote;
    const whole = base === undefined || !isLive(remote);
    const place = step.place || whole ? { place: local.place, base: base?.placeVector ?? EMPTY_VECTOR } : undefined;
    if (!step.content && !whole) return { change: { kind: "put", nodeId, place } };

    const content = { content: local.content, base: base?.contentVector ?? EMPTY_VECTOR };
    if (local.content.kind !== "file") return { change: { kind: "put", nodeId, place, content } };
    const path = await this.#trees.localPath(nodeId);
    if (path === undefined) {
      // Directories that moved while they were looked at, into each other as it seems: from the top each is found where it is.
      this.#events.postponed(ROOT_PATH);
      return undefined;
    }
    const body = await this.#trees.manifestBytes(local.content.manifestId);
    if (body === undefined) {
      throw new TwinfoldError("ERR_STORE_FAILED", `the manifest of ${path} is not in this device's database: unlink the folder and link it again`);
    }
    const manifest = decodeManifest(body);
    const inline = manifest.length <= MAX_INLINE_CHUNKS ? { manifest: body } : {};
    return {
      change: { kind: "put", nodeId, place, content: { ...content, ...inline } },
      file: { record, path, content: local.content, manifest },
    };
  }

  /** Makes every chunk of the group's files durable at the hub; gives the changes that may be committed. */
  async #uploadContents(group: readonly Prepared[], signal: AbortSignal | undefined): Promise<readonly Change[]> {
    const missing = await this.#missing(group, signal);
    const bases = await this.#bases(group, missing);
    const postponed = new Set<NodeId>();
    const inFlight = new Set<Promise<void>>();
    let failure: { readonly error: unknown } | undefined;
    const sendBatch = async (full: FrameBatch): Promise<void> => {
      const bytes = full.frames.reduce((sum, frame) => sum + frame.plainBytes, 0);
      this.#events.uploaded(await this.#sender.send(full.frames, bases, signal), bytes);
      full.giveBack();
    };
    const sizeBytes = roomFor(group, missing);
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
      for (const { file } of group) {
        if (file === undefined) continue;
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
    }
    if (failure !== undefined) throw (failure as { readonly error: unknown }).error;
    const ready = group.filter(({ change }) => !postponed.has(change.nodeId));
    for (const { file } of ready) if (file !== undefined && file.manifest.length > MAX_INLINE_CHUNKS) await this.#sendManifest(file, signal);
    return ready.map(({ change }) => change);
  }

  /** Which chunks have to go up. Those of the version that the file was made from are at the hub already. */
  async #missing(group: readonly Prepared[], signal: AbortSignal | undefined): Promise<Set<ChunkId>> {
    const asked = new Map<ChunkId, number>();
    for (const { file } of group) {
      if (file === undefined) continue;
      const base = await this.#baseManifest(file.record);
      const held = new Set(base?.map((entry) => entry.chunkId));
      for (const { chunkId, lengthBytes } of file.manifest) if (!held.has(chunkId)) asked.set(chunkId, lengthBytes);
    }
    const ids = [...asked.keys()];
    const missing = new Set<ChunkId>();
    for (let at = 0; at < ids.length; at += MAX_ASKED_CHUNKS) {
      const chunkIds = ids.slice(at, at + MAX_ASKED_CHUNKS);
      for (const chunkId of await this.#transport.missing({ workspaceId: this.#workspaceId, chunkIds }, { signal })) missing.add(chunkId);
    }
    const bytes = [...missing].reduce((sum, chunkId) => sum + (asked.get(chunkId) ?? 0), 0);
    this.#events.planned(group.filter(({ file }) => file !== undefined).length, bytes);
    return missing;
  }

  /** For missing chunks of files that were edited, what they were made from. */
  async #bases(group: readonly Prepared[], missing: ReadonlySet<ChunkId>): Promise<Bases> {
    const bases = new Map<ChunkId, readonly ManifestEntry[]>();
    if (!this.#link.offers("delta")) return bases;
    for (const { file } of group) {
      if (file === undefined || !file.manifest.some(({ chunkId }) => missing.has(chunkId))) continue;
      const base = await this.#baseManifest(file.record);
      for (const [chunkId, entries] of base === undefined ? [] : baseChunks(base, file.manifest)) bases.set(chunkId, entries);
    }
    return bases;
  }

  /** The manifest that the hub has for this node, when this device has it too. */
  async #baseManifest({ nodeId, synced, remote }: NodeRecord): Promise<Manifest | undefined> {
    if (this.#distrusted.has(nodeId) || !isLive(remote) || synced?.content.kind !== "file") return undefined;
    return await this.#trees.manifest(synced.content.manifestId);
  }

  /** Reads the missing chunks of a file into batches, neighbours in one go; each is taken off `missing`, so that it is sent once. */
  async #readChunks(
    { record, path, manifest }: NonNullable<Prepared["file"]>,
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

  async #sendManifest(file: NonNullable<Prepared["file"]>, signal: AbortSignal | undefined): Promise<void> {
    const base = await this.#baseManifest(file.record);
    const baseManifestId = base !== undefined && file.record.synced?.content.kind === "file" ? file.record.synced.content.manifestId : undefined;
    const answer = await this.#transport.draft(
      {
        workspaceId: this.#workspaceId,
        replicaId: this.#trees.state.replicaId,
        draftId: randomId<DraftId>(this.#env),
        firstIndex: 0,
        baseManifestId,
        runs: spliceManifest(base ?? [], file.manifest),
        closeAs: file.content.manifestId,
      },
      { signal },
    );
    if (!answer.closed) throw new TwinfoldError("ERR_PROTOCOL", `the server did not take the manifest of ${file.path}`);
  }

  /** The commit and its counter are durable before it is sent; the answer and what follows from it are one write. */
  async #commit(changes: readonly Change[], signal: AbortSignal | undefined): Promise<CommitEffect | undefined> {
    const { replicaId, nextCounter, cursor } = this.#trees.state;
    const commit: Commit = { replicaId, counter: nextCounter, changes };
    const body = encodeCommit(commit);
    await this.#trees.write({ outboxPut: [{ counter: nextCounter, body }], state: { nextCounter: nextCounter + 1 } });
    const answer = await this.#transport.commit({ workspaceId: this.#workspaceId, commit: body, cursor }, { signal });
    // Another device uses this replica id. The outcome of that counter is the other one's, so it is not asked for: a reset takes a new id.
    if (answer.kind === "cloned") await this.#trees.write({ state: { resetting: true } });
    // Any other answer leaves the commit in doubt: the next look at the hub's changes settles it, or resets.
    if (answer.kind !== "done") return undefined;
    const effect = await settleCommit(this.#trees, commit, answer);
    await this.#events.settled(effect);
    return effect;
  }
}

/** Bytes of the frames of one request: as many as it may have, or all that the group's files hold. */
function roomFor(group: readonly Prepared[], missing: ReadonlySet<ChunkId>): number {
  const entries = group.flatMap(({ file }) => file?.manifest.filter(({ chunkId }) => missing.has(chunkId)) ?? []);
  const longest = entries.reduce((most, { lengthBytes }) => Math.max(most, lengthBytes), 0);
  return Math.min(Math.max(REQUEST_BYTES, longest + FRAME_HEADER_BYTES), manifestSize(entries) + entries.length * FRAME_HEADER_BYTES);
}
