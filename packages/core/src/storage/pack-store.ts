import { bytesToHex } from "../codec/hex.js";
import { compressionOf } from "../compression/fflate-compression.js";
import type { Env } from "../env.js";
import { isTwinfoldError, TwinfoldError } from "../errors.js";
import type { ChunkId } from "../ids.js";
import { chunkIdOf } from "../manifest.js";
import type { ChunkRow, HubStore } from "../metadata/hub-store.js";
import type { OperationOptions } from "../operation-options.js";
import type { BlobStore } from "./blob-store.js";
import { PACK_MAGIC } from "./frame-room.js";
import { encodeFrames, type Frame, FRAME_HEADER_BYTES, MAX_BATCH_BYTES } from "./frame.js";

/** Neighbours in a pack this close are read together: another request costs more than these bytes. */
const MAX_GAP_BYTES = 64 * 1024;

/** A chunk whose bytes were checked against its id. */
export interface StoredChunk {
  readonly chunkId: ChunkId;
  readonly bytes: Uint8Array;
  /** The same in raw deflate: it came so, or rests so. */
  readonly deflated?: Uint8Array | undefined;
}

export interface PackReceipt {
  /** Chunks written now; the others were there. */
  readonly chunks: number;
  readonly bytes: number;
}

/** Chunks in packs: many in one blob, so that one durable write holds all that one upload brought. */
export interface PackStore {
  /** Durable, bytes and index, when it resolves. The caller has checked each chunk, and rests it deflated where it gave that; those that the index has are left out. */
  put(chunks: readonly StoredChunk[], options?: OperationOptions): Promise<PackReceipt>;
  /**
   * The chunks `chunkIds`, in that order; `undefined` for one that no index row names, and an `ERR_INTEGRITY` in the place of one whose
   * pack is gone or holds other bytes, so that what is damaged takes nothing with it. With `unverified` the bytes are not held against the id,
   * which is the caller's to do. Memory: at most 8 MiB and one chunk.
   */
  read(
    chunkIds: readonly ChunkId[],
    options?: OperationOptions & { readonly unverified?: boolean | undefined },
  ): AsyncIterable<StoredChunk | TwinfoldError | undefined>;
}

export interface PackStoreOptions {
  readonly blobs: BlobStore;
  readonly store: HubStore;
  readonly env: Pick<Env, "randomBytes" | "sha256" | "compression">;
}

export function createPackStore({ blobs, store, env }: PackStoreOptions): PackStore {
  const compression = compressionOf(env);

  async function put(chunks: readonly StoredChunk[], { signal }: OperationOptions = {}): Promise<PackReceipt> {
    const distinct = [...new Map(chunks.map((chunk) => [chunk.chunkId, chunk])).values()];
    const known = await store.chunks(distinct.map(({ chunkId }) => chunkId));
    const fresh = distinct.filter((_, index) => known[index] === undefined);
    if (fresh.length === 0) return { chunks: 0, bytes: 0 };

    const pack = packName(env);
    const { bytes, rows } = buildPack(pack, fresh);
    await blobs.put(pack, bytes, { signal }).catch((error: unknown) => {
      throw asStoreFailure(error);
    });
    await store.addChunks(rows);
    return { chunks: fresh.length, bytes: fresh.reduce((sum, chunk) => sum + chunk.bytes.length, 0) };
  }

  async function* read(
    chunkIds: readonly ChunkId[],
    { signal, unverified = false }: Parameters<PackStore["read"]>[1] = {},
  ): AsyncGenerator<StoredChunk | TwinfoldError | undefined, void, undefined> {
    const rows = await store.chunks(chunkIds);
    for (let at = 0; at < rows.length; ) {
      const row = rows[at];
      if (row === undefined) {
        at += 1;
        yield undefined;
        continue;
      }
      const end = endOfRun(rows, at);
      const run = rows.slice(at, end) as ChunkRow[];
      at = end;
      yield* await readRun(run, unverified, signal);
    }
  }

  async function readRun(
    run: readonly ChunkRow[],
    unverified: boolean,
    signal: AbortSignal | undefined,
  ): Promise<Array<StoredChunk | TwinfoldError>> {
    const bytes = await readRange(run, signal);
    if (bytes !== undefined) return unpack(run, bytes, unverified);
    // A pack that was rewritten since the index was read is found under its new name. One that ends too early still holds the chunks before.
    const again = await store.chunks(run.map(({ chunkId }) => chunkId));
    const found: Array<StoredChunk | TwinfoldError> = [];
    for (const [index, { chunkId, pack }] of run.entries()) {
      const row = again[index];
      const single = row === undefined ? undefined : await readRange([row], signal);
      if (row !== undefined && single !== undefined) found.push(...unpack([row], single, unverified));
      else
        found.push(
          new TwinfoldError("ERR_INTEGRITY", `chunk ${chunkId} cannot be read: its pack ${pack} is gone or cut short; restore it from a backup`),
        );
    }
    return found;
  }

  /** From the header of the first, so that what is sent on is in memory as it travels. `undefined` when there is no such pack, or it ends before the last of the run. */
  async function readRange(run: readonly ChunkRow[], signal: AbortSignal | undefined): Promise<Uint8Array | undefined> {
    const first = run[0] as ChunkRow;
    const start = first.offset - FRAME_HEADER_BYTES;
    const range = { offset: start, length: endOf(run.at(-1) as ChunkRow) - start };
    try {
      return await blobs.get(first.pack, { range, signal });
    } catch (error) {
      if (isTwinfoldError(error) && error.code === "ERR_INVALID_ARGUMENT") return undefined;
      throw asStoreFailure(error);
    }
  }

  function unpack(run: readonly ChunkRow[], bytes: Uint8Array, unverified: boolean): Array<StoredChunk | TwinfoldError> {
    const start = (run[0] as ChunkRow).offset - FRAME_HEADER_BYTES;
    return run.map((row) => {
      const { chunkId, pack } = row;
      const stored = bytes.subarray(row.offset - start, endOf(row) - start);
      const chunk = plainOf(row, stored);
      if (chunk?.length === row.plainBytes && (unverified || chunkIdOf(chunk, env.sha256) === chunkId)) {
        return { chunkId, bytes: chunk, deflated: row.codec === "deflate" ? stored : undefined };
      }
      return new TwinfoldError("ERR_INTEGRITY", `the bytes of chunk ${chunkId} in pack ${pack} are not its own; restore the pack from a backup`);
    });
  }

  /** `undefined` when what is stored cannot be inflated. */
  function plainOf({ chunkId, pack, codec, plainBytes }: ChunkRow, stored: Uint8Array): Uint8Array | undefined {
    switch (codec) {
      case "plain":
        return stored;
      case "deflate":
        try {
          return compression.inflate(stored, plainBytes);
        } catch (error) {
          if (isTwinfoldError(error)) return undefined;
          throw error;
        }
      default:
        throw new TwinfoldError(
          "ERR_NEWER_FORMAT",
          `chunk ${chunkId} in pack ${pack} is stored as ${codec as string}, which this program cannot read`,
        );
    }
  }

  return { put, read };
}

