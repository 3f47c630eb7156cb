import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ANY_NAME, isSameName } from "../../src/index.js";
import { slotKey } from "../../src/local/name-rules.js";

const letters = fc.constantFrom(..."aAzZ.-éÉßẞıIiİſsKk\u200dﬁΣσςガ", "e\u0301", "E\u0301", "カ\u3099", "SS", "ss", "FI");
const text = fc.oneof(
  fc.array(letters, { maxLength: 6 }).map((parts) => parts.join("")),
  fc.string({ unit: "binary", maxLength: 12 }),
);
/** Pairs that are often one name, somewhere. */
const pair = fc.oneof(
  fc.tuple(text, text),
  text.map((name): [string, string] => [name, name.toUpperCase()]),
  text.map((name): [string, string] => [name, name.normalize("NFD").toLowerCase()]),
);
const rules = fc.record({ foldsCase: fc.boolean(), foldsNormalization: fc.boolean() }).map((folds) => ({ ...ANY_NAME, ...folds }));

describe("isSameName", () => {
  it("says yes only to names with one slot key, so that all of them are found by it", () => {
    fc.assert(
      fc.property(pair, rules, ([a, b], disk) => {
        if (isSameName(a, b, disk)) expect(slotKey(a, disk)).toBe(slotKey(b, disk));
      }),
      { numRuns: Number(process.env.RUNS ?? 2_000) },
    );
  });

  it("tells all names apart where the disk does", () => {
    fc.assert(fc.property(pair, ([a, b]) => void expect(isSameName(a, b, ANY_NAME)).toBe(a === b)));
  });

  it.each([
    ["README.md", "readme.MD"],
    ["straße", "STRASSE"],
    ["ΣΑΣ", "σας"],
    [".twin\u200dfold", ".TWINFOLD"],
  ])("takes %j and %j for one where case is folded", (a, b) => {
    expect(isSameName(a, b, { ...ANY_NAME, foldsCase: true })).toBe(true);
  });
});
