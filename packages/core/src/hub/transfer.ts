import type { Env } from "../env.js";
import { isTwinfoldError, TwinfoldError } from "../errors.js";
import type { ChunkId, WorkspaceId } from "../ids.js";
import { chunkIdOf, MAX_CHUNK_BYTES } from "../manifest.js";
import type { HubStore } from "../metadata/hub-store.js";
import { type Frame, MAX_BATCH_BYTES, MAX_BATCH_FRAMES } from "../storage/frame.js";
import type { PackStore, StoredChunk } from "../storage/pack-store.js";
import { MAX_ASKED_CHUNKS } from "../transport/messages.js";
import type { UploadAnswer } from "../transport/transport.js";
import { noSuchWorkspace } from "./access.js";
import { count, type HubCounters } from "./hub-counters.js";

const NO_BYTES = new Uint8Array(0);

export interface TransferOptions {
  readonly store: HubStore;
  readonly packs: PackStore;
  readonly env: Pick<Env, "sha256">;
  readonly counters: HubCounters;
  readonly onDamage: (damage: TwinfoldError) => void;
}

/** Chunks into a workspace and out of it. Only possession gives access: an id alone is worth nothing. Judges no permission. */
export function createTransfer({ store, packs, env, counters, onDamage }: TransferOptions) {
  async function missing(workspaceId: WorkspaceId, chunkIds: readonly ChunkId[]): Promise<readonly ChunkId[]> {
    atMost(chunkIds.length, MAX_ASKED_CHUNKS, "chunks asked for");
    const possessed = await store.possessed(workspaceId, chunkIds);
    return [...new Set(chunkIds)].filter((chunkId) => !possessed.has(chunkId));
  }

  async function upload(workspaceId: WorkspaceId, frames: readonly Frame[], signal?: AbortSignal): Promise<UploadAnswer> {
    atMost(frames.length, MAX_BATCH_FRAMES, "frames");
    atMost(
      frames.reduce((sum, frame) => sum + frame.payload.length, 0),
      MAX_BATCH_BYTES,
      "bytes",
    );
    const sendPlain = frames.filter(({ codec }) => codec === "deflate" || codec === "delta").map(({ chunkId }) => chunkId);
    const plain = frames.filter(({ codec }) => codec === "plain");
    const sound: StoredChunk[] = [];
    let broken: Frame | undefined;
    for (const frame of plain) {
      if (isSound(frame, env)) sound.push({ chunkId: frame.chunkId, bytes: frame.payload });
      else broken ??= frame;
    }
    await keep(workspaceId, sound, signal);
    if (broken !== undefined) {
      throw new TwinfoldError(
        "ERR_INTEGRITY",
        `the frame of chunk ${broken.chunkId} does not hold its bytes; the ${sound.length} others were kept, send it again`,
      );
    }
    if (plain.length + sendPlain.length < frames.length) {
      throw new TwinfoldError("ERR_PROTOCOL", "an upload has a frame without a chunk; leave out what you do not have");
    }
    return { stored: sound.map(({ chunkId }) => chunkId), sendPlain };
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

  async function* download(workspaceId: WorkspaceId, chunkIds: readonly ChunkId[], signal?: AbortSignal): AsyncGenerator<Frame, void, undefined> {
    atMost(chunkIds.length, MAX_BATCH_FRAMES, "chunks asked for");
    const possessed = await store.possessed(workspaceId, chunkIds);
    const ours = chunkIds.filter((chunkId) => possessed.has(chunkId));
    const rows = await store.chunks(ours);
    atMost(
      rows.reduce((sum, row) => sum + (row?.plainBytes ?? 0), 0),
      MAX_BATCH_BYTES,
      "bytes asked for",
    );
    const bytes = packs.read(ours, { signal })[Symbol.asyncIterator]();
    try {
      for (const chunkId of chunkIds) {
        const payload = possessed.has(chunkId) ? (await bytes.next()).value : undefined;
        if (isTwinfoldError(payload)) {
          count(counters, "chunksDamaged");
          onDamage(payload);
        }
        if (payload === undefined || isTwinfoldError(payload)) {
          yield { chunkId, codec: "absent", plainBytes: 0, payload: NO_BYTES };
          continue;
        }
        count(counters, "chunksServed");
        count(counters, "bytesServed", payload.length);
        yield { chunkId, codec: "plain", plainBytes: payload.length, payload };
      }
    } finally {
      await bytes.return?.();
    }
  }

  return { missing, upload, download };
}

function isSound({ chunkId, plainBytes, payload }: Frame, { sha256 }: Pick<Env, "sha256">): boolean {
  const { length } = payload;
  return length > 0 && length === plainBytes && length <= MAX_CHUNK_BYTES && chunkIdOf(payload, sha256) === chunkId;
}

function atMost(actual: number, most: number, what: string): void {
  if (actual > most) throw new TwinfoldError("ERR_TOO_LARGE", `${actual} ${what} in one request, where ${most} are allowed; ask in several`);
}
