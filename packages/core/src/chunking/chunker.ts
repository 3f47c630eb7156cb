import { createCutFinder } from "./cut-window.js";
import type { ChunkProfile } from "./profile.js";

/**
 * Cuts one byte stream into chunks at places that depend on the bytes around them, not on how far they are from the start.
 *
 * Every chunk is a copy of its own: what was pushed may be overwritten at once. Memory: the open chunk, at most `maxBytes`
 * (twice that for the moment in which its buffer grows), and the chunks that are returned.
 */
export interface Chunker {
  /** Takes the next bytes, in pieces of any size, and gives the chunks that they complete. */
  push(bytes: Uint8Array): Uint8Array[];
  /** Ends the stream: gives what is left, if anything. The chunker is as new then, for another stream. */
  finish(): Uint8Array[];
}

const NOTHING = new Uint8Array(0);

/**
 * FastCDC v2020, exactly: the byte that makes the cut starts the next chunk.
 *
 * Source: Xia et al., "The Design of Fast Content-Defined Chunking for Data Deduplication Based Storage Systems", IEEE TPDS 31(9),
 * 2020; checked against what fastcdc-rs published.
 *
 * @throws {TwinfoldError} `ERR_INVALID_ARGUMENT` when the profile is not one.
 */
export function createChunker(profile: ChunkProfile): Chunker {
  const finder = createCutFinder(profile);
  let open = NOTHING;
  let openBytes = 0;

  /** Moves bytes of `piece` to the open chunk, as many as it can still take, and says how many. */
  const append = (piece: Uint8Array): number => {
    const count = Math.min(piece.length, profile.maxBytes - openBytes);
    const needed = openBytes + count;
    if (needed > open.length) {
      const larger = new Uint8Array(Math.min(profile.maxBytes, Math.max(needed, 2 * open.length)));
      larger.set(open.subarray(0, openBytes));
      open = larger;
    }
    open.set(piece.subarray(0, count), openBytes);
    openBytes = needed;
    return count;
  };

  return {
    push(bytes) {
      const chunks: Uint8Array[] = [];
      let at = 0;
      while (at < bytes.length) {
        if (openBytes === 0) {
          const length = finder.find(bytes, at, bytes.length);
          if (length === undefined) {
            append(bytes.subarray(at));
            break;
          }
          chunks.push(new Uint8Array(bytes.subarray(at, at + length))); // a Buffer's own slice would be no copy
          at += length;
          continue;
        }
        const before = openBytes;
        at += append(bytes.subarray(at));
        const length = finder.find(open, 0, openBytes);
        if (length === undefined) break;
        chunks.push(open.slice(0, length));
        // What was added after the cut is read again from the piece. One byte of before can be left: the last, had it no partner yet.
        at -= openBytes - Math.max(before, length);
        openBytes = Math.max(0, before - length);
        open.copyWithin(0, length, length + openBytes);
      }
      return chunks;
    },
    finish() {
      finder.reset();
      const rest = openBytes === open.length ? open : open.slice(0, openBytes);
      open = NOTHING;
      openBytes = 0;
      return rest.length > 0 ? [rest] : [];
    },
  };
}

/**
 * The lengths of the chunks that `bytes` are cut into, in order; none for no bytes.
 *
 * @throws {TwinfoldError} `ERR_INVALID_ARGUMENT` when the profile is not one.
 */
export function chunkBytes(bytes: Uint8Array, profile: ChunkProfile): number[] {
  const finder = createCutFinder(profile);
  const lengths: number[] = [];
  let at = 0;
  while (at < bytes.length) {
    const length = finder.find(bytes, at, bytes.length) ?? bytes.length - at;
    lengths.push(length);
    at += length;
  }
  return lengths;
}
