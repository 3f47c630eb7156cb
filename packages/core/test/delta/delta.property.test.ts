import { createHash, randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  applyDelta,
  type Base,
  type ChunkId,
  chunkIdOf,
  decode,
  decodeDelta,
  diffAgainstSketches,
  diffChunk,
  encode,
  encodeDelta,
  fflateCompression,
  isTwinfoldError,
  nobleSha256,
  planDelta,
  type Sha256,
  sketchAverageFor,
  sketchChunk,
  sketchCodec,
} from "../../src/index.js";
import { manifest } from "../arbitraries.js";

const sha256: Sha256 = (bytes) => createHash("sha256").update(bytes).digest();

const compression = fflateCompression;
const averageBytes = 1024;
const options = { averageBytes, sha256, compression };
const sketched = ({ chunkId, bytes }: Base) => ({ chunkId, sketch: sketchChunk(bytes, averageBytes, sha256) });
const rebuilt = (payload: Uint8Array, bases: ReadonlyMap<ChunkId, Uint8Array>, plainBytes: number): Uint8Array =>
  applyDelta(decodeDelta(payload, compression), bases, plainBytes);

/** Bytes without repetition, from a seed. */
function noise(seed: number, sizeBytes: number): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(sizeBytes / 32) }, (_, i) => sha256(Buffer.from(`${seed}:${i}`)));
  return new Uint8Array(Buffer.concat(blocks).subarray(0, sizeBytes));
}

const base = (bytes: Uint8Array): Base => ({ chunkId: chunkIdOf(bytes, sha256), bytes });
const byId = (bases: readonly Base[]): ReadonlyMap<ChunkId, Uint8Array> => new Map(bases.map(({ chunkId, bytes }) => [chunkId, bytes]));

const original = fc.oneof(
  fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 60_000 })).map(([seed, size]) => noise(seed, size)),
  fc.nat(40_000).map((size) => new Uint8Array(size)),
);

/** Replaces `removed` bytes at `at` by `inserted`. */
interface Edit {
  readonly at: number;
  readonly removed: number;
  readonly inserted: Uint8Array;
}

const edits: fc.Arbitrary<readonly Edit[]> = fc.array(
  fc.record({ at: fc.nat(60_000), removed: fc.oneof(fc.nat(20), fc.nat(9_000)), inserted: fc.uint8Array({ maxLength: 200 }) }),
  { maxLength: 8 },
);

function edited(bytes: Uint8Array, changes: readonly Edit[]): Uint8Array {
  return changes.reduce<Uint8Array>((now, { at, removed, inserted }) => {
    const start = Math.min(at, now.length);
    return new Uint8Array(Buffer.concat([now.subarray(0, start), inserted, now.subarray(Math.min(now.length, start + removed))]));
  }, bytes);
}

/** A target that was edited from one of its bases, and the bases. */
const edit = fc.tuple(fc.array(original, { minLength: 1, maxLength: 4 }), edits, fc.nat(3)).map(([originals, changes, which]) => ({
  bases: originals.map(base),
  target: edited(originals[which % originals.length] as Uint8Array, changes),
}));

