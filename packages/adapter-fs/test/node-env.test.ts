import { deflateRawSync } from "node:zlib";
import { createNodeEnv } from "@twinfold/adapter-fs";
import { type Compression, fflateCompression, nobleSha256 } from "@twinfold/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

describe("createNodeEnv", () => {
  it("gives random bytes in arrays of their own, as many as asked for, and none twice", () => {
    const { randomBytes } = createNodeEnv();
    fc.assert(
      fc.property(fc.array(fc.nat(80), { minLength: 1, maxLength: 300 }), (lengths) => {
        const given = lengths.map((length) => randomBytes(length));
        expect(given.map(({ length }) => length)).toEqual(lengths);
        for (const bytes of given) expect(bytes.buffer.byteLength).toBe(bytes.length);
        // Twelve bytes are equal, or all 0, by chance once in 2^96 times.
        const texts = given.filter(({ length }) => length >= 12).map((bytes) => Buffer.from(bytes).toString("hex", 0, 12));
        expect(new Set([...texts, "00".repeat(12)]).size).toBe(texts.length + 1);
      }),
      { numRuns: 50 },
    );
  });

  it("hashes as the published algorithm does, into an array of its own", () => {
    const { sha256 } = createNodeEnv();
    for (const length of [0, 1, 63, 64, 65, 70_000]) {
      const bytes = new Uint8Array(length).fill(7);
      expect(sha256(bytes)).toEqual(nobleSha256(bytes));
      expect(sha256(bytes).buffer.byteLength).toBe(32);
    }
  });

  it("compresses so that others understand it, and understands them, into arrays of its own", () => {
    const { deflate, inflate } = createNodeEnv().compression as Compression;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), fc.nat(20), (piece, times) => {
        const plain = new Uint8Array(Buffer.concat(Array<Uint8Array>(times).fill(piece)));
        expect(fflateCompression.inflate(deflate(plain), plain.length)).toEqual(plain);
        const inflated = inflate(fflateCompression.deflate(plain), plain.length);
        expect(inflated).toEqual(plain);
        expect(inflated.buffer.byteLength).toBe(plain.length);
        if (plain.length > 0) expect(() => inflate(deflate(plain), plain.length - 1)).toThrow(expect.objectContaining({ code: "ERR_PROTOCOL" }));
      }),
      { numRuns: 50 },
    );
  });

  it("inflates no more than it may: of a bomb, of damaged bytes, of none", () => {
    const { inflate } = createNodeEnv().compression as Compression;
    const bomb = deflateRawSync(new Uint8Array(2 ** 28));
    const before = process.memoryUsage().arrayBuffers;
    for (const bytes of [bomb, new Uint8Array(50).fill(255), new Uint8Array(0)]) {
      expect(() => inflate(bytes, 4 * 2 ** 20)).toThrow(expect.objectContaining({ code: "ERR_PROTOCOL" }));
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 2 ** 20);
  });

  it("ends a sleep with the signal's own reason", async () => {
    const reason = new Error("enough");
    const controller = new AbortController();
    const sleeping = createNodeEnv().sleep(1_000_000, controller.signal);
    controller.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
    await expect(createNodeEnv().sleep(1_000_000, AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  it("keeps the boot's id for as long as the machine runs", () => {
    expect(createNodeEnv().bootId).toBe(createNodeEnv().bootId);
    expect(createNodeEnv().bootId).not.toBe("");
  });
});
