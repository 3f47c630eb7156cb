import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  applyDelta,
  baseChunks,
  baseChunksByRecut,
  chunkBytes,
  type ChunkId,
  chunkIdOf,
  type ChunkProfile,
  decodeDelta,
  diffAgainstSketches,
  fflateCompression,
  type Manifest,
  MAX_CHUNK_BYTES,
  MAX_DELTA_BASES,
  origins,
  sketchChunk,
} from "../../src/index.js";

const sha256 = (bytes: Uint8Array): Uint8Array => createHash("sha256").update(bytes).digest();
const SMALL: ChunkProfile = { minBytes: 128, averageBytes: 256, maxBytes: 1024, normalization: 2 };
const LARGE: ChunkProfile = { minBytes: 512, averageBytes: 1024, maxBytes: 4096, normalization: 2 };
const averageBytes = 1024;

function noise(seed: string, sizeBytes: number): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(sizeBytes / 32) }, (_, i) => sha256(Buffer.from(`${seed}:${i}`)));
  return new Uint8Array(Buffer.concat(blocks).subarray(0, sizeBytes));
}

interface Cut {
  readonly manifest: Manifest;
  readonly bytesOf: ReadonlyMap<ChunkId, Uint8Array>;
}

function cut(bytes: Uint8Array, profile: ChunkProfile): Cut {
  let at = 0;
  const bytesOf = new Map<ChunkId, Uint8Array>();
  const manifest = chunkBytes(bytes, profile).map((lengthBytes) => {
    at += lengthBytes;
    const chunk = bytes.subarray(at - lengthBytes, at);
    const chunkId = chunkIdOf(chunk, sha256);
    bytesOf.set(chunkId, chunk);
    return { chunkId, lengthBytes };
  });
  return { manifest, bytesOf };
}

/** A file that was edited in some places, and is cut by another profile since. */
interface Grown {
  readonly seed: number;
  readonly profiles: readonly [ChunkProfile, ChunkProfile];
  readonly sizeBytes: number;
  readonly edits: ReadonlyArray<{ readonly at: number; readonly removed: number; readonly added: number }>;
  readonly repeats: boolean;
}

const grown = fc.record<Grown>({
  seed: fc.nat(1000),
  profiles: fc.constantFrom([SMALL, LARGE] as const, [LARGE, SMALL] as const),
  sizeBytes: fc.nat(20_000),
  edits: fc.array(fc.record({ at: fc.nat(40_000), removed: fc.nat(2_000), added: fc.nat(2_000) }), { maxLength: 5 }),
  repeats: fc.boolean(),
});

function cutsOf({ seed, profiles: [before, after], sizeBytes, edits, repeats }: Grown) {
  const part = noise(`${seed}`, sizeBytes);
  const old = repeats ? new Uint8Array(Buffer.concat([part, part])) : part;
  const now = edits.reduce<Uint8Array>((bytes, { at, removed, added }, index) => {
    const start = Math.min(at, bytes.length);
    const rest = bytes.subarray(Math.min(bytes.length, start + removed));
    return new Uint8Array(Buffer.concat([bytes.subarray(0, start), noise(`${seed} ${index}`, added), rest]));
  }, old);
  return { base: cut(old, before), baseRecut: cut(old, after), target: cut(now, after), recut: cut(now, before) };
}

function idsOf({ manifest }: Cut): ReadonlySet<ChunkId> {
  return new Set(manifest.map(({ chunkId }) => chunkId));
}

