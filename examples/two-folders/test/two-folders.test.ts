import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { twin } from "../src/two-folders.js";

const README = fileURLToPath(new URL("../../../README.md", import.meta.url));
const SOURCE = fileURLToPath(new URL("../src/two-folders.ts", import.meta.url));

let parent: string;
let left: string;
let right: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "two-folders-"));
  left = join(parent, "left");
  right = join(parent, "right");
  for (const folder of [left, right]) await mkdir(folder);
});
afterEach(() => rm(parent, { recursive: true, force: true }));

async function names(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name !== ".twinfold").sort();
}

describe("two folders in one program", () => {
  it("both hold what either held", async () => {
    await writeFile(join(left, "a.txt"), "a");
    await mkdir(join(right, "deep"));
    await writeFile(join(right, "deep", "b.txt"), "b");
    await twin([left, right]);
    expect(await names(left)).toEqual(["a.txt", "deep"]);
    expect(await names(right)).toEqual(["a.txt", "deep"]);
    expect(await readFile(join(left, "deep", "b.txt"), "utf8")).toBe("b");
  });

  it("an edit and a rename of one file on two sides both stand", async () => {
    await writeFile(join(left, "draft.txt"), "first");
    const twins = await twin([left, right]);
    await writeFile(join(left, "draft.txt"), "second");
    await rename(join(right, "draft.txt"), join(right, "final.txt"));
    await twins.sync();
    expect(await names(left)).toEqual(["final.txt"]);
    expect(await readFile(join(left, "final.txt"), "utf8")).toBe("second");
    expect(await readFile(join(right, "final.txt"), "utf8")).toBe("second");
  });

  it("two edits of one file are both kept", async () => {
    await writeFile(join(left, "note.txt"), "base");
    const twins = await twin([left, right]);
    await writeFile(join(left, "note.txt"), "of the left");
    await writeFile(join(right, "note.txt"), "of the right");
    await twins.sync();
    const kept = await names(left);
    expect(kept).toEqual(await names(right));
    expect(new Set(await Promise.all(kept.map((name) => readFile(join(left, name), "utf8"))))).toEqual(new Set(["of the left", "of the right"]));
  });
});

describe("the README", () => {
  it("shows exactly the code that is tested here", async () => {
    const source = await readFile(SOURCE, "utf8");
    const shown = source.slice(source.indexOf("// README: begin\n") + 17, source.indexOf("  // README: end"));
    expect(await readFile(README, "utf8")).toContain(shown.replaceAll(/^ {2}/gm, ""));
  });
});
