import { appendFile, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { linked, syncOnce, twins } from "./twins.js";
import { signedUp, startServer, twinfold } from "./twinfold.js";

async function names(folder: string): Promise<readonly string[]> {
  return (await readdir(folder)).filter((name) => name !== ".twinfold").sort();
}

describe("sync DIR --once", () => {
  it("makes two devices' folders twins, and counts what it did in one flat object", async () => {
    const { url } = await startServer();
    const [laptop, phone] = await twins(url);
    await mkdir(join(laptop.folder, "thesis"));
    await writeFile(join(laptop.folder, "thesis", "one.txt"), "one");
    await writeFile(join(laptop.folder, "two.bin"), Buffer.alloc(300_000, "twinfold"));

    const up = await syncOnce(laptop);
    expect(up.code, up.stderr).toBe(0);
    expect(up.json).toEqual({
      inSync: true,
      filesUploaded: 2,
      filesDownloaded: 0,
      filesDeleted: 0,
      moved: 0,
      conflicts: 0,
      skipped: [],
      aliased: [],
      awaitingConfirmation: null,
      bytesSent: expect.any(Number),
      bytesReceived: expect.any(Number),
      durationMs: expect.any(Number),
      requests: expect.any(Number),
      chunksUploaded: expect.any(Number),
      chunksDownloaded: 0,
      chunksReused: 0,
      chunksPrefetched: 0,
      deltaFrames: 0,
      bytesSaved: expect.any(Number),
      commits: 1,
      commitsUnderWay: 1,
      filesUnverified: 0,
      directoriesUnchanged: 0,
      throttledMs: 0,
    });

    const down = await syncOnce(phone);
    expect(down).toMatchObject({ code: 0, json: { inSync: true, filesUploaded: 0, filesDownloaded: 2 } });
    expect(await readFile(join(phone.folder, "thesis", "one.txt"), "utf8")).toBe("one");
    expect((await readFile(join(phone.folder, "two.bin"))).equals(await readFile(join(laptop.folder, "two.bin")))).toBe(true);
  });

  it("tells how many directories it found unchanged, without comparing what is in them", async () => {
    const { url } = await startServer();
    const [laptop] = await twins(url);
    await mkdir(join(laptop.folder, "thesis"));
    await writeFile(join(laptop.folder, "thesis", "one.txt"), "one");
    for (let pass = 0; pass < 2; pass++) await syncOnce(laptop);
    expect((await syncOnce(laptop)).json).toMatchObject({ inSync: true, directoriesUnchanged: 2 });
  });

  it("takes at most 2 requests and 2 KB when nothing has changed", async () => {
    const { url } = await startServer();
    const [laptop] = await twins(url);
    for (let at = 0; at < 20; at++) await writeFile(join(laptop.folder, `${at}.txt`), `file ${at}`);
    await syncOnce(laptop);
    const { json } = await syncOnce(laptop);
    expect(json).toMatchObject({ inSync: true, filesUploaded: 0, filesDownloaded: 0 });
    expect(json.requests).toBeLessThanOrEqual(2);
    expect(Number(json.bytesSent) + Number(json.bytesReceived)).toBeLessThanOrEqual(2_048);
    expect(json.bytesSent).toBeGreaterThan(0);
  });

  it("counts every byte of an upload", async () => {
    const { url } = await startServer();
    const [laptop] = await twins(url);
    await writeFile(join(laptop.folder, "random.bin"), crypto.getRandomValues(new Uint8Array(60_000)));
    const { json } = await syncOnce(laptop);
    expect(json.bytesSent).toBeGreaterThan(60_000);
    expect(json.bytesSent).toBeLessThan(70_000);
  });

  it("moves without sending bytes, and deletes", async () => {
    const { url } = await startServer();
    const [laptop, phone] = await twins(url);
    await writeFile(join(laptop.folder, "big.bin"), crypto.getRandomValues(new Uint8Array(60_000)));
    await writeFile(join(laptop.folder, "gone.txt"), "gone");
    await syncOnce(laptop);
    await syncOnce(phone);
    await rename(join(laptop.folder, "big.bin"), join(laptop.folder, "renamed.bin"));
    await rm(join(laptop.folder, "gone.txt"));

    const up = await syncOnce(laptop);
    expect(up.json).toMatchObject({ inSync: true, moved: 1, filesUploaded: 0 });
    expect(up.json.bytesSent).toBeLessThan(5_000);
    const down = await syncOnce(phone);
    expect(down.json).toMatchObject({ inSync: true, moved: 1, filesDeleted: 1, filesDownloaded: 0 });
    expect(await names(phone.folder)).toEqual(["renamed.bin"]);
  });

  it("keeps both versions of a file that was changed on two devices, and `conflicts` lists the copy", async () => {
    const { url } = await startServer();
    const [laptop, phone] = await twins(url);
    await writeFile(join(laptop.folder, "notes.txt"), "base\n");
    await syncOnce(laptop);
    await syncOnce(phone);
    await appendFile(join(laptop.folder, "notes.txt"), "from the laptop\n");
    await appendFile(join(phone.folder, "notes.txt"), "from the phone\n");
    await syncOnce(laptop);
    const second = await syncOnce(phone);
    expect(second).toMatchObject({ code: 0, json: { inSync: true, conflicts: 1 } });
    await syncOnce(laptop);
    expect(await names(laptop.folder)).toEqual(await names(phone.folder));
    expect(await names(phone.folder)).toHaveLength(2);
    const { json } = await twinfold(["conflicts", phone.folder, "--json"], { home: phone.home });
    const [copy] = (json.links as Array<{ copies: string[] }>).flatMap(({ copies }) => copies);
    expect(copy).toContain(phone.folder);
    expect(await readFile(String(copy), "utf8")).toBe("base\nfrom the phone\n");
  });

  it("fails with exit 1 and ERR_UNREACHABLE when the server is down, and says how long it tried", async () => {
    const { url, running } = await startServer();
    const [laptop] = await twins(url);
    await running.stop();
    const { code, json } = await syncOnce(laptop);
    expect({ code, json }).toMatchObject({
      code: 1,
      json: { error: { code: "ERR_UNREACHABLE", message: expect.stringMatching(/tried \d+ times in [\d.]+ s/) } },
    });
  });

  it("waits for a yes before it deletes much, which --confirm gives", async () => {
    const { url } = await startServer();
    const [laptop, phone] = await twins(url);
    for (let at = 0; at < 40; at++) await writeFile(join(laptop.folder, `${at}.txt`), `file ${at}`);
    await syncOnce(laptop);
    await syncOnce(phone);
    for (let at = 0; at < 40; at++) await rm(join(laptop.folder, `${at}.txt`));
    // Most disks give it the inode of one that is gone: it is no rename of that.
    await writeFile(join(laptop.folder, "left.txt"), "left");

    const asked = await syncOnce(laptop);
    expect(asked).toMatchObject({ code: 1, json: { inSync: false, awaitingConfirmation: { removals: 40 } } });
    expect((await twinfold(["status"], { home: laptop.home })).stdout).toMatch(/held back {5}40 removals wait for a yes/);
    const restored = await twinfold(["restore", join(laptop.folder, "left.txt"), "--revision", "1"], { home: laptop.home });
    expect(restored).toMatchObject({ code: 1, stdout: expect.stringContaining("not all in the folder is in sync: `twinfold status` tells why") });
    expect(await syncOnce(laptop, "--confirm")).toMatchObject({ code: 0, json: { inSync: true, awaitingConfirmation: null } });
    expect((await twinfold(["status", "--json"], { home: laptop.home })).json).toMatchObject({ links: [{ awaitingConfirmation: null }] });
  });
});

describe("sync --dry-run", () => {
  it("lists what would be done, and changes nothing", async () => {
    const { url } = await startServer();
    const [laptop, phone] = await twins(url);
    await writeFile(join(laptop.folder, "new.txt"), "new");
    for (let time = 0; time < 2; time++) {
      const { code, json } = await twinfold(["sync", laptop.folder, "--dry-run", "--json"], { home: laptop.home });
      expect(code).toBe(0);
      expect(json.steps).toEqual([expect.objectContaining({ action: "upload", path: "new.txt" })]);
    }
    expect((await syncOnce(phone)).json).toMatchObject({ filesDownloaded: 0 });
  });

  it("marks what would wait for a yes, and nothing else", async () => {
    const { url } = await startServer();
    const [laptop] = await twins(url);
    for (let at = 0; at < 40; at++) await writeFile(join(laptop.folder, `${at}.txt`), `${at}`);
    await syncOnce(laptop);
    for (let at = 0; at < 30; at++) await rm(join(laptop.folder, `${at}.txt`));
    await writeFile(join(laptop.folder, "new.txt"), "new");
    for (const when of ["before it is held", "while it is held"]) {
      const { json, stdout } = await twinfold(["sync", laptop.folder, "--dry-run", "--json"], { home: laptop.home });
      const steps = json.steps as Array<{ action: string; held?: boolean }>;
      expect({ when, held: steps.filter(({ held }) => held).map(({ action }) => action) }).toEqual({ when, held: Array(30).fill("delete-remote") });
      expect(stdout).not.toContain("waits for a yes");
      await syncOnce(laptop);
    }
    const { stdout } = await twinfold(["sync", laptop.folder, "--dry-run"], { home: laptop.home });
    expect(stdout).toContain("delete-remote 0.txt  (waits for a yes");
  });
});

describe("several folders", () => {
  it("give links and totals, also when only one is linked and none is named", async () => {
    const { url } = await startServer();
    const home = await signedUp(url);
    const one = await linked(home, "one");
    await writeFile(join(one.folder, "a.txt"), "a");
    const alone = await twinfold(["sync", "--once", "--json"], { home });
    expect(alone).toMatchObject({ code: 0, json: { links: [{ path: one.folder, filesUploaded: 1 }], totals: { inSync: true, filesUploaded: 1 } } });

    const two = await linked(home, "two");
    await writeFile(join(two.folder, "b.txt"), "b");
    await writeFile(join(one.folder, "c.txt"), "c");
    const both = await twinfold(["sync", one.folder, two.folder, "--once", "--json"], { home });
    expect(both).toMatchObject({
      code: 0,
      json: { links: [{ filesUploaded: 1 }, { filesUploaded: 1 }], totals: { inSync: true, filesUploaded: 2 } },
    });
  });

  it("are synced also when one of them is gone, which exits 1", async () => {
    const { url } = await startServer();
    const home = await signedUp(url);
    const [lost, fine] = [await linked(home, "lost"), await linked(home, "fine")];
    await rm(lost.folder, { recursive: true });
    await writeFile(join(fine.folder, "a.txt"), "a");
    const { code, json } = await twinfold(["sync", "--once", "--json"], { home });
    expect(code).toBe(1);
    expect(json).toMatchObject({
      links: [
        { path: lost.folder, error: { code: "ERR_ROOT_MISSING" } },
        { path: fine.folder, inSync: true, filesUploaded: 1 },
      ],
      totals: { inSync: false, filesUploaded: 1 },
    });
  });
});

describe("revisions, restore and explain", () => {
  it("list a file's revisions newest first, bring an older one back, and say how it stands", async () => {
    const { url } = await startServer();
    const [laptop] = await twins(url);
    const path = join(laptop.folder, "notes.txt");
    for (const text of ["first", "second", "third"]) {
      await writeFile(path, text);
      await syncOnce(laptop);
    }
    const listed = await twinfold(["revisions", path, "--json"], { home: laptop.home });
    expect(listed.json.revisions).toMatchObject([
      { revision: 3, sizeBytes: 5, deviceName: "laptop" },
      { revision: 2, sizeBytes: 6 },
      { revision: 1, sizeBytes: 5 },
    ]);
    const newest = await twinfold(["revisions", "notes.txt", "--limit", "1", "--json"], { home: laptop.home, cwd: laptop.folder });
    expect(newest.json.revisions).toHaveLength(1);

    const restored = await twinfold(["restore", path, "--revision", "1", "--json"], { home: laptop.home });
    expect(restored).toMatchObject({ code: 0, json: { path, restored: 1, sync: { inSync: true } } });
    expect(await readFile(path, "utf8")).toBe("first");
    const absent = await twinfold(["restore", path, "--revision", "99", "--json"], { home: laptop.home });
    expect(absent).toMatchObject({ code: 1, json: { error: { code: "ERR_NOT_FOUND" } } });

    expect((await twinfold(["explain", path, "--json"], { home: laptop.home })).json).toMatchObject({ path: "notes.txt", state: "in-sync" });
    await syncOnce(laptop);
    const unknown = await twinfold(["explain", join(laptop.folder, "never"), "--json"], { home: laptop.home });
    expect(unknown.json).toMatchObject({ state: "unknown" });
  });
});
