import type { ChunkProfile } from "../chunking/profile.js";
import type { Compression } from "../env.js";
import type { ChunkId } from "../ids.js";
import { DeltaBuilder } from "./delta.js";
import { MAX_PLACES, piecesOf, usableBases } from "./sketch.js";

/** A chunk that the receiver has, with its bytes at hand. */
export interface Base {
  readonly chunkId: ChunkId;
  readonly bytes: Uint8Array;
}

/** A place in a base that lines up with a place in the target. */
interface Anchor {
  readonly base: Base;
  readonly offsetBytes: number;
}

/** Finer than a sketch's, for nothing of it is kept: after an edit the cuts meet again sooner. */
const PIECE_PROFILE: ChunkProfile = { minBytes: 128, averageBytes: 512, maxBytes: 2048, normalization: 1 };

/** Shorter copies cost about what they save. */
const MIN_COPY_BYTES = 24;

/**
 * Tells `target` by ranges that it shares with the bases, as the payload of a `delta` frame; `undefined` when that is not smaller.
 *
 * Equal pieces of about 512 bytes are found and grown byte by byte in both directions. What lies between them is compared once more
 * in line with the copy before it, which finds overwritten bytes, and at the ends. Linear in target and bases, but for pieces that
 * are all alike. Bases beyond what one delta may name are not used. With `compression` the inserts are deflated.
 */
export function diffChunk(target: Uint8Array, bases: readonly Base[], compression?: Compression): Uint8Array | undefined {
  const usable = usableBases(bases, ({ chunkId, bytes }) => ({ chunkId, lengthBytes: bytes.length }));
  const [first] = usable;
  if (first === undefined) return undefined;
  const known = indexPieces(usable);
  const builder = new DeltaBuilder(target);
  /** The base of the last copy, and how far the places there are ahead of the target's. */
  let line = { base: first, shift: 0 };

  const copy = ({ base, offsetBytes }: Anchor, lengthBytes: number): void => {
    line = { base, shift: offsetBytes - builder.at };
    builder.copy(base.chunkId, offsetBytes, lengthBytes);
  };

  /** Tells the target up to `end` by what lines up with the last copy, and by inserts. */
  const fill = (end: number): void => {
    const { base, shift } = line;
    for (let at = builder.at; at < end; at++) {
      const length = equalForward(target, at, end, base.bytes, at + shift);
      if (length >= MIN_COPY_BYTES) {
        builder.insertUntil(at);
        copy({ base, offsetBytes: at + shift }, length);
      }
      at += length;
    }
    builder.insertUntil(end);
  };

  for (const { start, end } of piecesOf(target, PIECE_PROFILE)) {
    if (end <= builder.at) continue;
    const anchors = known.get(hashOf(target, start, end)) ?? [];
    const equal = anchors.filter(({ base, offsetBytes }) => equalForward(target, start, end, base.bytes, offsetBytes) === end - start);
    const inLine = equal.find(({ base, offsetBytes }) => base === line.base && offsetBytes - start === line.shift);
    const anchor = inLine ?? equal[0];
    if (anchor === undefined) continue;
    const { base } = anchor;
    const back = equalBackward(target, builder.at, start, base.bytes, anchor.offsetBytes);
    const from = Math.max(builder.at, start - back);
    const offsetBytes = anchor.offsetBytes + from - start;
    fill(from);
    copy({ base, offsetBytes }, equalForward(target, from, target.length, base.bytes, offsetBytes));
  }

  const tails = usable.map((base) => ({ base, length: equalBackward(target, builder.at, target.length, base.bytes, base.bytes.length) }));
  const tail = tails.reduce((longest, other) => (other.length > longest.length ? other : longest));
  if (tail.length >= MIN_COPY_BYTES) {
    fill(target.length - tail.length);
    copy({ base: tail.base, offsetBytes: tail.base.bytes.length - tail.length }, tail.length);
  } else {
    fill(target.length);
  }
  return builder.finish(compression);
}

function indexPieces(bases: readonly Base[]): ReadonlyMap<number, readonly Anchor[]> {
  const known = new Map<number, Anchor[]>();
  for (const base of bases) {
    for (const { start, end } of piecesOf(base.bytes, PIECE_PROFILE)) {
      const hash = hashOf(base.bytes, start, end);
      const anchors = known.get(hash);
      if (anchors === undefined) known.set(hash, [{ base, offsetBytes: start }]);
      else if (anchors.length < MAX_PLACES) anchors.push({ base, offsetBytes: start });
    }
  }
  return known;
}

/** FNV-1a, 32 bits. Only finds candidates: their bytes are compared. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  return hash;
}

/** How many bytes of the target from `at` on, before `end`, are those of the base from `offsetBytes` on. */
function equalForward(target: Uint8Array, at: number, end: number, base: Uint8Array, offsetBytes: number): number {
  if (offsetBytes < 0) return 0;
  const most = Math.min(end - at, base.length - offsetBytes);
  let length = 0;
  while (length < most && target[at + length] === base[offsetBytes + length]) length += 1;
  return length;
}

/** How many bytes of the target before `end`, back to `start` at most, are those of the base before `offsetBytes`. */
function equalBackward(target: Uint8Array, start: number, end: number, base: Uint8Array, offsetBytes: number): number {
  const most = Math.min(end - start, offsetBytes);
  let length = 0;
  while (length < most && target[end - 1 - length] === base[offsetBytes - 1 - length]) length += 1;
  return length;
}
