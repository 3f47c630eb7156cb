import { bytesToHex } from "../../codec/hex.js";
import { isTwinfoldError, TwinfoldError } from "../../errors.js";
import { type ChunkId, type DraftId, type ManifestId, type NodeId, randomId } from "../../ids.js";
import { type Manifest, manifestSize, spliceManifest } from "../../manifest.js";
import type { LocalPath } from "../../names.js";
import type { Place } from "../../node.js";
import type { DraftAnswer } from "../../transport/transport.js";
import type { ReplicaParts } from "../replica-parts.js";

/** A draft grows so many times at the most while its file is sent: with each the hub writes the draft anew, and others are woken. */
const MAX_GROWTHS = 64;
/** Of a draft that the hub holds at another length than was thought the rest is sent from there, so often. */
const MAX_CONTINUATIONS = 3;

const encoder = new TextEncoder();

type AnnouncerParts = Pick<ReplicaParts, "transport" | "workspaceId" | "trees" | "env" | "link" | "draftFromBytes">;

/** A file that is being sent. */
export interface SentFile {
  readonly nodeId: NodeId;
  readonly place: Place;
  readonly path: LocalPath;
  readonly manifestId: ManifestId;
  readonly manifest: Manifest;
  /** What the hub has for the node, where this device has it too. */
  readonly base?: { readonly manifestId: ManifestId; readonly manifest: Manifest } | undefined;
}

/** What the hub knows of one file. */
interface Draft {
  readonly file: SentFile;
  readonly stepBytes: number;
  id: DraftId;
  /** Entries that the hub holds. */
  length: number;
  /** Entries from the start whose chunks are durable, and their bytes. */
  durable: number;
  durableBytes: number;
  announcedBytes: number;
  /** The hub would not have it: it is closed in one piece. */
  isSilent: boolean;
}

/**
 * Tells the hub, while large files are sent, which of their chunks are durable already, so that other devices fetch them ahead. None of it is needed for
 * the commit: what fails here is left out.
 *
 * A draft's id is made of what it is for, so that a process that is started again goes on with the draft of the one that died.
 */
export class DraftAnnouncer {
  readonly #parts: AnnouncerParts;
  readonly #signal: AbortSignal | undefined;
  readonly #pending: Set<ChunkId>;
  readonly #drafts = new Map<NodeId, Draft>();
  #sending: Promise<void> | undefined;
  /** Nothing that a hub or a network does. */
  #failure: { readonly error: unknown } | undefined;

  /** @param missing the chunks of `files` that the hub has not. */
  constructor(parts: AnnouncerParts, files: readonly SentFile[], missing: ReadonlySet<ChunkId>, signal: AbortSignal | undefined) {
    this.#parts = parts;
    this.#signal = signal;
    this.#pending = new Set(missing);
    if (!parts.link.offers("drafts")) return;
    for (const file of files) {
      const missingBytes = file.manifest.reduce((sum, { chunkId, lengthBytes }) => sum + (missing.has(chunkId) ? lengthBytes : 0), 0);
      if (missingBytes < parts.draftFromBytes) continue;
      this.#drafts.set(file.nodeId, this.#newDraft(file, Math.max(parts.draftFromBytes / 2, missingBytes / MAX_GROWTHS)));
    }
  }

  #newDraft(file: SentFile, stepBytes: number): Draft {
    return { file, stepBytes, id: this.#idOf(file), length: 0, durable: 0, durableBytes: 0, announcedBytes: 0, isSilent: false };
  }

  #idOf({ nodeId, manifestId }: SentFile): DraftId {
    const { env, trees } = this.#parts;
    const made = encoder.encode(`twinfold/draft ${trees.state.replicaId} ${nodeId} ${manifestId}`);
    return bytesToHex(env.sha256(made).subarray(0, 16)) as DraftId;
  }

  /** These chunks are durable now. The hub is told by and by. */
  stored(chunkIds: Iterable<ChunkId>): void {
    for (const chunkId of chunkIds) this.#pending.delete(chunkId);
    if (this.#drafts.size === 0) return;
    this.#sending ??= this.#announce().finally(() => {
      this.#sending = undefined;
    });
  }

  /** Resolves when nothing is on its way any more. */
  async settled(): Promise<void> {
    await this.#sending;
  }

  /** True when the hub may have a draft of the file, which then has to be closed. */
  isAnnounced({ nodeId }: SentFile): boolean {
    return (this.#drafts.get(nodeId)?.announcedBytes ?? 0) > 0;
  }

  /** Makes the manifest of a file whose chunks are durable one that a commit may name. */
  async close(file: SentFile): Promise<void> {
    await this.settled();
    if (this.#failure !== undefined) throw this.#failure.error;
    const draft = this.#drafts.get(file.nodeId) ?? this.#newDraft(file, 0);
    for (let attempt = 0; attempt < MAX_CONTINUATIONS; attempt++) {
      const answer = await this.#send(draft, file.manifest.length, file.manifestId).catch((error: unknown): DraftAnswer => {
        // It was not what it was to be, and is gone.
        if (attempt === 0 && isTwinfoldError(error) && error.code === "ERR_INTEGRITY") return { length: 0, closed: false };
        throw error;
      });
      if (answer.closed) return;
      draft.length = answer.length;
      if (answer.length > file.manifest.length) [draft.id, draft.length] = [randomId<DraftId>(this.#parts.env), 0];
    }
    throw new TwinfoldError("ERR_PROTOCOL", `the server did not take the manifest of ${file.path}`);
  }

  async #announce(): Promise<void> {
    for (let draft = this.#due(); draft !== undefined; draft = this.#due()) {
      draft.announcedBytes = draft.durableBytes;
      try {
        // A draft of an earlier process may hold as much already, or more.
        for (let attempt = 0; attempt < MAX_CONTINUATIONS && draft.length < draft.durable; attempt++) {
          draft.length = (await this.#send(draft, draft.durable, undefined)).length;
        }
      } catch (error) {
        draft.isSilent = true;
        if (!isTwinfoldError(error) && this.#signal?.aborted !== true) this.#failure = { error };
      }
    }
  }

  /** A draft that has grown by a step. */
  #due(): Draft | undefined {
    for (const draft of this.#drafts.values()) {
      const { manifest } = draft.file;
      for (let entry = manifest[draft.durable]; entry !== undefined && !this.#pending.has(entry.chunkId); entry = manifest[draft.durable]) {
        draft.durable += 1;
        draft.durableBytes += entry.lengthBytes;
      }
      if (!draft.isSilent && draft.durableBytes - draft.announcedBytes >= draft.stepBytes) return draft;
    }
    return undefined;
  }

  /** Sends the entries up to `end`. */
  async #send({ file, id, length }: Draft, end: number, closeAs: ManifestId | undefined): Promise<DraftAnswer> {
    const { transport, workspaceId, trees } = this.#parts;
    const { nodeId, place, manifest, base } = file;
    const about = { nodeId, place, sizeBytes: manifestSize(manifest) };
    return await transport.draft(
      {
        workspaceId,
        replicaId: trees.state.replicaId,
        draftId: id,
        firstIndex: length,
        baseManifestId: base?.manifestId,
        runs: spliceManifest(base?.manifest ?? [], manifest.slice(length, end)),
        ...(closeAs === undefined ? { about } : { closeAs }),
      },
      { signal: this.#signal },
    );
  }
}