/** That a store refuses the hub is a failure of the server: whoever asked has every permission that they need. */
function asStoreFailure(error: unknown): unknown {
  if (!isTwinfoldError(error) || error.code !== "ERR_PERMISSION_DENIED") return error;
  return new TwinfoldError("ERR_STORE_FAILED", error.message, { cause: error });
}

function packName(env: Pick<Env, "randomBytes">): string {
  const id = bytesToHex(env.randomBytes(16));
  return `packs/${id.slice(0, 2)}/${id}`;
}

function buildPack(pack: string, chunks: readonly StoredChunk[]): { readonly bytes: Uint8Array; readonly rows: readonly ChunkRow[] } {
  const frames = chunks.map(frameOf);
  let at = PACK_MAGIC.length;
  const rows = frames.map(({ chunkId, codec, plainBytes, payload }): ChunkRow => {
    const offset = at + FRAME_HEADER_BYTES;
    at = offset + payload.length;
    return { chunkId, pack, offset, storedBytes: payload.length, plainBytes, codec };
  });
  const pieces = [...encodeFrames(frames)];
  const [only] = pieces;
  const inPlace = only === undefined || pieces.length > 1 ? undefined : packInPlace(only);
  return { bytes: inPlace ?? joined([PACK_MAGIC, ...pieces], at), rows };
}

/** The pack whose frames lie in memory as they rest, when its magic lies before them: nothing of it is copied. */
function packInPlace(frames: Uint8Array): Uint8Array | undefined {
  const start = frames.byteOffset - PACK_MAGIC.length;
  if (start < 0) return undefined;
  const bytes = new Uint8Array(frames.buffer, start, PACK_MAGIC.length + frames.length);
  return PACK_MAGIC.every((byte, at) => byte === bytes[at]) ? bytes : undefined;
}

function joined(pieces: readonly Uint8Array[], sizeBytes: number): Uint8Array {
  const whole = new Uint8Array(sizeBytes);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function frameOf({ chunkId, bytes, deflated }: StoredChunk): Frame & Pick<ChunkRow, "codec"> {
  const shorter = deflated !== undefined && deflated.length < bytes.length ? deflated : undefined;
  return { chunkId, codec: shorter === undefined ? "plain" : "deflate", plainBytes: bytes.length, payload: shorter ?? bytes };
}

function endOf(row: ChunkRow): number {
  return row.offset + row.storedBytes;
}

/** Index after the last of the rows from `start` that one range read brings: at most 8 MiB as they rest, and as chunks. */
function endOfRun(rows: ReadonlyArray<ChunkRow | undefined>, start: number): number {
  const first = rows[start] as ChunkRow;
  let end = start + 1;
  let plainBytes = first.plainBytes;
  for (let last = first; end < rows.length; end++) {
    const next = rows[end];
    if (next === undefined || next.pack !== last.pack || next.offset < endOf(last)) break;
    plainBytes += next.plainBytes;
    if (next.offset - endOf(last) > MAX_GAP_BYTES || endOf(next) - first.offset > MAX_BATCH_BYTES || plainBytes > MAX_BATCH_BYTES) break;
    last = next;
  }
  return end;
}