describe("origins", () => {
  it("copies what is the same byte by byte, in order and once, all that the two have in whole old chunks", () => {
    fc.assert(
      fc.property(grown, (edit) => {
        const { base, target, recut } = cutsOf(edit);
        const held = idsOf(base);
        const isHeld = recut.manifest.flatMap(({ chunkId, lengthBytes }) => Array<number>(lengthBytes).fill(held.has(chunkId) ? 1 : 0));
        /** Of each new chunk, how many bytes are in old ones at each of its places. */
        const inOld = new Map<ChunkId, number[]>();
        let start = 0;
        for (const { chunkId, lengthBytes } of target.manifest) {
          const count = isHeld.slice(start, start + lengthBytes).reduce((sum, one) => sum + one, 0);
          if (!held.has(chunkId)) inOld.set(chunkId, [...(inOld.get(chunkId) ?? []), count]);
          start += lengthBytes;
        }
        const found = origins(base.manifest, target.manifest, recut.manifest);
        for (const [chunkId, counts] of inOld) {
          let copied = 0;
          let from = 0;
          for (const { at, base: entry, offsetBytes, lengthBytes } of found.get(chunkId)?.copies ?? []) {
            expect(at).toBeGreaterThanOrEqual(from);
            expect(lengthBytes).toBeGreaterThan(0);
            from = at + lengthBytes;
            copied += lengthBytes;
            const here = base.bytesOf.get(entry.chunkId)?.subarray(offsetBytes, offsetBytes + lengthBytes) as Uint8Array;
            const there = target.bytesOf.get(chunkId)?.subarray(at, from) as Uint8Array;
            expect(Buffer.compare(here, there)).toBe(0);
          }
          expect(counts).toContain(copied);
        }
      }),
      { numRuns: 100 },
    );
  });

  it("names old chunks for the rest, and nothing for chunks that are old themselves", () => {
    fc.assert(
      fc.property(grown, (edit) => {
        const { base, target, recut } = cutsOf(edit);
        const held = idsOf(base);
        for (const [chunkId, { copies, bases }] of origins(base.manifest, target.manifest, recut.manifest)) {
          expect(held.has(chunkId)).toBe(false);
          expect(copies.length + bases.length).toBeGreaterThan(0);
          for (const entry of bases) expect(held.has(entry.chunkId)).toBe(true);
        }
      }),
      { numRuns: 100 },
    );
  });

  it("are the base chunks alone where the profile is the same", () => {
    fc.assert(
      fc.property(grown, (edit) => {
        const { base, recut } = cutsOf(edit);
        const { manifest } = recut;
        const found = [...origins(base.manifest, manifest, manifest)].map(([chunkId, { copies, bases }]) => {
          expect(copies).toEqual([]);
          return [chunkId, bases] as const;
        });
        expect(new Map(found)).toEqual(baseChunks(base.manifest, manifest));
      }),
      { numRuns: 100 },
    );
  });
});

