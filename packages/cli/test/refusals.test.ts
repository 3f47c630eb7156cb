import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { contents, differences } from "./folders.js";
import { seededRandom } from "./seeded-random.js";
import { canMount, mountDisk } from "./small-disk.js";
import { following, linked, syncOnce, tells, twins } from "./twins.js";
import { loggedIn, signedUp, startServer, startTwinfold, temporaryFolder, twinfold } from "./twinfold.js";

describe("a server that goes away in the middle of a transfer", () => {
  it("fails sync --once with a reason, and what it had confirmed is not sent again", async () => {
    const data = await temporaryFolder();
    const { url, running } = await startServer(data);
    const [laptop, phone] = await twins(url);
    const random = seededRandom(6);
    for (let at = 0; at < 40; at++) await writeFile(join(laptop.folder, `${at}.bin`), random.bytes(4_000_000));

    const following = startTwinfold(["sync", "--json"], { home: laptop.home });
    await following.line((line) => line.includes("transfer:progressed") || line.includes("file:uploaded"));
    await running.stop("SIGKILL");
    await following.line(tells("connection:lost"));
    await following.stop();
    const cut = await syncOnce(laptop);
    expect(cut).toMatchObject({ code: 1, json: { error: { code: "ERR_UNREACHABLE", message: expect.stringMatching(/tried \d+ times/) } } });
    expect(cut.stderr).toContain("next try in");

    await startServer(data, new URL(url).host);
    const up = await syncOnce(laptop);
    expect(up.json).toMatchObject({ inSync: true });
    expect(Number(up.json.bytesSent)).toBeLessThan(160_000_000);
    expect((await syncOnce(phone)).json).toMatchObject({ inSync: true, filesDownloaded: 40 });
    expect(await differences(laptop.folder, phone.folder)).toEqual([]);
  });
});

describe("a token that the server does not know", () => {
  it.each([
    ["of another server", "A".repeat(43)],
    ["that is none", "not a token"],
  ])("%s fails every command with ERR_UNAUTHENTICATED and changes no file", async (_, token) => {
    const { url } = await startServer();
    const [laptop] = await twins(url);
    await writeFile(join(laptop.folder, "a.txt"), "a");
    await writeFile(join(laptop.home, "token"), token);
    const failure = { code: 1, json: { error: { code: "ERR_UNAUTHENTICATED", message: expect.stringContaining("log in again") } } };
    expect(await syncOnce(laptop)).toMatchObject(failure);
    expect(await twinfold(["workspaces", "--json"], { home: laptop.home })).toMatchObject({
      code: 1,
      json: { error: { code: "ERR_UNAUTHENTICATED" } },
    });
    const followed = startTwinfold(["sync", "--json"], { home: laptop.home });
    expect(await followed.line(tells("link:stopped"))).toContain("ERR_UNAUTHENTICATED");
    expect(await followed.ended).toBe(1);
    expect(await readFile(join(laptop.folder, "a.txt"), "utf8")).toBe("a");
  });
});

describe("a folder that is not as it was", () => {
  it.each([
    ["gone", "ERR_ROOT_MISSING", async (folder: string) => await rename(folder, `${folder}.away`)],
    [
      "emptied",
      "ERR_ROOT_EMPTIED",
      async (folder: string) => {
        for (let at = 0; at < 12; at++) await rm(join(folder, `${at}.txt`));
      },
    ],
  ])("because it is %s, is told with %s by whatever asks how it stands", async (_, code, change) => {
    const { url } = await startServer();
    const laptop = await linked(await signedUp(url));
    for (let at = 0; at < 12; at++) await writeFile(join(laptop.folder, `${at}.txt`), `file ${at}`);
    await syncOnce(laptop);
    await change(laptop.folder);
    expect(await syncOnce(laptop)).toMatchObject({ code: 1, json: { error: { code } } });
    expect(await twinfold(["doctor", laptop.folder, "--json"], { home: laptop.home })).toMatchObject({
      code: 1,
      json: { links: [{ error: { code } }] },
    });
    expect(await twinfold(["explain", join(laptop.folder, "3.txt"), "--json"], { home: laptop.home })).toMatchObject({
      code: 1,
      json: { error: { code } },
    });
    const [status] = (await twinfold(["status", "--json"], { home: laptop.home })).json.links as Array<{ problem: string | null }>;
    expect(status?.problem).toEqual(expect.stringMatching(/the folder is empty|there is no folder|is not there/));
    await rm(`${laptop.folder}.away`, { recursive: true, force: true });
  });
});

