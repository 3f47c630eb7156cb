import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CutFinder, type Search } from "../src/chunking/cut-finder.js";
import { createWasmSearch } from "../src/chunking/cut-window.js";
import { plainSearch } from "../src/chunking/plain-search.js";
import { chunkBytes, type ChunkProfile, createChunker } from "../src/index.js";
import tables from "./fixtures/fastcdc-tables.json" with { type: "json" };

/** Small, so that a short input has many chunks. */
const PROFILES: readonly ChunkProfile[] = [
  { minBytes: 64, averageBytes: 128, maxBytes: 512, normalization: 2 },
  { minBytes: 2, averageBytes: 64, maxBytes: 257, normalization: 1 },
  { minBytes: 32, averageBytes: 256, maxBytes: 300, normalization: 3 },
];

/** Random bytes cut seldom by the maxima; repeated ones always. */
const input = fc.oneof(
  fc.uint8Array({ maxLength: 4096, size: "max" }),
  fc
    .tuple(fc.uint8Array({ minLength: 1, maxLength: 7 }), fc.nat(3000))
    .map(([pattern, length]) => Uint8Array.from({ length }, (_, i) => pattern[i % pattern.length] as number)),
);

/** A byte string together with one way to feed it. */
const fed = fc
  .tuple(fc.constantFrom(...PROFILES), input, fc.array(fc.nat(4096), { maxLength: 40 }), fc.boolean())
  .map(([profile, bytes, cuts, byteWise]) => {
    const ends = byteWise ? Array.from(bytes, (_, i) => i) : cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b);
    const pieces = [...ends, bytes.length].map((end, i, all) => bytes.slice(all[i - 1] ?? 0, end));
    return { profile, bytes, pieces };
  });

function chunksOf(pieces: readonly Uint8Array[], profile: ChunkProfile): Uint8Array[] {
  const chunker = createChunker(profile);
  const chunks: Uint8Array[] = [];
  for (const piece of pieces) {
    chunks.push(...chunker.push(piece));
    piece.fill(0xa5); // chunks are copies of their own
  }
  return [...chunks, ...chunker.finish()];
}

