import * as fs from "node:fs";
import { join } from "node:path";
import { createFsBlobStore, createNodeFileSystem } from "@twinfold/adapter-fs";
import { isTwinfoldError } from "@twinfold/core";
import { diskError, type FileSystemCall, hookedFileSystem } from "@twinfold/testing";
import { describe, expect, it } from "vitest";
import { DISKS, temporaryFolder } from "./temporary-folder.js";

const [, BASE] = DISKS.at(-1) as (typeof DISKS)[number];
const OLD = new Uint8Array(10).fill(1);
const NEW = new Uint8Array(20).fill(2);

function open(root: string, before: (call: FileSystemCall) => void | Promise<void>) {
  return createFsBlobStore({ root, fileSystem: hookedFileSystem(createNodeFileSystem(), before) });
}

describe("createFsBlobStore", () => {
  it.each([false, true])("holds the old blob or the new one, whichever call of a put fails (and all after it: %s)", async (crashes) => {
    for (let target = 1, reached = true; reached; target++) {
      const root = temporaryFolder(BASE);
      await createFsBlobStore({ root }).put("packs/00/a", OLD);
      reached = false;
      const store = open(root, ({ index }) => {
        if (index !== target && !(crashes && index > target)) return;
        reached = true;
        throw diskError("EIO");
      });
      const outcome = await store.put("packs/00/a", NEW).then(
        () => "stored",
        (error: unknown) => (isTwinfoldError(error) ? error.code : error),
      );
      expect(["stored", "ERR_STORE_FAILED"]).toContain(outcome);

      const again = createFsBlobStore({ root });
      const held = await again.get("packs/00/a");
      expect(outcome === "stored" ? [NEW] : [OLD, NEW]).toContainEqual(held);
      expect(fs.readdirSync(join(root, ".tmp"))).toEqual([]);
    }
  });

  it("makes the bytes durable before they get their name, and the name before it answers", async () => {
    const root = temporaryFolder(BASE);
    const calls: string[] = [];
    await open(root, ({ operation, path }) => void calls.push(`${operation} ${path.slice(root.length)}`)).put("packs/00/a", NEW);
    const wrote = calls.slice(calls.findIndex((call) => call.startsWith("open")));

    expect(wrote.map((call) => call.replace(/[0-9a-f]{32}/, "draft"))).toEqual([
      "open /.tmp/draft",
      "file.write /.tmp/draft",
      "file.sync /.tmp/draft",
      "mkdir /packs",
      "syncDirectory ",
      "mkdir /packs/00",
      "syncDirectory /packs",
      "rename /.tmp/draft",
      "syncDirectory /packs/00",
    ]);
  });

  it("does not try an fsync that failed again on the same file", async () => {
    const root = temporaryFolder(BASE);
    const synced: string[] = [];
    const store = open(root, ({ operation, path }) => {
      if (operation !== "file.sync") return;
      synced.push(path);
      if (synced.length === 1) throw diskError("EIO");
    });
    await expect(store.put("a", NEW)).rejects.toMatchObject({ code: "ERR_STORE_FAILED" });
    expect(await store.get("a")).toBeUndefined();
    expect(fs.readdirSync(join(root, ".tmp"))).toEqual([]);
    await store.put("a", NEW);
    expect(new Set(synced).size).toBe(2);
  });

  it.each([
    ["ENOSPC", "ERR_NO_SPACE"],
    ["EDQUOT", "ERR_NO_SPACE"],
    ["EACCES", "ERR_PERMISSION_DENIED"],
    ["EMFILE", "ERR_STORE_UNAVAILABLE"],
    ["EIO", "ERR_STORE_FAILED"],
    ["ENAMETOOLONG", "ERR_STORE_FAILED"],
  ])("BS10 answers %s with %s, and never takes it for absence", async (code, expected) => {
    const root = temporaryFolder(BASE);
    await createFsBlobStore({ root }).put("a", OLD);
    const store = open(root, ({ operation }) => {
      if (operation === "open" || operation === "unlink" || operation === "lstat") throw diskError(code);
    });
    await expect(store.put("b", OLD)).rejects.toMatchObject({ code: expected, cause: { code } });
    await expect(store.get("a")).rejects.toMatchObject({ code: expected });
    await expect(store.head("a")).rejects.toMatchObject({ code: expected });
    await expect(store.delete("a")).rejects.toMatchObject({ code: expected });
    await expect(store.list("")[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: expected });
  });

  it("shares an fsync of a directory among puts that wait for it, and never one that began before", async () => {
    const root = temporaryFolder(BASE);
    const puts = 50;
    let syncs = 0;
    let renames = 0;
    let renamed = (): void => {};
    const allRenamed = new Promise<void>((resolve) => {
      renamed = resolve;
    });
    const store = open(root, ({ operation, path }) => {
      if (operation === "rename" && ++renames === puts) renamed();
      if (operation !== "syncDirectory" || path !== join(root, "packs")) return;
      syncs += 1;
      // The first one is under way until all the others ask for theirs.
      if (syncs === 1) return allRenamed;
    });
    await Promise.all(Array.from({ length: puts }, (_, i) => store.put(`packs/${i}`, OLD)));
    expect(syncs).toBe(2);
  });
});
