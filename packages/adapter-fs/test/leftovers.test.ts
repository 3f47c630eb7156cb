import { createFsLocalTree, initializeRoot } from "@twinfold/adapter-fs";
import { parsePath, parseWorkspaceId } from "@twinfold/core";
import { createRandom, createSimDisk } from "@twinfold/testing";
import { describe, expect, it } from "vitest";

const ROOT = "/root";
const STAGING = `${ROOT}/.twinfold/staging`;
const DAY_MS = 86_400_000;

async function openSimulated() {
  const random = createRandom(1);
  const ids = random.stream("ids");
  let now = Date.UTC(2026, 0, 1);
  const disk = createSimDisk({ nowMs: () => now, random: random.stream("disk") });
  disk.people.mkdir(ROOT);
  const env = { nowMs: () => now, randomBytes: (length: number) => ids.bytes(length), sleep: async () => {} };
  const { rootId } = await initializeRoot({ root: ROOT, workspaceId: parseWorkspaceId("0".repeat(32)), fileSystem: disk.fileSystem, env });
  return {
    disk,
    pass: (days: number) => (now += days * DAY_MS),
    open: () => createFsLocalTree({ root: ROOT, rootId, fileSystem: disk.fileSystem, env, watch: disk.watch }),
  };
}

describe("the staging folder", () => {
  it("is rid, by the next process, of second names of placed files and of drafts of symlinks, and keeps downloads to go on with", async () => {
    const { disk, open } = await openSimulated();
    disk.people.write(`${ROOT}/photo.jpg`, "a person's");
    disk.people.mkdir(STAGING);
    disk.people.link(`${ROOT}/photo.jpg`, `${STAGING}/placed`);
    disk.people.symlink(`${STAGING}/symlink-1`, "nowhere");
    disk.people.write(`${STAGING}/half`, "half of it");

    const tree = open();
    await tree.tidy();

    expect([...disk.files(STAGING).keys()]).toEqual(["half"]);
    expect((await tree.stat(parsePath("photo.jpg")))?.links).toBe(1);
    const staging = await tree.stage("half");
    expect(staging.sizeBytes).toBe("half of it".length);
    await staging.close();
  });

  it("is rid of a download that nobody came back to for a day", async () => {
    const { disk, open, pass } = await openSimulated();
    disk.people.write(`${STAGING}/half`, "half of it");
    pass(0.9);
    await open().tidy();
    expect([...disk.files(STAGING).keys()]).toEqual(["half"]);
    pass(0.2);
    await open().tidy();
    expect([...disk.files(STAGING).keys()]).toEqual([]);
  });

  it("holds no file open when the disk fails while a download is opened", async () => {
    const { disk, open } = await openSimulated();
    disk.people.write(`${STAGING}/half`, "half of it");
    const tree = open();
    await tree.tidy();
    disk.failNext({ operation: "file.stat", code: "EIO" });
    await expect(tree.stage("half")).rejects.toMatchObject({ code: "ERR_LOCAL_FAILED" });
    expect(disk.openFiles).toBe(0);
    await (await tree.stage("half")).close();
  });
});
