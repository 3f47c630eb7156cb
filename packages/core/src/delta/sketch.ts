import { chunkBytes } from "../chunking/chunker.js";
import type { ChunkProfile } from "../chunking/profile.js";
import { type Codec, id, list, struct, varint } from "../codec/codec.js";
import { bytesToHex } from "../codec/hex.js";
import type { Env, Sha256 } from "../env.js";
import { TwinfoldError } from "../errors.js";
import type { ChunkId } from "../ids.js";
import { type ManifestEntry, MAX_CHUNK_BYTES } from "../manifest.js";
import { DeltaBuilder, MAX_DELTA_BASE_BYTES, MAX_DELTA_BASES } from "./delta.js";

const KIB = 1024;
/** Up to it the chunks of files of up to 128 MiB are, but for the longest. */
const SMALL_CHUNK_BYTES = 128 * KIB;
/** Bounds how many pieces a chunk may have, and so what a sketch and its comparison may take. */
const MIN_SKETCH_AVERAGE = KIB;
const MAX_SKETCH_AVERAGE = 64 * KIB;

/**
 * The average length of pieces, in bytes, that costs least for a chunk of that length.
 *
 * A sketch takes 10 bytes for each piece, and an edit resends about a piece, compressed to a half: least at √(20 × length), which is 1.3 KiB for
 * 80 KiB (the mean chunk of a file up to 128 MiB) and 4.9 KiB for 1.2 MiB (from 1 GiB on).
 */
export function sketchAverageFor(chunkBytes: number): number {
  return chunkBytes <= SMALL_CHUNK_BYTES ? KIB : 4 * KIB;
}

/** @throws {TwinfoldError} `ERR_INVALID_ARGUMENT` when that average is not one. */
function sketchProfile(averageBytes: number): ChunkProfile {
  if (averageBytes < MIN_SKETCH_AVERAGE || averageBytes > MAX_SKETCH_AVERAGE || !Number.isInteger(Math.log2(averageBytes))) {
    throw new TwinfoldError(
      "ERR_INVALID_ARGUMENT",
      `pieces of a sketch are a power of two from ${MIN_SKETCH_AVERAGE} to ${MAX_SKETCH_AVERAGE} bytes on average, got ${averageBytes}`,
    );
  }
  return { minBytes: averageBytes / 2, averageBytes, maxBytes: averageBytes * 4, normalization: 2 };
}

