import { TwinfoldError } from "@twinfold/core";
import { describe, expect, it } from "vitest";
import { assertEqual, assertRejects, rejectionOf } from "../../src/conformance/assertions.js";

describe("assertEqual", () => {
  it.each([
    [{ a: 1, b: undefined }, { a: 1 }],
    [
      [1, { a: Uint8Array.of(1) }],
      [1, { a: Uint8Array.of(1) }],
    ],
    [Buffer.from([1]), Uint8Array.of(1)],
    [new Map([["a", [1]]]), new Map([["a", [1]]])],
    [new Set([1, 2]), new Set([2, 1])],
    [Number.NaN, Number.NaN],
  ])("takes %o and %o for equal", (a, b) => {
    expect(() => assertEqual(a, b)).not.toThrow();
    expect(() => assertEqual(b, a)).not.toThrow();
  });

  it.each([
    [{ a: 1 }, { a: 1, b: 2 }],
    [[1, 2], [1]],
    [[1], { 0: 1 }],
    [Uint8Array.of(1), Uint8Array.of(2)],
    [Uint8Array.of(1), [1]],
    [new Map([["a", 1]]), new Map([["a", 2]])],
    [new Set([1]), new Set([2])],
    [undefined, null],
    [1n, 2n],
  ])("tells %o from %o", (a, b) => {
    expect(() => assertEqual(a, b)).toThrow(/expected/);
    expect(() => assertEqual(b, a)).toThrow(/expected/);
  });
});

describe("assertRejects", () => {
  it("wants a rejection, with that code", async () => {
    const failing = async (code: "ERR_CLOSED" | "ERR_NOT_FOUND"): Promise<never> => {
      throw new TwinfoldError(code, "no");
    };
    await assertRejects(failing("ERR_CLOSED"), "ERR_CLOSED");
    await expect(assertRejects(failing("ERR_NOT_FOUND"), "ERR_CLOSED")).rejects.toThrow(/expected ERR_CLOSED/);
    await expect(assertRejects(Promise.resolve(), "ERR_CLOSED")).rejects.toThrow(/it resolved/);
    await expect(rejectionOf(Promise.resolve(), "gone")).rejects.toThrow("gone");
  });
});
