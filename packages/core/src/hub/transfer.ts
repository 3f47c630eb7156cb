import { compressionOf } from "../compression/fflate-compression.js";
import { type Sketch, sketchChunk } from "../delta/sketch.js";
import type { Env } from "../env.js";
import { isTwinfoldError, TwinfoldError } from "../errors.js";
import type { ChunkId, WorkspaceId } from "../ids.js";
import { chunkIdOf, MAX_CHUNK_BYTES } from "../manifest.js";
import type { HubStore } from "../metadata/hub-store.js";
import { type Frame, MAX_BATCH_BYTES, MAX_BATCH_FRAMES } from "../storage/frame.js";
import type { PackStore, StoredChunk } from "../storage/pack-store.js";
import { MAX_ASKED_CHUNKS } from "../transport/messages.js";
import type { DownloadRequest, SketchesRequest, UploadAnswer } from "../transport/transport.js";
import { noSuchWorkspace } from "./access.js";
import { HeldChunks } from "./held-chunks.js";
import { count, type HubCounters } from "./hub-counters.js";
import { rebuildFrame } from "./rebuild-frame.js";
import { basesOf, serveFrame } from "./serve-frame.js";

const NO_BYTES = new Uint8Array(0);

export interface TransferOptions {
  readonly store: HubStore;
  readonly packs: PackStore;
  readonly env: Pick<Env, "sha256" | "compression">;
  readonly counters: HubCounters;
  readonly onDamage: (damage: TwinfoldError) => void;
}