describe("diffChunk", () => {
  it("gives a delta that is smaller than the target and makes it from the bases", () => {
    fc.assert(
      fc.property(edit, ({ bases, target }) => {
        const payload = diffChunk(target, bases);
        if (payload === undefined) return;
        expect(payload.length).toBeLessThan(target.length);
        expect(Buffer.compare(rebuilt(payload, byId(bases), target.length), target)).toBe(0);
        const smaller = diffChunk(target, bases, compression) as Uint8Array;
        expect(smaller.length).toBeLessThanOrEqual(payload.length);
        expect(Buffer.compare(rebuilt(smaller, byId(bases), target.length), target)).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it("sends little besides the bytes that a few edits of noise brought", () => {
    fc.assert(
      fc.property(fc.nat(1000), edits, (seed, changes) => {
        const old = noise(seed, 60_000);
        // Between two edits at least one cut must meet the old ones again: in 16 KiB of noise it always does.
        const target = edited(
          old,
          changes.slice(0, 2).map((one) => ({ ...one, removed: one.removed % 20 })),
        );
        const inserted = changes.slice(0, 2).reduce((sum, one) => sum + one.inserted.length, 0);
        expect(diffChunk(target, [base(old)])?.length).toBeLessThan(inserted + 16_384 + 200);
      }),
      { numRuns: 100 },
    );
  });

  it("tells one changed byte in some hundred bytes, wherever it is and however small the chunk", () => {
    fc.assert(
      fc.property(fc.integer({ min: 300, max: 70_000 }), fc.nat(999), fc.constantFrom(0, 1), (size, thousandth, removed) => {
        const old = noise(7, size);
        const target = edited(old, [{ at: Math.floor((thousandth * size) / 1000), removed, inserted: Uint8Array.of(1) }]);
        expect(diffChunk(target, [base(old)])?.length).toBeLessThan(100);
      }),
      { numRuns: 100 },
    );
  });

  it("finds overwritten bytes in every piece", () => {
    const old = noise(1, 64_000);
    const target = old.slice();
    for (let at = 500; at < target.length; at += 1000) target[at] = ~(target[at] as number);
    expect(diffChunk(target, [base(old)])?.length).toBeLessThan(64 * 20);
  });

  it("gives nothing for what has nothing in common, for an empty chunk, and without bases", () => {
    expect(diffChunk(new Uint8Array(randomBytes(10_000)), [base(noise(1, 10_000))])).toBeUndefined();
    expect(diffChunk(new Uint8Array(0), [base(noise(1, 10_000))])).toBeUndefined();
    expect(diffChunk(noise(1, 100), [])).toBeUndefined();
  });

  it("never names more bases than a delta may, nor ones that are too large together", () => {
    const shared = noise(2, 20_000);
    const many = Array.from({ length: 70 }, (_, i) => base(noise(100 + i, 2_100)));
    const target = new Uint8Array(Buffer.concat([...many.map(({ bytes }) => bytes), shared]));
    const payload = diffChunk(target, [...many, base(shared)]);
    expect(decodeDelta(payload as Uint8Array, compression).bases.length).toBeLessThanOrEqual(64);
    const large = [1, 2, 3].map((byte) => base(new Uint8Array(4 * 2 ** 20).fill(byte)));
    const fromLarge = diffChunk(new Uint8Array(10_000).fill(3), large);
    expect(fromLarge).toBeUndefined();
  });
});

describe("diffAgainstSketches", () => {
  it("gives a delta that is smaller than the target and makes it from the bases", () => {
    fc.assert(
      fc.property(edit, ({ bases, target }) => {
        const payload = diffAgainstSketches(target, bases.map(sketched), options);
        if (payload === undefined) return;
        expect(payload.length).toBeLessThan(target.length);
        expect(Buffer.compare(rebuilt(payload, byId(bases), target.length), target)).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it("recognizes what an edit in the middle left alone", () => {
    const old = noise(3, 80_000);
    const target = edited(old, [{ at: 40_000, removed: 0, inserted: Uint8Array.of(1, 2, 3) }]);
    const payload = diffAgainstSketches(target, [sketched(base(old))], options);
    expect(payload?.length).toBeLessThan(2 * 4 * averageBytes);
  });
});

describe("diffAgainstSketches of pieces that are all alike", () => {
  it("copies on from where the last copy ended", () => {
    const zeros = new Uint8Array(30_000);
    const payload = diffAgainstSketches(zeros, [sketched(base(zeros))], options) as Uint8Array;
    expect(decodeDelta(payload, compression).operations).toEqual([{ kind: "copy", base: 0, offsetBytes: 0, lengthBytes: 30_000 }]);
  });
});

describe("a sketch", () => {
  it("covers its chunk from the first byte to the last, and survives being kept", () => {
    fc.assert(
      fc.property(original, fc.constantFrom(1024, 4096, 65_536), (bytes, average) => {
        const sketch = sketchChunk(bytes, average, nobleSha256);
        let at = 0;
        for (const piece of sketch) {
          expect(piece.offsetBytes).toBe(at);
          at += piece.lengthBytes;
        }
        expect(at).toBe(bytes.length);
        expect(decode(sketchCodec, encode(sketchCodec, sketch))).toEqual(sketch);
      }),
      { numRuns: 50 },
    );
  });
});

describe("sketchChunk", () => {
  it.each([0, 512, 1025, 3000, 131_072, Number.NaN])("refuses pieces of %s bytes on average", (average) => {
    expect(() => sketchChunk(noise(1, 100), average, sha256)).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
  });

  it("tells the longest chunk of the shortest pieces within the bounds of its message", () => {
    const sketch = sketchChunk(new Uint8Array(4 * 2 ** 20), sketchAverageFor(1), sha256);
    expect(decode(sketchCodec, encode(sketchCodec, sketch))).toEqual(sketch);
  });
});

describe("applyDelta", () => {
  const source = base(noise(5, 1_000));
  const bases = byId([source]);
  const copy = (offsetBytes: number, lengthBytes: number, from = 0) => ({ kind: "copy", base: from, offsetBytes, lengthBytes }) as const;
  const protocolError = expect.objectContaining({ code: "ERR_PROTOCOL" });

  it.each([
    ["a copy beyond the end of its base", [copy(990, 11)], 11],
    ["a copy from a base that is not named", [copy(0, 10, 1)], 10],
    ["a copy of nothing", [copy(0, 0)], 0],
    ["another length than the frame says", [copy(0, 10)], 11],
    ["more than a chunk's bytes", Array<ReturnType<typeof copy>>(5_000).fill(copy(0, 1_000)), 5_000_000],
    ["an offset past all numbers", [copy(Number.MAX_SAFE_INTEGER, 10)], 10],
  ])("refuses %s", (_what, operations, plainBytes) => {
    const payload = encodeDelta({ bases: [source.chunkId], operations });
    expect(() => rebuilt(payload, bases, plainBytes)).toThrow(protocolError);
  });

  it("refuses bases that are named twice, or too large together", () => {
    expect(() => decodeDelta(encodeDelta({ bases: [source.chunkId, source.chunkId], operations: [] }), compression)).toThrow(protocolError);
    const large = [1, 2, 3].map((byte) => base(new Uint8Array(4 * 2 ** 20).fill(byte)));
    const payload = encodeDelta({ bases: large.map(({ chunkId }) => chunkId), operations: [copy(0, 5)] });
    expect(() => rebuilt(payload, byId(large), 5)).toThrow(protocolError);
  });

  it("says which base is absent", () => {
    const payload = encodeDelta({ bases: [source.chunkId], operations: [copy(0, 10)] });
    expect(() => rebuilt(payload, new Map(), 10)).toThrow(expect.objectContaining({ code: "ERR_CHUNK_NOT_FOUND" }));
  });

  it("refuses mutated payloads with ERR_PROTOCOL, or makes a chunk of exactly the length that was asked for", () => {
    const target = edited(source.bytes, [{ at: 500, removed: 2, inserted: new Uint8Array(200).fill(9) }]);
    const payloads = [diffChunk(target, [source]), diffChunk(target, [source], compression)] as const;
    fc.assert(
      fc.property(fc.constantFrom(...payloads), fc.nat(), fc.nat(255), fc.nat(), (whole, at, byte, length) => {
        const payload = whole as Uint8Array;
        const mutated = payload.slice(0, length % 3 === 0 ? length % payload.length : payload.length);
        mutated[at % payload.length] = byte;
        try {
          expect(rebuilt(mutated, bases, target.length).length).toBe(target.length);
        } catch (error) {
          if (!isTwinfoldError(error)) throw error;
          expect(["ERR_PROTOCOL", "ERR_CHUNK_NOT_FOUND"]).toContain(error.code);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("a delta with compressed inserts", () => {
  it("says how many bytes its inserts stand for, and no more are inflated", () => {
    const payload = encodeDelta({ bases: [], operations: [{ kind: "insert", bytes: new Uint8Array(1_000_000) }] }, compression);
    expect(payload.length).toBeLessThan(10_000);
    const bounds: number[] = [];
    const measured = {
      ...compression,
      inflate: (bytes: Uint8Array, maxBytes: number) => {
        bounds.push(maxBytes);
        return compression.inflate(bytes, maxBytes);
      },
    };
    expect(decodeDelta(payload, measured).operations).toEqual([{ kind: "insert", bytes: new Uint8Array(1_000_000) }]);
    const [tag, length] = [3, 3 + 1];
    expect(payload[2]).toBe(2); // the operation is an insert, and the varint after it says how many bytes
    const less = new Uint8Array([...payload.slice(0, tag), 1, ...payload.slice(length + 2)]);
    expect(() => decodeDelta(less, measured)).toThrow(expect.objectContaining({ code: "ERR_PROTOCOL" }));
    expect(bounds).toEqual([1_000_000, 1]);
  });
});

describe("planDelta", () => {
  const lacking = fc.infiniteStream(fc.boolean());

  it("sends each missing chunk once, in order of first appearance, at its first place, in batches within their bounds", () => {
    fc.assert(
      fc.property(manifest, fc.array(fc.nat(29)), lacking, fc.integer({ min: 1, max: 6 }), (entries, repeats, lacks, maxBatchFrames) => {
        const file = [...entries, ...repeats.flatMap((i) => entries[i] ?? [])];
        const missing = new Set(entries.map(({ chunkId }) => chunkId).filter(() => lacks.next().value));
        const maxBatchBytes = 6 * 2 ** 20;
        const plan = planDelta({ manifest: file, missing }, { maxBatchBytes, maxBatchFrames });

        expect(plan.chunks.map(({ chunkId }) => chunkId)).toEqual([...new Set(file.map(({ chunkId }) => chunkId))].filter((id) => missing.has(id)));
        expect(plan.batches.flat()).toEqual(plan.chunks);
        expect(plan.totalBytes).toBe(plan.chunks.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0));
        for (const { chunkId, offsetBytes } of plan.chunks) {
          const index = file.findIndex((entry) => entry.chunkId === chunkId);
          expect(offsetBytes).toBe(file.slice(0, index).reduce((sum, { lengthBytes }) => sum + lengthBytes, 0));
        }
        for (const batch of plan.batches) {
          expect(batch.length).toBeGreaterThan(0);
          expect(batch.length).toBeLessThanOrEqual(maxBatchFrames);
          expect(batch.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0)).toBeLessThanOrEqual(maxBatchBytes);
        }
      }),
    );
  });

  it("gives a chunk over a batch's bytes a batch of its own", () => {
    const [a, b] = ["aa", "bb"].map((byte) => byte.repeat(32) as ChunkId) as [ChunkId, ChunkId];
    const { batches } = planDelta(
      {
        manifest: [
          { chunkId: a, lengthBytes: 10 },
          { chunkId: b, lengthBytes: 3 },
        ],
        missing: [b, a],
      },
      { maxBatchBytes: 5 },
    );
    expect(batches.map((batch) => batch.map(({ chunkId }) => chunkId))).toEqual([[a], [b]]);
  });
});
