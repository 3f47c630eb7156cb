import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  baseChunks,
  chunkBytes,
  type ChunkId,
  chunkIdOf,
  type ChunkProfile,
  type Manifest,
  MAX_CHUNK_BYTES,
  MAX_DELTA_BASE_BYTES,
  MAX_DELTA_BASES,
} from "../../src/index.js";
import { manifest } from "../arbitraries.js";

const sha256 = (bytes: Uint8Array): Uint8Array => createHash("sha256").update(bytes).digest();
const SMALL: ChunkProfile = { minBytes: 128, averageBytes: 256, maxBytes: 1024, normalization: 2 };
const LARGE: ChunkProfile = { minBytes: 512, averageBytes: 1024, maxBytes: 4096, normalization: 2 };

function noise(seed: string, sizeBytes: number): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(sizeBytes / 32) }, (_, i) => sha256(Buffer.from(`${seed}:${i}`)));
  return new Uint8Array(Buffer.concat(blocks).subarray(0, sizeBytes));
}

function manifestOf(bytes: Uint8Array, profile: ChunkProfile): Manifest {
  let at = 0;
  return chunkBytes(bytes, profile).map((lengthBytes) => {
    at += lengthBytes;
    return { chunkId: chunkIdOf(bytes.subarray(at - lengthBytes, at), sha256), lengthBytes };
  });
}

const idsOf = (entries: Manifest): readonly ChunkId[] => entries.map(({ chunkId }) => chunkId);
const entry = (n: number, lengthBytes = 1000) => ({ chunkId: n.toString(16).padStart(64, "0") as ChunkId, lengthBytes });

/** Manifests whose chunks may be the same, repeated and in another order. */
const pair = fc
  .tuple(manifest, manifest, fc.array(fc.nat(40), { maxLength: 40 }), fc.array(fc.nat(40), { maxLength: 40 }))
  .map(([a, b, one, other]) => {
    const all = [...a, ...b];
    const pick = (places: readonly number[]): Manifest => places.flatMap((place) => all[place % Math.max(1, all.length)] ?? []);
    return [pick(one), pick(other)] as const;
  });

describe("baseChunks", () => {
  it("names for new chunks alone chunks that are gone, each once, within the bounds of a delta", () => {
    fc.assert(
      fc.property(pair, ([base, target]) => {
        for (const [chunkId, bases] of baseChunks(base, target)) {
          expect(idsOf(target)).toContain(chunkId);
          expect(idsOf(base)).not.toContain(chunkId);
          expect(bases.length).toBeGreaterThan(0);
          expect(new Set(idsOf(bases)).size).toBe(bases.length);
          for (const one of bases) {
            expect(base).toContainEqual(one);
            expect(idsOf(target)).not.toContain(one.chunkId);
          }
          expect(bases.length).toBeLessThanOrEqual(MAX_DELTA_BASES);
          expect(bases.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0)).toBeLessThanOrEqual(MAX_DELTA_BASE_BYTES);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("names the one chunk that an edit replaced, wherever it is and whatever was inserted or removed elsewhere", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(200), { minLength: 1, maxLength: 40 }), (edited) => {
        const base = Array.from({ length: 201 }, (_, n) => entry(n));
        const places = new Set(edited.filter((n) => n % 2 === 0 && !edited.includes(n - 1) && !edited.includes(n + 1)));
        const target = base.flatMap((old, n) => (places.has(n) ? [entry(1000 + n, 1000 + n)] : edited.includes(n) ? [old, entry(2000 + n)] : [old]));
        const bases = baseChunks(base, target);
        for (const n of places) expect(bases.get(entry(1000 + n).chunkId)).toEqual([entry(n)]);
      }),
    );
  });

  it("is not led astray by a piece that was moved", () => {
    const base = Array.from({ length: 50 }, (_, n) => entry(n));
    const moved = [...base.slice(40), ...base.slice(0, 20), entry(99), ...base.slice(21, 40)];
    expect(baseChunks(base, moved).get(entry(99).chunkId)).toEqual([entry(20)]);
  });

  it("finds the old chunks of a file that is cut by another profile, with bytes put in front of it or behind", () => {
    fc.assert(
      fc.property(
        fc.nat(100),
        fc.constantFrom([SMALL, LARGE] as const, [LARGE, SMALL] as const),
        fc.boolean(),
        fc.nat(300),
        (seed, profiles, front, added) => {
          const old = noise(`${seed}`, 60_000);
          const extra = noise(`more ${seed}`, added);
          const base = manifestOf(old, profiles[0]);
          const now = new Uint8Array(Buffer.concat(front ? [extra, old] : [old, extra]));
          const target = manifestOf(now, profiles[1]);
          const bases = baseChunks(base, target);
          const shift = front ? added : 0;
          let start = 0;
          for (const { chunkId, lengthBytes } of target) {
            const named = new Set(idsOf(bases.get(chunkId) ?? []));
            let at = shift;
            for (const one of base) {
              // An old chunk that a new one was made of.
              if (at >= start && at + one.lengthBytes <= start + lengthBytes && !idsOf(target).includes(one.chunkId))
                expect(named).toContain(one.chunkId);
              at += one.lengthBytes;
            }
            start += lengthBytes;
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it("names what is nearest when there is more than one delta may have", () => {
    const base = Array.from({ length: 9 }, (_, n) => entry(n, MAX_CHUNK_BYTES));
    const target = Array.from({ length: 9 }, (_, n) => entry(100 + n, MAX_CHUNK_BYTES));
    const bases = baseChunks(base, target);
    for (const n of [0, 4, 8]) expect(bases.get(entry(100 + n).chunkId)).toContainEqual(entry(n, MAX_CHUNK_BYTES));
    const small = Array.from({ length: 300 }, (_, n) => entry(n, 10));
    expect(baseChunks(small, [entry(999, 3000)]).get(entry(999).chunkId)).toHaveLength(MAX_DELTA_BASES);
  });

  it("names none for a new file, an equal one, and chunks that stand where nothing is gone", () => {
    const base = [entry(1), entry(2), entry(3)];
    expect(baseChunks([], base).size).toBe(0);
    expect(baseChunks(base, base).size).toBe(0);
    expect(baseChunks(base, [entry(1), entry(9), entry(2), entry(3)]).size).toBe(0);
  });
});
