import { MASKS } from "./gear.js";
import type { ChunkProfile } from "./profile.js";

/**
 * Where the first byte from `at` to `end` is after which the hash has none of a mask's bits: of `below` before `center`, of `above` from there; `end`
 * when there is none. The hash begins at `first`. All of them are positions in `bytes`, with `first <= at <= end`.
 */
export type Search = (bytes: Uint8Array, first: number, at: number, center: number, end: number, below: number, above: number) => number;

/** A byte's gear moves up one bit in the hash with each byte after it: of what is longer ago, nothing is left in 64 bits. */
export const REACH_BYTES = 64;

/** Finds where a chunk ends, by FastCDC v2020, in bytes that may come a piece at a time. */
export class CutFinder {
  readonly #search: Search;
  readonly #first: number;
  readonly #center: number;
  readonly #end: number;
  readonly #maxBytes: number;
  readonly #maskBelow: number;
  readonly #maskAbove: number;
  /** How far the open chunk has been searched. */
  #searched: number;

  constructor({ minBytes, averageBytes, maxBytes, normalization }: ChunkProfile, search: Search) {
    const bits = Math.log2(averageBytes);
    this.#search = search;
    this.#first = minBytes;
    this.#center = averageBytes;
    this.#end = maxBytes - (maxBytes % 2);
    this.#maxBytes = maxBytes;
    this.#maskBelow = MASKS[bits + normalization] as number;
    this.#maskAbove = MASKS[bits - normalization] as number;
    this.#searched = minBytes;
  }

  /**
   * The length of the chunk that starts at `start` and is known up to `end`; `undefined` while it is open.
   *
   * Before the next call for an open chunk bytes may be added, none changed. After an answer the next call is for another chunk.
   */
  find(bytes: Uint8Array, start: number, end: number): number | undefined {
    const known = end - start;
    // A last odd byte is not looked at until its partner is there: at the end of the input the published algorithm never does.
    const pairs = Math.min(known - (known % 2), this.#end);
    if (pairs > this.#searched) {
      const [first, at, center, until] = [start + this.#first, start + this.#searched, start + this.#center, start + pairs];
      const cut = this.#search(bytes, first, at, center, until, this.#maskBelow, this.#maskAbove);
      if (cut < until) {
        this.reset();
        return cut - start;
      }
      this.#searched = pairs;
    }
    if (known < this.#maxBytes) return undefined;
    this.reset();
    return this.#maxBytes;
  }

  /** Forgets an open chunk. */
  reset(): void {
    this.#searched = this.#first;
  }
}
