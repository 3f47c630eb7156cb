import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { differences } from "./folders.js";
import { loggedIn, signedUp, startServer } from "./twinfold.js";
import { linked, syncOnce } from "./twins.js";

async function pair(files: number) {
  const { url } = await startServer();
  const laptop = await linked(await signedUp(url));
  for (let at = 0; at < files; at++) await writeFile(join(laptop.folder, `${at}.txt`), `${at}`);
  await syncOnce(laptop);
  const phone = await linked(await loggedIn(url));
  expect((await syncOnce(phone)).json).toMatchObject({ inSync: true, filesDownloaded: files });
  return { laptop, phone };
}

describe("a linked folder that is not the one that was synced, though it has its marker", () => {
  it.each([4, 40])("because somebody made the marker again in an empty folder, gets its %i files back and deletes none elsewhere", async (files) => {
    const { laptop, phone } = await pair(files);
    const marker = await readFile(join(laptop.folder, ".twinfold", "root.json"));
    await rm(laptop.folder, { recursive: true });
    await mkdir(join(laptop.folder, ".twinfold"), { recursive: true });
    await writeFile(join(laptop.folder, ".twinfold", "root.json"), marker);
    expect((await syncOnce(laptop)).json).toMatchObject({ inSync: true, filesDownloaded: files, filesDeleted: 0, awaitingConfirmation: null });
    expect((await syncOnce(phone)).json).toMatchObject({ inSync: true, filesDeleted: 0 });
    expect(await differences(laptop.folder, phone.folder)).toEqual([]);
    expect((await readdir(phone.folder)).filter((name) => name !== ".twinfold")).toHaveLength(files);
  });

  it("because it was moved to another disk, transfers nothing and makes no conflicts", async () => {
    const { laptop, phone } = await pair(12);
    await rename(laptop.folder, `${laptop.folder}.old`);
    await cp(`${laptop.folder}.old`, laptop.folder, { recursive: true, preserveTimestamps: true });
    await rm(join(laptop.folder, "3.txt"));
    const moved = await syncOnce(laptop);
    expect(moved.json).toMatchObject({ inSync: true, filesUploaded: 0, filesDownloaded: 1, filesDeleted: 0, moved: 0, conflicts: 0 });
    expect((await syncOnce(phone)).json).toMatchObject({ inSync: true, filesDownloaded: 0, filesDeleted: 0 });
    expect(await differences(laptop.folder, phone.folder)).toEqual([]);
  });
});
