import { chunkBytes } from "../chunking/chunker.js";
import type { ChunkProfile } from "../chunking/profile.js";
import { type Codec, id, list, struct, varint } from "../codec/codec.js";
import { bytesToHex } from "../codec/hex.js";
import type { Sha256 } from "../env.js";
import type { ChunkId } from "../ids.js";
import { MAX_CHUNK_BYTES } from "../manifest.js";
import { DeltaBuilder, MAX_DELTA_BASE_BYTES, MAX_DELTA_BASES } from "./delta.js";

/** Small enough to find what an edit left alone, large enough that a sketch is 1/400 of its chunk. */
const SKETCH_PROFILE: ChunkProfile = { minBytes: 2048, averageBytes: 4096, maxBytes: 16_384, normalization: 2 };

/** One piece of a chunk that can be recognized when its bytes are gone. */
export interface SketchPiece {
  /** First 8 bytes of the piece's SHA-256, in hex. */
  readonly fingerprint: string;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/** The pieces of a chunk, from its first byte to its last. */
export type Sketch = readonly SketchPiece[];

/** About 11 bytes for every 5 KiB of the chunk: fingerprints and lengths; the offsets follow. */
export const sketchCodec: Codec<Sketch> = {
  write: (writer, sketch) => storedSketch.write(writer, sketch),
  read: (reader) => withOffsets(storedSketch.read(reader)),
};

type StoredPiece = Omit<SketchPiece, "offsetBytes">;
const storedSketch = list(struct<StoredPiece>({ fingerprint: id<string>(8), lengthBytes: varint }), MAX_CHUNK_BYTES / SKETCH_PROFILE.minBytes);

function withOffsets(pieces: readonly StoredPiece[]): Sketch {
  let at = 0;
  return pieces.map((piece) => {
    const offsetBytes = at;
    at += piece.lengthBytes;
    return { ...piece, offsetBytes };
  });
}

/** Where the pieces of a chunk begin and end. */
export function piecesOf(bytes: Uint8Array, profile: ChunkProfile): ReadonlyArray<{ readonly start: number; readonly end: number }> {
  let end = 0;
  return chunkBytes(bytes, profile).map((length) => {
    const start = end;
    end += length;
    return { start, end };
  });
}

export function sketchChunk(bytes: Uint8Array, sha256: Sha256): Sketch {
  return piecesOf(bytes, SKETCH_PROFILE).map(({ start, end }) => ({
    fingerprint: fingerprintOf(bytes.subarray(start, end), sha256),
    offsetBytes: start,
    lengthBytes: end - start,
  }));
}

function fingerprintOf(piece: Uint8Array, sha256: Sha256): string {
  return bytesToHex(sha256(piece).subarray(0, 8));
}

/** A chunk that the receiver has and of which only the sketch is at hand. */
export interface SketchedBase {
  readonly chunkId: ChunkId;
  readonly sketch: Sketch;
}

/**
 * Tells `target` by pieces that it shares with the bases, as the payload of a `delta` frame; `undefined` when that is not smaller.
 *
 * Pieces are equal when length and 64 bits of SHA-256 are. Should two ever differ all the same, the receiver sees it by the chunk's
 * id and asks for plain bytes. Bases beyond what one delta may name are not used.
 */
export function diffAgainstSketches(target: Uint8Array, bases: readonly SketchedBase[], sha256: Sha256): Uint8Array | undefined {
  const usable = usableBases(
    bases,
    ({ chunkId }) => chunkId,
    ({ sketch }) => sketch.reduce((sum, piece) => sum + piece.lengthBytes, 0),
  );
  const known = new Map<string, Array<{ readonly chunkId: ChunkId; readonly offsetBytes: number }>>();
  for (const { chunkId, sketch } of usable) {
    for (const { fingerprint, lengthBytes, offsetBytes } of sketch) {
      const key = `${fingerprint}:${lengthBytes}`;
      const places = known.get(key);
      if (places === undefined) known.set(key, [{ chunkId, offsetBytes }]);
      else if (places.length < MAX_PLACES) places.push({ chunkId, offsetBytes });
    }
  }
  const builder = new DeltaBuilder(target);
  let next: { readonly chunkId: ChunkId; readonly offsetBytes: number } | undefined;
  for (const { start, end } of piecesOf(target, SKETCH_PROFILE)) {
    const places = known.get(`${fingerprintOf(target.subarray(start, end), sha256)}:${end - start}`) ?? [];
    const place = places.find(({ chunkId, offsetBytes }) => chunkId === next?.chunkId && offsetBytes === next.offsetBytes) ?? places[0];
    if (place === undefined) continue;
    builder.insertUntil(start);
    builder.copy(place.chunkId, place.offsetBytes, end - start);
    next = { chunkId: place.chunkId, offsetBytes: place.offsetBytes + end - start };
  }
  return builder.finish();
}

/** Places remembered for pieces that are all alike, as zeros are: bounds the search. */
export const MAX_PLACES = 8;

/** Of `bases`, each once, the first that one delta may name. */
export function usableBases<T>(bases: readonly T[], idOf: (base: T) => ChunkId, sizeOf: (base: T) => number): readonly T[] {
  const seen = new Set<ChunkId>();
  let totalBytes = 0;
  return bases.filter((base) => {
    const fits = seen.size < MAX_DELTA_BASES && totalBytes + sizeOf(base) <= MAX_DELTA_BASE_BYTES && !seen.has(idOf(base));
    if (fits) {
      seen.add(idOf(base));
      totalBytes += sizeOf(base);
    }
    return fits;
  });
}