/** Chunks into a workspace and out of it. Only possession gives access: an id alone is worth nothing. Judges no permission. */
export function createTransfer({ store, packs, env, counters, onDamage }: TransferOptions) {
  const compression = compressionOf(env);

  async function missing(workspaceId: WorkspaceId, chunkIds: readonly ChunkId[]): Promise<readonly ChunkId[]> {
    atMost(chunkIds.length, MAX_ASKED_CHUNKS, "chunks asked for");
    const possessed = await store.possessed(workspaceId, chunkIds);
    return [...new Set(chunkIds)].filter((chunkId) => !possessed.has(chunkId));
  }

  async function upload(workspaceId: WorkspaceId, frames: readonly Frame[], signal?: AbortSignal): Promise<UploadAnswer> {
    atMost(frames.length, MAX_BATCH_FRAMES, "frames");
    for (const sizeOf of [(frame: Frame) => frame.payload.length, (frame: Frame) => frame.plainBytes]) {
      atMost(
        frames.reduce((sum, frame) => sum + sizeOf(frame), 0),
        MAX_BATCH_BYTES,
        "bytes",
      );
    }
    const bases = new HeldChunks({ store, packs, workspaceId, signal });
    const sound: StoredChunk[] = [];
    const sendPlain: ChunkId[] = [];
    let refusal: TwinfoldError | undefined;
    for (const frame of frames) {
      const chunk = await chunkOf(frame, bases);
      if (isTwinfoldError(chunk)) refusal ??= chunk;
      else if (chunk === undefined) sendPlain.push(frame.chunkId);
      else sound.push(chunk);
    }
    await keep(workspaceId, sound, signal);
    count(counters, "framesAskedAgain", sendPlain.length);
    if (refusal !== undefined) {
      throw new TwinfoldError(refusal.code, `${refusal.message}; the ${sound.length} sound frames were kept, send the others again`, {
        cause: refusal,
      });
    }
    return { stored: sound.map(({ chunkId }) => chunkId), sendPlain };
  }

  /** The chunk of an uploaded frame, checked against its id; `undefined` for one that is to be sent plain, and what a frame is refused with. */
  async function chunkOf(frame: Frame, bases: HeldChunks): Promise<StoredChunk | TwinfoldError | undefined> {
    const { chunkId, codec, payload, plainBytes } = frame;
    switch (codec) {
      case "absent":
        return new TwinfoldError("ERR_PROTOCOL", "an upload has a frame without a chunk: leave out what you do not have");
      case "plain":
        if (isSound({ chunkId, bytes: payload }, frame, env)) return { chunkId, bytes: payload };
        return new TwinfoldError("ERR_INTEGRITY", `the frame of chunk ${chunkId} does not hold its bytes`);
      case "deflate":
      case "delta": {
        let chunk: StoredChunk | undefined;
        try {
          chunk = await rebuildFrame(frame, bases, compression);
        } catch (error) {
          if (isTwinfoldError(error) && error.code === "ERR_PROTOCOL") return error;
          throw error;
        }
        if (chunk === undefined || !isSound(chunk, frame, env)) return undefined;
        count(counters, codec === "delta" ? "deltaFramesReceived" : "deflateFramesReceived");
        count(counters, "bytesSaved", plainBytes - payload.length);
        return chunk;
      }
    }
  }

  /** Pack, then index, then possession: a crash between two of them leaves bytes that nothing refers to. */
  async function keep(workspaceId: WorkspaceId, chunks: readonly StoredChunk[], signal: AbortSignal | undefined): Promise<void> {
    if (chunks.length === 0) return;
    const written = await packs.put(chunks, { signal });
    count(counters, "packsWritten", written.chunks > 0 ? 1 : 0);
    count(counters, "chunksStored", written.chunks);
    count(counters, "chunksDeduplicated", chunks.length - written.chunks);
    count(counters, "bytesStored", written.bytes);
    const rows = chunks.map(({ chunkId, bytes }) => ({ table: "possessed" as const, chunkId, lengthBytes: bytes.length }));
    const [result] = await store.append([{ workspaceId, rows }]);
    if (result !== "appended") throw noSuchWorkspace(workspaceId);
  }

  /** The chunks of `chunkIds` that the workspace possesses, in that order; `undefined` for each other one, and for what is seen to be damaged. At most 8 MiB. */
  async function* possessedChunks(
    workspaceId: WorkspaceId,
    chunkIds: readonly ChunkId[],
    options: Parameters<PackStore["read"]>[1],
  ): AsyncGenerator<StoredChunk | undefined, void, undefined> {
    atMost(chunkIds.length, MAX_BATCH_FRAMES, "chunks asked for");
    const possessed = await store.possessed(workspaceId, chunkIds);
    const ours = chunkIds.filter((chunkId) => possessed.has(chunkId));
    atMost(
      ours.reduce((sum, chunkId) => sum + (possessed.get(chunkId) ?? 0), 0),
      MAX_BATCH_BYTES,
      "bytes asked for",
    );
    const chunks = packs.read(ours, options)[Symbol.asyncIterator]();
    try {
      for (const chunkId of chunkIds) {
        const chunk = possessed.has(chunkId) ? (await chunks.next()).value : undefined;
        if (isTwinfoldError(chunk)) {
          count(counters, "chunksDamaged");
          onDamage(chunk);
        }
        yield isTwinfoldError(chunk) ? undefined : chunk;
      }
    } finally {
      await chunks.return?.();
    }
  }

  async function sketches({ workspaceId, chunkIds, averageBytes }: SketchesRequest, signal?: AbortSignal): Promise<readonly Sketch[]> {
    const told: Sketch[] = [];
    for await (const chunk of possessedChunks(workspaceId, chunkIds, { signal })) {
      told.push(chunk === undefined ? [] : sketchChunk(chunk.bytes, averageBytes, env.sha256));
      count(counters, "chunksSketched", chunk === undefined ? 0 : 1);
    }
    return told;
  }

  async function* download({ workspaceId, chunkIds, accepts }: DownloadRequest, signal?: AbortSignal): AsyncGenerator<Frame, void, undefined> {
    const bases = new HeldChunks({ store, packs, workspaceId, signal });
    let index = 0;
    for await (const chunk of possessedChunks(workspaceId, chunkIds, { signal, unverified: accepts?.unverified })) {
      const place = index++;
      if (chunk === undefined) {
        yield { chunkId: chunkIds[place] as ChunkId, codec: "absent", plainBytes: 0, payload: NO_BYTES };
        continue;
      }
      const { chunkId, bytes } = chunk;
      count(counters, "chunksServed");
      count(counters, "bytesServed", bytes.length);
      if (accepts === undefined) {
        yield { chunkId, codec: "plain", plainBytes: bytes.length, payload: bytes };
        continue;
      }
      const frame = await serveFrame(chunk, { deflate: accepts.deflate, baseIds: basesOf(accepts, place) }, bases, compression);
      if (frame.codec !== "plain") count(counters, frame.codec === "delta" ? "deltaFramesServed" : "deflateFramesServed");
      count(counters, "bytesSaved", bytes.length - frame.payload.length);
      yield frame;
    }
  }

  return { missing, upload, sketches, download };
}

function isSound({ chunkId, bytes }: StoredChunk, { plainBytes }: Frame, { sha256 }: Pick<Env, "sha256">): boolean {
  const { length } = bytes;
  return length > 0 && length === plainBytes && length <= MAX_CHUNK_BYTES && chunkIdOf(bytes, sha256) === chunkId;
}

function atMost(actual: number, most: number, what: string): void {
  if (actual > most) throw new TwinfoldError("ERR_TOO_LARGE", `${actual} ${what} in one request, where ${most} are allowed; ask in several`);
}
