import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { CutFinder } from "../src/chunking/cut-finder.js";
import { GEAR_HEX, MASKS } from "../src/chunking/gear.js";
import { plainSearch } from "../src/chunking/plain-search.js";
import { chunkBytes, type ChunkProfile, chunkProfileFor, createChunker } from "../src/index.js";
import lengths from "./fixtures/fastcdc-lengths.json" with { type: "json" };
import tables from "./fixtures/fastcdc-tables.json" with { type: "json" };

/** The fixtures' rule. */
function inputOf(name: string, sizeBytes: number): Buffer {
  if (name === "zeros") return Buffer.alloc(sizeBytes);
  const blocks = Array.from({ length: Math.ceil(sizeBytes / 32) }, (_, i) => createHash("sha256").update(`${name}:${i}`).digest());
  return Buffer.concat(blocks).subarray(0, sizeBytes);
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** As `chunkBytes` where there is no WebAssembly. */
function plainLengths(bytes: Uint8Array, profile: ChunkProfile): number[] {
  const finder = new CutFinder(profile, plainSearch);
  const lengths: number[] = [];
  for (let at = 0; at < bytes.length; at += lengths.at(-1) as number) lengths.push(finder.find(bytes, at, bytes.length) ?? bytes.length - at);
  return lengths;
}

describe("the published tables", () => {
  it("has the gear that MD5 gives", () => {
    const derived = Array.from({ length: 256 }, (_, byte) => createHash("md5").update(Buffer.alloc(64, byte)).digest("hex").slice(0, 16));
    expect(GEAR_HEX).toEqual(derived);
    expect(tables.gear64).toEqual(derived);
  });

  it("has the published masks, none of them beyond bit 47", () => {
    expect(MASKS).toEqual(tables.masks.map(Number));
    expect(Math.max(...MASKS)).toBeLessThan(2 ** 48);
  });

  it("cuts zeros as fastcdc-rs does", () => {
    const { min, avg, max, each_len: length } = tables.zeros;
    const profile: ChunkProfile = { minBytes: min, averageBytes: avg, maxBytes: max, normalization: 1 };
    expect(chunkBytes(new Uint8Array(10 * length), profile)).toEqual(Array<number>(10).fill(length));
    expect(plainLengths(new Uint8Array(10 * length), profile)).toEqual(Array<number>(10).fill(length));
  });
});

describe("the reference's lengths", () => {
  for (const { input, sizeBytes, lengths: expected, firstChunkSha256, inputSha256, ...rest } of lengths.cases) {
    const profile = rest as ChunkProfile;
    const name = `${input}, ${sizeBytes} bytes, ${profile.averageBytes} on average, normalization ${profile.normalization}`;

    it(`are those of chunkBytes, with WebAssembly and without: ${name}`, () => {
      const bytes = inputOf(input, sizeBytes);
      expect(sha256(bytes)).toBe(inputSha256);
      expect(chunkBytes(bytes, profile)).toEqual(expected);
      expect(plainLengths(bytes, profile)).toEqual(expected);
      expect(sha256(bytes.subarray(0, expected[0]))).toBe(firstChunkSha256);
    });

    it(`are those of createChunker, whatever the pieces: ${name}`, () => {
      const bytes = inputOf(input, sizeBytes);
      for (const pieceBytes of [997, 65_536, sizeBytes]) {
        const chunker = createChunker(profile);
        const chunks: Uint8Array[] = [];
        for (let at = 0; at < sizeBytes; at += pieceBytes) chunks.push(...chunker.push(bytes.subarray(at, at + pieceBytes)));
        chunks.push(...chunker.finish());
        expect(chunks.map((chunk) => chunk.length)).toEqual(expected);
        expect(sha256(Buffer.concat(chunks))).toBe(inputSha256);
      }
    });
  }
});

describe("a chunk profile", () => {
  const small = chunkProfileFor(0);

  it("is chosen by the file's size alone", () => {
    const MIB = 2 ** 20;
    const averages = [0, 128 * MIB, 128 * MIB + 1, 1024 * MIB - 1, 1024 * MIB].map((size) => chunkProfileFor(size).averageBytes);
    expect(averages).toEqual([65_536, 65_536, 262_144, 262_144, 1_048_576]);
  });

  it.each([
    { ...small, minBytes: 0 },
    { ...small, minBytes: 1001 },
    { ...small, minBytes: small.averageBytes },
    { ...small, averageBytes: 65_537 },
    { ...small, maxBytes: small.averageBytes },
    { ...small, maxBytes: 262_144.5 },
    { ...small, maxBytes: 4 * 2 ** 20 + 2 },
    { ...small, minBytes: Number.NaN },
    { ...small, normalization: 4 as 3 },
    { minBytes: 2, averageBytes: 4, maxBytes: 8, normalization: 3 } as const,
  ])("that is none is refused: %o", (profile) => {
    const refusal = expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" });
    expect(() => createChunker(profile)).toThrow(refusal);
    expect(() => chunkBytes(new Uint8Array(1), profile)).toThrow(refusal);
  });

  it("cuts a Buffer into copies too", () => {
    const chunker = createChunker(small);
    const pushed = Buffer.alloc(small.maxBytes);
    const [chunk] = chunker.push(pushed);
    pushed.fill(1);
    expect(chunk?.every((byte) => byte === 0)).toBe(true);
  });

  it("is followed anew for another stream after finish", () => {
    const chunker = createChunker(small);
    chunker.push(new Uint8Array(50_000));
    expect(chunker.finish().map((chunk) => chunk.length)).toEqual([50_000]);
    expect(chunker.finish()).toEqual([]);
    chunker.push(new Uint8Array(10));
    expect(chunker.finish().map((chunk) => chunk.length)).toEqual([10]);
  });
});