describe("a folder that goes away while it is followed", () => {
  it.each([
    ["renamed", "ERR_ROOT_MISSING", async (folder: string) => await rename(folder, `${folder}.away`)],
    ["without its marker", "ERR_ROOT_MISSING", async (folder: string) => await rm(join(folder, ".twinfold"), { recursive: true })],
    ["emptied", "ERR_ROOT_MISSING", async (folder: string) => await rm(folder, { recursive: true })],
    [
      "with another folder's marker",
      "ERR_ROOT_FOREIGN",
      async (folder: string) => {
        const marker = join(folder, ".twinfold", "root.json");
        await writeFile(marker, (await readFile(marker, "utf8")).replace(/"[0-9a-f]{32}"/, `"${"0".repeat(32)}"`));
      },
    ],
  ])("%s, waits with %s and deletes nothing anywhere", async (_, code, takeAway) => {
    const { url } = await startServer();
    const [laptop, phone] = await twins(url);
    for (let at = 0; at < 5; at++) await writeFile(join(laptop.folder, `${at}.txt`), `file ${at}`);
    for (const twin of [laptop, phone]) expect((await syncOnce(twin)).json).toMatchObject({ inSync: true });
    const before = await contents(phone.folder);
    const running = await following(laptop.home);
    await takeAway(laptop.folder);
    await writeFile(join(phone.folder, "news.txt"), "news");
    expect((await syncOnce(phone)).json).toMatchObject({ inSync: true });

    expect(await running.line(tells("sync:postponed"))).toContain(code);
    expect(await syncOnce(laptop)).toMatchObject({ code: 1, json: { error: { code } } });
    expect((await syncOnce(phone)).json).toMatchObject({ inSync: true, filesDeleted: 0 });
    expect((await contents(phone.folder)).size).toBe(before.size + 1);
    await rm(`${laptop.folder}.away`, { recursive: true, force: true });
  });

  it.skipIf(!canMount)(
    "because its disk is unmounted (needs the right to mount), waits with ERR_ROOT_MISSING, writes nothing under the mount point and goes on by itself",
    async () => {
      const { url } = await startServer();
      const disk = await mountDisk(16);
      const kept = await temporaryFolder();
      const [laptop, phone] = [await linked(await signedUp(url), "twins", disk.path), await linked(await loggedIn(url))];
      for (let at = 0; at < 5; at++) await writeFile(join(laptop.folder, `${at}.txt`), `file ${at}`);
      for (const twin of [laptop, phone]) expect((await syncOnce(twin)).json).toMatchObject({ inSync: true });
      const running = await following(laptop.home);
      disk.moveTo(kept);
      await writeFile(join(phone.folder, "news.txt"), "news");
      expect((await syncOnce(phone)).json).toMatchObject({ inSync: true });
      expect(await running.line(tells("sync:postponed"))).toContain("ERR_ROOT_MISSING");
      expect(await readdir(laptop.folder)).toEqual([]);

      disk.moveTo(laptop.folder);
      await running.line(tells("file:downloaded", "news.txt"));
      expect(await running.stop()).toBe(0);
      for (const twin of [laptop, phone]) expect((await syncOnce(twin)).json).toMatchObject({ inSync: true, filesDeleted: 0 });
      expect(await differences(laptop.folder, phone.folder)).toEqual([]);
      expect((await contents(phone.folder)).size).toBe(6);
    },
  );
});

describe("twinfold serve", () => {
  it("exits 1 with ERR_IN_USE on a data folder that another server has, which goes on", async () => {
    const data = await temporaryFolder();
    const { url, running } = await startServer(data);
    const second = await twinfold(["serve", "--data", data, "--listen", "127.0.0.1:0", "--json"]);
    expect(second).toMatchObject({ code: 1, json: { error: { code: "ERR_IN_USE", message: expect.stringContaining(String(running.process.pid)) } } });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it("exits 1 with a code where the data folder cannot be made", async () => {
    const file = join(await temporaryFolder(), "file");
    await writeFile(file, "");
    const { code, json } = await twinfold(["serve", "--data", join(file, "data"), "--listen", "127.0.0.1:0", "--json"]);
    expect({ code, json }).toMatchObject({ code: 1, json: { error: { code: expect.stringMatching(/^ERR_(?!INTERNAL)/) } } });
  });
});
