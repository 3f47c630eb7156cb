import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { following, syncOnce, tells, type Twin, twins } from "./twins.js";
import { startServer, twinfold } from "./twinfold.js";

async function pair(): Promise<readonly [Twin, Twin]> {
  return await twins((await startServer()).url);
}

async function write({ folder }: Twin, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(folder, path, ".."), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

async function run({ home, folder }: Twin, command: string, path: string, ...more: string[]) {
  return await twinfold([command, join(folder, path), ...more, "--json"], { home });
}

describe("a folder that does not hold everything", () => {
  it("leaves alone what its ignore file names, on both devices, and explain names file, line and pattern", async () => {
    const [laptop, phone] = await pair();
    await write(laptop, { ".twinfoldignore": "# no logs\n*.log\n", "a.log": "log", "sub/b.log": "log", "kept.txt": "kept" });
    await syncOnce(laptop);
    await write(phone, { "phone.log": "log" });
    expect((await syncOnce(phone)).json).toMatchObject({ inSync: true, filesDownloaded: 2, filesUploaded: 0 });
    expect((await readdir(phone.folder)).sort()).toEqual([".twinfold", ".twinfoldignore", "kept.txt", "phone.log"]);
    for (const path of ["phone.log", "not/there.log"]) {
      const { json } = await run(phone, "explain", path);
      expect(json).toMatchObject({ state: "ignored", explanation: expect.stringContaining('line 2 of .twinfoldignore, the pattern "*.log"') });
    }
    await syncOnce(phone); // the count is that of a look at the whole folder
    const { json } = await twinfold(["status", phone.folder, "--json"], { home: phone.home });
    expect(json).toMatchObject({ links: [{ ignored: 1, excluded: 0, elsewhere: 0, pending: 0 }] });
  });

  it("holds only what was chosen, is told to hold something else and everything again, and nothing is lost", async () => {
    const [laptop, phone] = await pair();
    await write(laptop, { "docs/1.txt": "one", "music/2.mp3": "two", "music/3.mp3": "three" });
    await syncOnce(laptop);
    expect(await run(phone, "link", "", "--only", "docs")).toMatchObject({ code: 0, json: { created: false, changed: true } });
    await syncOnce(phone);
    expect((await readdir(phone.folder)).sort()).toEqual([".twinfold", "docs"]);
    expect((await run(phone, "explain", "music/2.mp3")).json).toMatchObject({
      state: "excluded",
      explanation: expect.stringContaining('--only "docs"'),
    });

    await run(phone, "link", "", "--only", "music");
    await syncOnce(phone);
    await rm(join(phone.folder, "docs"), { recursive: true });
    await syncOnce(phone);
    expect((await syncOnce(laptop)).json).toMatchObject({ filesDeleted: 0 });
    await run(phone, "link", "", "--all");
    expect((await syncOnce(phone)).json).toMatchObject({ inSync: true, filesDownloaded: 1 });
    expect(await readFile(join(phone.folder, "docs/1.txt"), "utf8")).toBe("one");
    expect((await run(phone, "link", "", "--only", "")).json).toMatchObject({ error: { code: "ERR_INVALID_ARGUMENT" } });
  });

  it("gets files when they are asked for, and frees their room", async () => {
    const [laptop, phone] = await pair();
    await write(laptop, { "films/a.mp4": "a large film", "films/b.mp4": "another film", "films/list.txt": "a.mp4 and b.mp4", "films/c": "tiny" });
    await syncOnce(laptop);
    await run(phone, "link", "", "--on-demand", "--fetch-size", "4", "--fetch", "*.txt", "films/*.txt");
    await syncOnce(phone);
    expect((await readdir(join(phone.folder, "films"))).sort()).toEqual(["c", "list.txt"]);
    expect(await run(phone, "get", "films/a.mp4")).toMatchObject({ code: 0, json: { sync: { inSync: true, filesDownloaded: 1 } } });
    expect(await readFile(join(phone.folder, "films/a.mp4"), "utf8")).toBe("a large film");
    expect((await run(phone, "explain", "films/b.mp4")).json).toMatchObject({ state: "elsewhere" });
    expect((await run(phone, "get", "films/none.mp4")).json).toMatchObject({ error: { code: "ERR_NOT_FOUND" } });

    expect(await run(phone, "free", "films")).toMatchObject({ code: 0, json: { files: 3 } });
    expect(await readdir(join(phone.folder, "films"))).toEqual([]);
    await syncOnce(phone);
    expect((await syncOnce(laptop)).json).toMatchObject({ inSync: true, filesDeleted: 0 });
    expect(await run(phone, "get", "")).toMatchObject({ json: { sync: { filesDownloaded: 4 } } });
    expect((await readdir(join(phone.folder, "films"))).length).toBe(4);
  });

  it("is changed while a process follows it, which goes on with what it holds then", async () => {
    const [laptop, phone] = await pair();
    await write(laptop, { "docs/1.txt": "one", "music/2.mp3": "two" });
    await syncOnce(laptop);
    await run(phone, "link", "", "--only", "docs");
    const running = await following(phone.home);
    expect(existsSync(join(phone.folder, "music"))).toBe(false);
    await run(phone, "link", "", "--all");
    await running.line(tells("file:downloaded", "music/2.mp3"));
    expect(await running.stop()).toBe(0);
  });
});
