import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ANY_NAME, isInternalName, type NameRules, type NodeId, type NodeName, nameProblem, parseName } from "../../src/index.js";
import { ALIAS_DIGITS, isAliasOf, readAlias, shownName, whyNotHeld } from "../../src/local/alias.js";
import { name } from "../arbitraries.js";

const hardParts = fc.constantFrom(
  ...'%:?*<>|\\". ~1aé',
  "CON",
  "com1",
  "%43",
  ".txt",
  "\u0001",
  "TWINFO~1",
  " (alias 0123abcd)",
  "x".repeat(90),
  "ü".repeat(60),
  "\u202e",
  "😀",
);
const hardName = fc
  .array(hardParts, { minLength: 1, maxLength: 5 })
  .map((parts) => parts.join(""))
  .filter((text) => nameProblem(text) === undefined)
  .map(parseName);
const anyName: fc.Arbitrary<NodeName> = fc.oneof(name, hardName);
const nodeId = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString("hex") as NodeId);
const rules: fc.Arbitrary<NameRules> = fc
  .record({ reserved: fc.constantFrom("windows" as const, "none" as const), maxNameBytes: fc.constantFrom(127, 143, 255), foldsCase: fc.boolean() })
  .map((given) => ({ ...ANY_NAME, ...given }));
const digits = fc.constantFrom(...ALIAS_DIGITS);
const numRuns = Number(process.env.RUNS ?? 2_000);

describe("an alias", () => {
  it("is a name that the disk can hold, and none of Twinfold's own", () => {
    fc.assert(
      fc.property(anyName, nodeId, rules, digits, (given, id, disk, shown) => {
        const alias = shownName(given, id, disk, shown);
        expect(whyNotHeld(alias, disk)).toBeUndefined();
        expect(isInternalName(alias)).toBe(false);
      }),
      { numRuns },
    );
  });

  it("is the node's own name where the disk can hold that", () => {
    fc.assert(
      fc.property(anyName, nodeId, rules, (given, id, disk) => {
        expect(shownName(given, id, disk, 0) === given).toBe(whyNotHeld(given, disk) === undefined);
      }),
      { numRuns },
    );
  });

  it("tells which node it stands for", () => {
    fc.assert(
      fc.property(anyName, nodeId, rules, digits, (given, id, disk, shown) => {
        const alias = shownName(given, id, disk, shown);
        if (alias === given) return;
        expect(isAliasOf(alias, given, id, disk)).toBe(true);
        const candidates = readAlias(alias, disk);
        expect(candidates.some((candidate) => ("nodeId" in candidate ? candidate.nodeId === id : candidate.name === given))).toBe(true);
      }),
      { numRuns },
    );
  });

  it("with the digits of its id is another one for every node", () => {
    fc.assert(
      fc.property(anyName, nodeId, nodeId, rules, (given, a, b, disk) => {
        fc.pre(a !== b);
        expect(shownName(given, a, disk, 32)).not.toBe(shownName(given, b, disk, 32));
      }),
      { numRuns },
    );
  });

  it.each([
    ["CON", "%43ON"],
    ["com1.tar.gz", "%63om1.tar.gz"],
    ["nul .txt", "%6Eul .txt"],
    ["what?", "what%3F"],
    ["a:b*c", "a%3Ab%2Ac"],
    ["back\\slash", "back%5Cslash"],
    ["dot.", "dot%2E"],
    ["space ", "space%20"],
    ["100%25?", "100%2525%3F"],
    ["LONGFI~1.TXT", "LONGFI%7E1.TXT"],
    ["line\nbreak", "line%0Abreak"],
    ["100%", "100%"],
    ["console.txt", "console.txt"],
    [".bashrc", ".bashrc"],
  ])("of %j on Windows is %j", (given, shown) => {
    expect(shownName(parseName(given), "a".repeat(32) as NodeId, { ...ANY_NAME, reserved: "windows" }, 0)).toBe(shown);
  });

  it("has its mark before the extension", () => {
    const id = "1f3a2b4c".padEnd(32, "0") as NodeId;
    expect(shownName(parseName("README.md"), id, ANY_NAME, 8)).toBe("README (alias 1f3a2b4c).md");
    expect(shownName(parseName(".profile"), id, ANY_NAME, 8)).toBe(".profile (alias 1f3a2b4c)");
  });
});