/** One piece of a chunk that can be recognized when its bytes are gone. */
export interface SketchPiece {
  /** First 8 bytes of the piece's SHA-256, in hex. */
  readonly fingerprint: string;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/** The pieces of a chunk, from its first byte to its last. */
export type Sketch = readonly SketchPiece[];

/** About 10 bytes for each piece: fingerprints and lengths; the offsets follow. */
export const sketchCodec: Codec<Sketch> = {
  write: (writer, sketch) => storedSketch.write(writer, sketch),
  read: (reader) => withOffsets(storedSketch.read(reader)),
};

type StoredPiece = Omit<SketchPiece, "offsetBytes">;
const storedSketch = list(struct<StoredPiece>({ fingerprint: id<string>(8), lengthBytes: varint }), (2 * MAX_CHUNK_BYTES) / MIN_SKETCH_AVERAGE);

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

/**
 * Cuts a chunk into pieces of `averageBytes` on average.
 *
 * @throws {TwinfoldError} `ERR_INVALID_ARGUMENT` when that is not a power of two from 1 to 64 KiB.
 */
export function sketchChunk(bytes: Uint8Array, averageBytes: number, sha256: Sha256): Sketch {
  return piecesOf(bytes, sketchProfile(averageBytes)).map(({ start, end }) => ({
    fingerprint: fingerprintOf(bytes.subarray(start, end), sha256),
    offsetBytes: start,
    lengthBytes: end - start,
  }));
}

function fingerprintOf(piece: Uint8Array, sha256: Sha256): string {
  return bytesToHex(sha256(piece).subarray(0, 8));
}

/** A range of a chunk that stands in an old one too, byte by byte. */
export interface ChunkCopy {
  /** Where it begins in the new chunk. */
  readonly at: number;
  readonly base: ManifestEntry;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

export interface SketchOptions extends Pick<Env, "sha256" | "compression"> {
  /** Of the pieces, as the bases were sketched. */
  readonly averageBytes: number;
  /** Ranges of the target that need not be looked for; ascending, without overlap. @default none */
  readonly copies?: readonly ChunkCopy[] | undefined;
}

/** A chunk that the receiver has and of which only the sketch is at hand. */
export interface SketchedBase {
  readonly chunkId: ChunkId;
  readonly sketch: Sketch;
}

/**
 * Tells `target` by `copies` and by pieces that the rest of it shares with the bases, as the payload of a `delta` frame; `undefined` when that is not smaller.
 *
 * Pieces are equal when length and 64 bits of SHA-256 are. Should two ever differ all the same, the receiver sees it by the chunk's
 * id and asks for plain bytes. Bases beyond what one delta may name are not used, those of copies first. With `compression` the inserts are deflated.
 */
export function diffAgainstSketches(
  target: Uint8Array,
  bases: readonly SketchedBase[],
  { averageBytes, sha256, compression, copies = [] }: SketchOptions,
): Uint8Array | undefined {
  const sketched = bases.map(({ chunkId, sketch }) => ({ chunkId, lengthBytes: sketch.reduce((sum, piece) => sum + piece.lengthBytes, 0) }));
  const usable = new Set(usableBases([...copies.map(({ base }) => base), ...sketched], (entry) => entry).map(({ chunkId }) => chunkId));
  const known = new Map<string, Array<{ readonly chunkId: ChunkId; readonly offsetBytes: number }>>();
  for (const { chunkId, sketch } of bases) {
    if (!usable.has(chunkId)) continue;
    for (const { fingerprint, lengthBytes, offsetBytes } of sketch) {
      const key = `${fingerprint}:${lengthBytes}`;
      const places = known.get(key);
      if (places === undefined) known.set(key, [{ chunkId, offsetBytes }]);
      else if (places.length < MAX_PLACES) places.push({ chunkId, offsetBytes });
    }
  }
  const builder = new DeltaBuilder(target);
  let next: { readonly chunkId: ChunkId; readonly offsetBytes: number } | undefined;

  /** Copies what is recognized of the target up to `end`. */
  const recognize = (end: number): void => {
    if (known.size === 0) return;
    const from = builder.at;
    for (const piece of piecesOf(target.subarray(from, end), sketchProfile(averageBytes))) {
      const [start, lengthBytes] = [from + piece.start, piece.end - piece.start];
      const places = known.get(`${fingerprintOf(target.subarray(start, start + lengthBytes), sha256)}:${lengthBytes}`) ?? [];
      const place = places.find(({ chunkId, offsetBytes }) => chunkId === next?.chunkId && offsetBytes === next.offsetBytes) ?? places[0];
      if (place === undefined) continue;
      builder.insertUntil(start);
      builder.copy(place.chunkId, place.offsetBytes, lengthBytes);
      next = { chunkId: place.chunkId, offsetBytes: place.offsetBytes + lengthBytes };
    }
  };

  for (const { at, base, offsetBytes, lengthBytes } of copies) {
    if (!usable.has(base.chunkId)) continue;
    recognize(at);
    builder.insertUntil(at);
    builder.copy(base.chunkId, offsetBytes, lengthBytes);
  }
  recognize(target.length);
  return builder.finish(compression);
}

/** Places remembered for pieces that are all alike, as zeros are: bounds the search. */
export const MAX_PLACES = 8;

/** Of `bases`, each once, the first that one delta may name. */
export function usableBases<T>(bases: readonly T[], entryOf: (base: T) => ManifestEntry): readonly T[] {
  const seen = new Set<ChunkId>();
  let totalBytes = 0;
  return bases.filter((base) => {
    const { chunkId, lengthBytes } = entryOf(base);
    const fits = seen.size < MAX_DELTA_BASES && totalBytes + lengthBytes <= MAX_DELTA_BASE_BYTES && !seen.has(chunkId);
    if (fits) {
      seen.add(chunkId);
      totalBytes += lengthBytes;
    }
    return fits;
  });
}
