import { describe, expect, it } from "vitest";
import { isTwinfoldError, TwinfoldError } from "../src/index.js";

describe("TwinfoldError", () => {
  it("keeps code, message and cause", () => {
    const cause = new Error("EIO");
    const error = new TwinfoldError("ERR_STORE_FAILED", "reading a pack failed", { cause });
    expect(error).toMatchObject({ name: "TwinfoldError", code: "ERR_STORE_FAILED", message: "reading a pack failed", cause });
    expect(error).toBeInstanceOf(Error);
  });

  it("says that trying again may help for what passes by itself only", () => {
    const retryable = (code: ConstructorParameters<typeof TwinfoldError>[0]): boolean => new TwinfoldError(code, "").retryable;
    expect(retryable("ERR_UNREACHABLE")).toBe(true);
    expect(retryable("ERR_STORE_UNAVAILABLE")).toBe(true);
    expect(retryable("ERR_INTEGRITY")).toBe(false);
    expect(retryable("ERR_PROTOCOL")).toBe(false);
  });

  it("is recognized from another copy of the package, and nothing else is", () => {
    const foreign = Object.assign(new Error("x"), { [Symbol.for("@twinfold/core/TwinfoldError")]: true, code: "ERR_CLOSED" });
    expect(isTwinfoldError(foreign)).toBe(true);
    for (const other of [new Error("x"), undefined, null, "ERR_CLOSED", { code: "ERR_CLOSED" }]) expect(isTwinfoldError(other)).toBe(false);
  });
});
