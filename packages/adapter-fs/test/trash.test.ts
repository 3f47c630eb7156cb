import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type LocalPath, parsePath, STAGING_KEPT_MS, TRASH_KEPT_MS } from "@twinfold/core";
import { describe, expect, it } from "vitest";
import { createNodeEnv } from "../src/index.js";
import { openDisk } from "./disk-edit.js";

async function openWithClock() {
  let aheadMs = 0;
  const env = { ...createNodeEnv(), nowMs: () => Date.now() + aheadMs };
  const disk = await openDisk(undefined, { env });
  const remove = async (path: LocalPath, text: string): Promise<void> => {
    await disk.edit.write(path, text);
    const stat = await disk.tree.stat(path);
    if (stat !== undefined) await disk.tree.remove(path, stat);
  };
  return {
    ...disk,
    remove,
    moveClock(byMs: number) {
      aheadMs += byMs;
    },
  };
}

const A = parsePath("a.txt");
const DEEP = parsePath(Array.from({ length: 100 }, (_, index) => `a folder with a long name, the one of number ${index}`).join("/"));

describe("the trash", () => {
  it("keeps a thing for 30 days, and not longer", async () => {
    const { tree, remove, moveClock, root, close } = await openWithClock();
    await remove(A, "older");
    moveClock(TRASH_KEPT_MS - 60_000);
    await remove(A, "newer");
    await tree.tidy();
    expect(await tree.listTrash()).toHaveLength(2);
    moveClock(120_000);
    await tree.tidy();
    expect(await tree.listTrash()).toMatchObject([{ path: A, sizeBytes: 5 }]);
    expect(readdirSync(join(root, ".twinfold/trash"))).toHaveLength(1);
    await close();
  });

  it("shows what a crash left without its note, touches nothing that is none of its own, and knows the deepest path", async () => {
    const { tree, remove, moveClock, root, close } = await openWithClock();
    const trash = join(root, ".twinfold/trash");
    await remove(parsePath(`${DEEP.slice(0, 2_000).replace(/\/[^/]*$/, "")}/deep.txt`), "deep");
    const torn = join(trash, "2026-01-02T03-04-05.678Z-0a0b0c0d");
    mkdirSync(torn);
    writeFileSync(join(torn, "torn.txt"), "kept");
    const foreign = join(trash, "my own backup");
    mkdirSync(foreign);
    writeFileSync(join(foreign, "x"), "x");
    const items = await tree.listTrash();
    expect(items.map(({ path, atMs }) => [path.split("/").at(-1), path.length > 1_000, atMs < Date.UTC(2026, 0, 3)])).toEqual([
      ["torn.txt", false, true],
      ["deep.txt", true, false],
    ]);
    moveClock(2 * TRASH_KEPT_MS);
    await tree.tidy();
    expect(readdirSync(trash)).toEqual(["my own backup"]);
    expect(existsSync(join(foreign, "x"))).toBe(true);
    await close();
  });
});

describe("a staging file", () => {
  it("goes when nobody has written it for a day and nobody has it open", async () => {
    const { tree, moveClock, root, close } = await openWithClock();
    const abandoned = await tree.stage("abandoned");
    await abandoned.append(new Uint8Array(10));
    await abandoned.close();
    const open = await tree.stage("open");
    moveClock(STAGING_KEPT_MS - 60_000);
    await tree.tidy();
    expect(readdirSync(join(root, ".twinfold/staging")).sort()).toEqual(["abandoned", "open"]);
    moveClock(120_000);
    await tree.tidy();
    expect(readdirSync(join(root, ".twinfold/staging"))).toEqual(["open"]);
    await open.discard();
    await close();
  });
});
