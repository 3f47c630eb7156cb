import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_RULES } from "../../src/ignore/default-rules.js";
import { MAX_PATTERN_LENGTH, matchesPattern, parsePattern, type Pattern } from "../../src/ignore/pattern.js";
import { MAX_PATTERNS, parsePatterns, parseRules } from "../../src/ignore/rules.js";

const path = (text: string) => text.normalize("NFC");

describe("a pattern", () => {
  it("costs at most the product of its length and the path's, also when it was made to be slow", () => {
    const evil = fc
      .array(fc.constantFrom("*", "**/", "a", "?", "[a-b]", "*a", "/**/", "[!b]*", "**"), { minLength: 1, maxLength: 200 })
      .map((pieces) => pieces.join(""));
    const long = fc.array(fc.constantFrom("a", "aa", "a/", "ab"), { minLength: 1, maxLength: 200 }).map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(evil, long, (text, subject) => {
        const pattern = parsePattern(text);
        if (pattern === undefined) return;
        const meter = { steps: 0 };
        matchesPattern(pattern, subject, meter);
        expect(meter.steps).toBeLessThanOrEqual((2 * text.length + 1) * subject.length + 1);
      }),
      { numRuns: 10_000 },
    );
  });

  it("matches names however their letters are composed", () => {
    expect(matchesPattern(parsePattern("caf\u0065\u0301") as Pattern, path("café"))).toBe(true);
    expect(matchesPattern(parsePattern("caf?") as Pattern, path("cafe\u0301"))).toBe(true);
    expect(matchesPattern(parsePattern("?") as Pattern, path("😀"))).toBe(true);
  });
});

describe("an ignore file", () => {
  it("has bounds, which are said, and the rest of it holds", () => {
    const rules = parseRules(["a".repeat(MAX_PATTERN_LENGTH + 1), ...Array.from({ length: MAX_PATTERNS + 5 }, (_, at) => `name ${at}`)].join("\n"));
    expect(rules.problems).toEqual([
      expect.stringContaining(`line 1 has over ${MAX_PATTERN_LENGTH}`),
      expect.stringContaining(`over ${MAX_PATTERNS} patterns: those from line ${MAX_PATTERNS + 2} on`),
    ]);
    expect(rules.lastMatch("x/name 9999", false)?.line).toBe(10_001);
    expect(rules.lastMatch("name 10000", false)).toBeUndefined();
  });

  it("is found out in one look where it lists thousands of names", () => {
    const rules = parseRules(Array.from({ length: MAX_PATTERNS }, (_, at) => `name ${at}`).join("\n"));
    const meter = { steps: 0 };
    expect(rules.lastMatch("dir/name 77", false, meter)?.line).toBe(78);
    expect(meter.steps).toBe(0);
  });

  it("is read past the mark that some editors put in front of it", () => {
    expect(parseRules("\ufeffa").lastMatch("a", false)?.line).toBe(1);
  });
});

describe("what is ignored without a rule", () => {
  it.each([".DS_Store", "Thumbs.db", "desktop.ini", "~$letter.docx", ".~lock.letter.odt#", ".notes.txt.swp", ".nfs000000000123abcd00000007"])(
    "has %s in it",
    (name) => {
      expect(DEFAULT_RULES.lastMatch(`dir/${name}`, false)?.pattern.negated).toBe(false);
    },
  );

  it.each(["notes.txt", "~notes", "swp", "thumbs", ".nfs", "a.tmp", "~"])("lets %s be", (name) => {
    expect(DEFAULT_RULES.lastMatch(name, false)).toBeUndefined();
  });
});

describe("patterns of an option", () => {
  it("begin at the folder's root, if they do not say otherwise", () => {
    const rules = parsePatterns(["docs", "./photos/2026/", "**/*.txt"], { fromRoot: true });
    expect(rules.lastMatch("docs", true)?.pattern.text).toBe("docs");
    expect(rules.lastMatch("x/docs", true)).toBeUndefined();
    expect(rules.lastMatch("photos/2026", true)?.line).toBe(2);
    expect(rules.lastMatch("x/y.txt", false)?.line).toBe(3);
  });

  it("tell which directories are on the way to what they name", () => {
    const rules = parsePatterns(["photos/20??/**/raw", "docs"], { fromRoot: true });
    for (const [directory, leads] of [
      ["photos", true],
      ["photos/2026", true],
      ["photos/2026/may/x", true],
      ["photos/all", false],
      ["docs", false],
      ["music", false],
    ] as const) {
      expect(rules.leadsToMatch(directory), directory).toBe(leads);
    }
    expect(parsePatterns(["**/a"], { fromRoot: true }).leadsToMatch("x/y")).toBe(true);
  });

  it.each([[""], ["# note"], ["a\nb"], ["a".repeat(MAX_PATTERN_LENGTH + 1)]])("refuses %j", (pattern) => {
    expect(() => parsePatterns([pattern], { fromRoot: true })).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }) as Error);
  });
});