describe("baseChunksByRecut", () => {
  it("names old chunks, each once, within the bounds of a delta, that hold the bytes of those which the recut has near", () => {
    fc.assert(
      fc.property(grown, (edit) => {
        const { base, target, baseRecut } = cutsOf(edit);
        const held = idsOf(base);
        const near = baseChunks(baseRecut.manifest, target.manifest);
        const bases = baseChunksByRecut(base.manifest, target.manifest, baseRecut.manifest);
        expect([...bases.keys()]).toEqual([...near.keys()]);
        const old = Buffer.concat(base.manifest.map(({ chunkId }) => base.bytesOf.get(chunkId) as Uint8Array));
        for (const [chunkId, entries] of bases) {
          expect(entries.length).toBeGreaterThan(0);
          expect(entries.length).toBeLessThanOrEqual(MAX_DELTA_BASES);
          expect(new Set(entries).size).toBe(entries.length);
          const named = new Set(entries.map((entry) => entry.chunkId));
          for (const one of named) expect(held.has(one)).toBe(true);
          // All that is near is in what is named.
          if (edit.repeats || entries.length === MAX_DELTA_BASES) continue;
          const covered = Buffer.concat(
            base.manifest.map(
              (entry) => (named.has(entry.chunkId) ? base.bytesOf.get(entry.chunkId) : undefined) ?? new Uint8Array(entry.lengthBytes),
            ),
          );
          for (const entry of near.get(chunkId) ?? []) {
            const bytes = baseRecut.bytesOf.get(entry.chunkId) as Uint8Array;
            const at = old.indexOf(bytes);
            expect(Buffer.compare(covered.subarray(at, at + bytes.length), bytes)).toBe(0);
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  it("are the base chunks where the profile is the same", () => {
    fc.assert(
      fc.property(grown, (edit) => {
        const { base, recut } = cutsOf(edit);
        expect(baseChunksByRecut(base.manifest, recut.manifest, base.manifest)).toEqual(baseChunks(base.manifest, recut.manifest));
      }),
      { numRuns: 100 },
    );
  });

  it("finds what an edit was made from also behind another one that has moved it far", () => {
    const old = noise("far", 60_000);
    const now = new Uint8Array(
      Buffer.concat([
        old.subarray(0, 20_000),
        noise("put in", 9_000),
        old.subarray(20_000, 40_000),
        Buffer.from("a new line\n"),
        old.subarray(40_000),
        noise("put behind", 9_000),
      ]),
    );
    const [base, target, recut] = [cut(old, SMALL), cut(now, LARGE), cut(old, LARGE)];
    const bases = baseChunksByRecut(base.manifest, target.manifest, recut.manifest);
    let at = 0;
    const edited = target.manifest.find(({ lengthBytes }) => {
      at += lengthBytes;
      return at > 49_000;
    });
    const named = new Set(bases.get(edited?.chunkId as ChunkId)?.map(({ chunkId }) => chunkId));
    let from = 0;
    const around = base.manifest.filter(({ lengthBytes }) => {
      from += lengthBytes;
      return from > 40_000 && from - lengthBytes <= 40_000;
    });
    expect(around).toHaveLength(1);
    for (const { chunkId } of around) expect(named.has(chunkId)).toBe(true);
    expect(
      new Set(
        baseChunks(base.manifest, target.manifest)
          .get(edited?.chunkId as ChunkId)
          ?.map(({ chunkId }) => chunkId),
      ).has(around[0]?.chunkId as ChunkId),
    ).toBe(false);
  });
});

describe("diffAgainstSketches of a chunk with known copies", () => {
  it("makes the chunk, and inserts no byte that is known", () => {
    fc.assert(
      fc.property(grown, (edit) => {
        const { base, target, recut } = cutsOf(edit);
        for (const [chunkId, { copies, bases }] of origins(base.manifest, target.manifest, recut.manifest)) {
          const bytes = target.bytesOf.get(chunkId) as Uint8Array;
          const sketches = bases.map((entry) => ({
            chunkId: entry.chunkId,
            sketch: sketchChunk(base.bytesOf.get(entry.chunkId) as Uint8Array, averageBytes, sha256),
          }));
          const payload = diffAgainstSketches(bytes, sketches, { averageBytes, copies, sha256 });
          if (payload === undefined) continue;
          const delta = decodeDelta(payload, fflateCompression);
          expect(Buffer.compare(applyDelta(delta, base.bytesOf, bytes.length), bytes)).toBe(0);
          const inserted = delta.operations.reduce((sum, operation) => sum + (operation.kind === "insert" ? operation.bytes.length : 0), 0);
          expect(inserted).toBeLessThanOrEqual(bytes.length - copies.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0));
        }
      }),
      { numRuns: 100 },
    );
  });

  it("recognizes pieces of what lies between two copies", () => {
    const [first, old, last] = ["first", "old", "last"].map((seed) => noise(seed, 20_000)) as [Uint8Array, Uint8Array, Uint8Array];
    const idOf = (chunk: Uint8Array): ChunkId => chunkIdOf(chunk, sha256);
    const bytes = new Uint8Array(Buffer.concat([first, old.subarray(0, 9_000), Buffer.from("a new line\n"), old.subarray(9_000), last]));
    const copies = [
      { at: 0, base: { chunkId: idOf(first), lengthBytes: 20_000 }, offsetBytes: 0, lengthBytes: 20_000 },
      { at: bytes.length - 20_000, base: { chunkId: idOf(last), lengthBytes: 20_000 }, offsetBytes: 0, lengthBytes: 20_000 },
    ];
    const between = { chunkId: idOf(old), sketch: sketchChunk(old, averageBytes, sha256) };
    const payload = diffAgainstSketches(bytes, [between], { averageBytes, copies, sha256 });
    expect(payload?.length).toBeLessThan(2 * 4 * averageBytes);
  });

  it("names no more bases than a delta may have: what is copied comes first, the rest is inserted", () => {
    const bytes = noise("many", 100 * 100);
    const copies = Array.from({ length: 100 }, (_, n) => {
      const chunk = bytes.subarray(100 * n, 100 * (n + 1));
      return { at: 100 * n, base: { chunkId: chunkIdOf(chunk, sha256), lengthBytes: 100 }, offsetBytes: 0, lengthBytes: 100 };
    });
    const whole = { chunkId: chunkIdOf(bytes, sha256), sketch: sketchChunk(bytes, averageBytes, sha256) };
    const payload = diffAgainstSketches(bytes, [whole], { averageBytes, copies, sha256 }) as Uint8Array;
    expect(decodeDelta(payload, fflateCompression).bases).toEqual(copies.slice(0, MAX_DELTA_BASES).map(({ base }) => base.chunkId));

    const large = [1, 2, 3].map((byte, n) => ({
      at: 200 * n,
      base: { chunkId: chunkIdOf(Uint8Array.of(byte), sha256), lengthBytes: MAX_CHUNK_BYTES },
      offsetBytes: 0,
      lengthBytes: 200,
    }));
    const ofLarge = diffAgainstSketches(noise("large", 600), [], { averageBytes, copies: large, sha256 }) as Uint8Array;
    expect(decodeDelta(ofLarge, fflateCompression).bases).toEqual(large.slice(0, 2).map(({ base }) => base.chunkId));
  });
});
