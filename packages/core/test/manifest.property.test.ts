import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  applyRuns,
  type ChunkId,
  decodeManifest,
  encodeManifest,
  type Manifest,
  type ManifestRun,
  manifestSize,
  MAX_CHUNK_BYTES,
  MAX_MANIFEST_BYTES,
  spliceManifest,
} from "../src/index.js";
import { manifest } from "./arbitraries.js";

/** Few chunks, so that base and target share ranges, repeats among them. */
const shared: fc.Arbitrary<Manifest> = fc.array(
  fc.nat(6).map((n) => ({ chunkId: String(n).padStart(64, "0") as ChunkId, lengthBytes: n + 1 })),
  { maxLength: 40 },
);
const either = fc.oneof(shared, manifest);
const protocolError = expect.objectContaining({ code: "ERR_PROTOCOL" });

describe("spliceManifest", () => {
  it("gives runs that make the target from the base", () => {
    fc.assert(
      fc.property(either, either, (base, target) => {
        expect(applyRuns(base, spliceManifest(base, target))).toEqual(target);
      }),
    );
  });

  it("sends an entry only when the base has not its chunk, and no empty run", () => {
    fc.assert(
      fc.property(either, either, (base, target) => {
        const known = new Set(base.map(({ chunkId }) => chunkId));
        for (const run of spliceManifest(base, target)) {
          expect(run.kind === "copy" ? run.count : run.entries.length).toBeGreaterThan(0);
          if (run.kind === "entries") for (const { chunkId } of run.entries) expect(known.has(chunkId)).toBe(false);
        }
      }),
    );
  });

  it("tells an equal manifest of distinct chunks in one run", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(1000), { minLength: 1 }), (numbers) => {
        const base = numbers.map((n) => ({ chunkId: String(n).padStart(64, "0") as ChunkId, lengthBytes: 1 }));
        expect(spliceManifest(base, base)).toEqual([{ kind: "copy", from: 0, count: base.length }]);
      }),
    );
  });
});

describe("applyRuns", () => {
  const entry = { chunkId: "0a".repeat(32) as ChunkId, lengthBytes: MAX_CHUNK_BYTES };

  it("refuses to copy what the base does not hold", () => {
    const runs: ReadonlyArray<Extract<ManifestRun, { kind: "copy" }>> = [
      { kind: "copy", from: 0, count: 3 },
      { kind: "copy", from: 2, count: 1 },
      { kind: "copy", from: Number.MAX_SAFE_INTEGER, count: 1 },
      { kind: "copy", from: 1, count: Number.MAX_SAFE_INTEGER },
    ];
    for (const run of runs) expect(() => applyRuns([entry, entry], [run])).toThrow(protocolError);
  });

  it("refuses a manifest that would be over its bytes, and only that", () => {
    const base = Array<typeof entry>(1000).fill(entry);
    // 36 bytes for each entry of the largest chunk; 2 and 3 for the head and the count.
    const most = Math.floor((MAX_MANIFEST_BYTES - 5) / 36);
    const runsFor = (count: number): ManifestRun[] => [
      ...Array<ManifestRun>(Math.floor(count / 1000)).fill({ kind: "copy", from: 0, count: 1000 }),
      { kind: "copy", from: 0, count: count % 1000 },
    ];
    const largest = applyRuns(base, runsFor(most));
    expect(decodeManifest(encodeManifest(largest))).toHaveLength(most);
    expect(() => applyRuns(base, runsFor(most + 1))).toThrow(protocolError);
  });
});

describe("manifestSize", () => {
  it("is the sum of the chunks", () => {
    expect(manifestSize([])).toBe(0);
    fc.assert(
      fc.property(manifest, manifest, (a, b) => {
        expect(manifestSize([...a, ...b])).toBe(manifestSize(a) + manifestSize(b));
      }),
    );
  });
});
