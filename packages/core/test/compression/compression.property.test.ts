import { randomBytes } from "node:crypto";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fflateCompression, isTwinfoldError, isWorthDeflating } from "../../src/index.js";

const { deflate, inflate } = fflateCompression;
const protocolError = expect.objectContaining({ code: "ERR_PROTOCOL" });
/** Some of it repeats. */
const bytes = fc.array(fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.nat(200))).map((runs) => {
  return new Uint8Array(Buffer.concat(runs.flatMap(([piece, times]) => Array<Uint8Array>(times).fill(piece))));
});

describe("compression in plain JavaScript", () => {
  it("is understood by zlib, and understands it", () => {
    fc.assert(
      fc.property(bytes, fc.constantFrom(0, 1, 9), (plain, level) => {
        expect(Buffer.compare(inflateRawSync(deflate(plain)), plain)).toBe(0);
        const inflated = inflate(new Uint8Array(deflateRawSync(plain, { level })), plain.length);
        expect(Buffer.compare(inflated, plain)).toBe(0);
      }),
      { numRuns: 100 },
    );
  });

  it("refuses what stands for one byte more than is allowed", () => {
    fc.assert(
      fc.property(
        bytes.filter(({ length }) => length > 0),
        (plain) => {
          expect(() => inflate(deflate(plain), plain.length - 1)).toThrow(protocolError);
        },
      ),
    );
  });

  it("makes no more than the bound of a bomb of 256 MiB", () => {
    const bomb = deflateRawSync(new Uint8Array(2 ** 28));
    const before = process.memoryUsage().arrayBuffers;
    expect(() => inflate(bomb, 4 * 2 ** 20)).toThrow(protocolError);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 2 ** 20);
  });

  it("gives at most what is allowed of damaged bytes, or refuses them", () => {
    const whole = deflate(new Uint8Array(Buffer.from("a text that repeats, a text that repeats. ".repeat(50))));
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, byte, length) => {
        const damaged = whole.slice(0, length);
        damaged[at] = byte;
        try {
          expect(inflate(damaged, 5_000).length).toBeLessThanOrEqual(5_000);
        } catch (error) {
          expect(isTwinfoldError(error) && error.code).toBe("ERR_PROTOCOL");
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("isWorthDeflating", () => {
  it("says no to random bytes of any length, and to what is short", () => {
    for (const length of [0, 1, 255, 1024, 5_000, 80_000, 4 * 2 ** 20]) expect(isWorthDeflating(new Uint8Array(randomBytes(length)))).toBe(false);
    expect(isWorthDeflating(new Uint8Array(255))).toBe(false);
  });

  it("says yes to text, base64, zeros and numbers, all of which deflate makes smaller", () => {
    const samples = [
      Buffer.from("The quick brown fox jumps over the lazy dog. ".repeat(200)),
      Buffer.from(randomBytes(9_000).toString("base64")),
      Buffer.alloc(300),
      Buffer.from(Float64Array.from({ length: 500 }, (_, i) => i * 1.5).buffer),
    ];
    for (const sample of samples) {
      expect(isWorthDeflating(new Uint8Array(sample))).toBe(true);
      expect(fflateCompression.deflate(new Uint8Array(sample)).length).toBeLessThan(sample.length);
    }
  });
});