describe("createChunker", () => {
  it("loses, adds and reorders no byte, also when a pushed piece is overwritten afterwards", () => {
    fc.assert(
      fc.property(fed, ({ profile, bytes, pieces }) => {
        expect(Buffer.concat(chunksOf(pieces, profile)).equals(bytes)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it("cuts in the same places however the input is fed, and where chunkBytes does", () => {
    fc.assert(
      fc.property(fed, ({ profile, bytes, pieces }) => {
        expect(chunksOf(pieces, profile).map((chunk) => chunk.length)).toEqual(chunkBytes(bytes, profile));
      }),
      { numRuns: 1000 },
    );
  });

  it("keeps every chunk but the last from minBytes to maxBytes, and the last from 1", () => {
    fc.assert(
      fc.property(fed, ({ profile, bytes }) => {
        const lengths = chunkBytes(bytes, profile);
        for (const length of lengths.slice(0, -1)) expect(length).toBeGreaterThanOrEqual(profile.minBytes);
        for (const length of lengths) expect(length).toBeLessThanOrEqual(profile.maxBytes);
        expect(lengths.at(-1)).not.toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it("cuts as the published algorithm does, written down with a 64-bit hash and two bytes in a step", () => {
    fc.assert(
      fc.property(fed, ({ profile, bytes }) => {
        expect(chunkBytes(bytes, profile)).toEqual(publishedLengths(bytes, profile));
      }),
      { numRuns: 200 },
    );
  });

  it("ends every prefix of an input as the published algorithm does, odd ones too", () => {
    const bytes = Uint8Array.from({ length: 600 }, (_, i) => (i * i * 31 + i * 7) >> 3);
    for (const profile of PROFILES) {
      for (let length = 0; length <= bytes.length; length++) {
        const prefix = bytes.subarray(0, length);
        expect(chunkBytes(prefix, profile)).toEqual(publishedLengths(prefix, profile));
      }
    }
  });
});

describe("the search in WebAssembly and the one in TypeScript", () => {
  const WINDOW_BYTES = 64 * 1024;
  const wasm = createWasmSearch(WINDOW_BYTES);
  if (wasm === undefined) throw new Error("Node has WebAssembly");

  /** Any that is allowed, up to what is copied to the window in several goes. */
  const anyProfile = fc
    .record({
      bits: fc.integer({ min: 4, max: 15 }),
      normalization: fc.constantFrom(1, 2, 3),
      min: fc.double({ min: 0, max: 1, noNaN: true }),
      max: fc.nat(),
    })
    .map(({ bits, normalization, min, max }): ChunkProfile => {
      const averageBytes = 2 ** bits;
      const minBytes = 2 + 2 * Math.floor((min * (averageBytes - 3)) / 2);
      return { minBytes, averageBytes, maxBytes: averageBytes + 1 + (max % (4 * averageBytes)), normalization: normalization as 1 | 2 | 3 };
    });

  /** Zeros, runs, repeated patterns and random bytes, one after another. */
  const mixed = fc
    .array(fc.tuple(fc.constantFrom("zeros", "pattern", "random"), fc.integer({ min: 1, max: 20_000 }), fc.integer()), { minLength: 1, maxLength: 4 })
    .map((parts) => Buffer.concat(parts.map(([kind, length, seed]) => partOf(kind, length, seed))));

  it("cut in the same places, however the bytes come, in the window and outside of it", () => {
    fc.assert(
      fc.property(anyProfile, mixed, fc.array(fc.nat(80_000), { maxLength: 12 }), (profile, bytes, ends) => {
        const expected = lengthsBy(plainSearch, bytes, profile, ends);
        expect(lengthsBy(wasm.search, bytes, profile, ends)).toEqual(expected);
        expect(chunkBytes(bytes, profile)).toEqual(expected);
        if (bytes.length > WINDOW_BYTES) return;
        wasm.bytes.set(bytes);
        expect(lengthsBy(wasm.search, wasm.bytes.subarray(0, bytes.length), profile, ends)).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });
});

function partOf(kind: string, length: number, seed: number): Buffer {
  if (kind === "zeros") return Buffer.alloc(length);
  if (kind === "pattern") return Buffer.alloc(length, `${seed}`);
  return Buffer.from(Uint8Array.from({ length }, (_, i) => Math.imul((i ^ seed) + 1, 0x9e37_79b1) >>> 24));
}

/** Lengths of the chunks of `bytes`, which become known up to each of `ends` in turn. */
function lengthsBy(search: Search, bytes: Uint8Array, profile: ChunkProfile, ends: readonly number[]): number[] {
  const finder = new CutFinder(profile, search);
  const lengths: number[] = [];
  let start = 0;
  for (const end of [...ends.filter((end) => end < bytes.length).sort((a, b) => a - b), bytes.length]) {
    for (let length = finder.find(bytes, start, end); length !== undefined; length = finder.find(bytes, start, end)) {
      lengths.push(length);
      start += length;
    }
  }
  return start < bytes.length ? [...lengths, bytes.length - start] : lengths;
}

/** FastCDC v2020 as the paper's Algorithm 1 and fastcdc-rs have it, in BigInt. */
function publishedLengths(bytes: Uint8Array, profile: ChunkProfile): number[] {
  const lengths: number[] = [];
  for (let start = 0; start < bytes.length; start += lengths.at(-1) as number) lengths.push(publishedCut(bytes.subarray(start), profile));
  return lengths;
}

function publishedCut(source: Uint8Array, { minBytes, averageBytes, maxBytes, normalization }: ChunkProfile): number {
  if (source.length <= minBytes) return source.length;
  const remaining = Math.min(source.length, maxBytes);
  const center = Math.min(averageBytes, remaining);
  const bits = Math.log2(averageBytes);
  let hash = 0n;
  for (let step = Math.floor(minBytes / 2); step < Math.floor(remaining / 2); step++) {
    const mask = BigInt(tables.masks[bits + (step < Math.floor(center / 2) ? normalization : -normalization)] as string);
    const [first, second] = [step * 2, step * 2 + 1];
    hash = BigInt.asUintN(64, (hash << 2n) + (gear(source[first]) << 1n));
    if ((hash & (mask << 1n)) === 0n) return first;
    hash = BigInt.asUintN(64, hash + gear(source[second]));
    if ((hash & mask) === 0n) return second;
  }
  return remaining;
}

function gear(byte: number | undefined): bigint {
  return BigInt(`0x${tables.gear64[byte as number]}`);
}
