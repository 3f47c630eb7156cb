import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  baseName,
  isInternalName,
  joinPath,
  type LocalPath,
  MAX_DEPTH,
  MAX_NAME_BYTES,
  nameKey,
  nameProblem,
  parentPath,
  parseName,
  parsePath,
  ROOT_PATH,
  splitPath,
} from "../src/index.js";
import { name } from "./arbitraries.js";

const invalidName = expect.objectContaining({ code: "ERR_INVALID_NAME" });
const anyText = fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme", maxLength: 300 }), fc.string({ maxLength: 300 }));
const names = fc.array(name, { maxLength: 12 });

describe("parseName", () => {
  it("gives back exactly what it was given, or refuses it with a reason", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        if (nameProblem(text) === undefined) expect(parseName(text)).toBe(text);
        else expect(() => parseName(text)).toThrow(invalidName);
      }),
    );
  });

  it("accepts only what is one component of 1 to 255 bytes", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        if (nameProblem(text) !== undefined) return;
        const bytes = Buffer.byteLength(text);
        expect(bytes).toBeGreaterThan(0);
        expect(bytes).toBeLessThanOrEqual(MAX_NAME_BYTES);
        expect(text.includes("/") || text.includes("\0")).toBe(false);
        expect(Buffer.from(text).toString()).toBe(text);
      }),
    );
  });

  it.each([
    "",
    ".",
    "..",
    "a/b",
    "/",
    "a\0",
    "\ud800",
    "a\udc00",
    "x".repeat(256),
    "é".repeat(128),
    ".twinfold",
    ".TwinFold",
    ".twin\u200cfold",
    ".twin\u200bfold",
    ".TW\u0131NFOLD",
    ".twinfold.",
    ".twinfold . .",
    ".twinfold::$INDEX_ALLOCATION",
    ".Twinfold:stream",
    "\ufeff.twinfold",
  ])("refuses %j", (text) => {
    expect(() => parseName(text)).toThrow(invalidName);
  });

  it.each(["...", ".twinfold2", "twinfold", "x".repeat(255), "CON", "a:b", "a\nb", " ", "e\u0301", "😀"])("accepts %j", (text) => {
    expect(parseName(text)).toBe(text);
  });

  it("knows Twinfold's own folder under every spelling of upper case and ignored code points", () => {
    const spelling = fc.tuple(
      ...[...".twinfold"].map((letter) => fc.tuple(fc.constantFrom("", "\u200c", "\u202e", "\ufeff"), fc.constantFrom(letter, letter.toUpperCase()))),
    );
    fc.assert(
      fc.property(spelling, (letters) => {
        expect(isInternalName(letters.flat().join(""))).toBe(true);
      }),
    );
  });
});

describe("nameKey", () => {
  it("is the same for names that are canonically equivalent, and of itself", () => {
    fc.assert(
      fc.property(name, (text) => {
        expect(nameKey(text.normalize("NFD"))).toBe(nameKey(text));
        expect(nameKey(nameKey(text))).toBe(nameKey(text));
      }),
    );
  });
});

describe("a path", () => {
  it("is its names, in both directions", () => {
    fc.assert(
      fc.property(names, (parts) => {
        const path = parts.reduce(joinPath, ROOT_PATH);
        expect(splitPath(path)).toEqual(parts);
        expect(parsePath(path)).toBe(path);
      }),
    );
  });

  it("is its parent and its last name", () => {
    fc.assert(
      fc.property(names, name, (parts, last) => {
        const parent = parts.reduce(joinPath, ROOT_PATH);
        const path = joinPath(parent, last);
        expect(parentPath(path)).toBe(parent);
        expect(baseName(path)).toBe(last);
      }),
    );
  });

  it("that leaves the root, is not in shortest form, enters Twinfold's folder or is too deep is refused", () => {
    for (const text of [
      "/",
      "/a",
      "a/",
      "a//b",
      "../a",
      "a/../b",
      "./a",
      "a/.twinfold/b",
      Array(MAX_DEPTH + 1)
        .fill("a")
        .join("/"),
    ]) {
      expect(() => parsePath(text)).toThrow(invalidName);
    }
    expect(parsePath(Array(MAX_DEPTH).fill("a").join("/"))).toHaveLength(2 * MAX_DEPTH - 1);
    expect(parentPath("a" as LocalPath)).toBe(ROOT_PATH);
  });
});
