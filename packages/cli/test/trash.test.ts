import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { differences } from "./folders.js";
import { startServer, twinfold } from "./twinfold.js";
import { syncOnce, twins } from "./twins.js";

describe("twinfold trash", () => {
  it("lists what other devices' changes replaced and deleted here, and brings it back beside what is there now, everywhere", async () => {
    const { url } = await startServer();
    const [laptop, phone] = await twins(url);
    const notes = join(laptop.folder, "notes.txt");
    await writeFile(notes, "first");
    await syncOnce(laptop);
    await syncOnce(phone);
    await writeFile(join(phone.folder, "notes.txt"), "second!");
    await syncOnce(phone);
    await syncOnce(laptop);
    await rm(join(phone.folder, "notes.txt"));
    await syncOnce(phone);
    await syncOnce(laptop);

    const { json } = await twinfold(["trash", laptop.folder, "--json"], { home: laptop.home });
    const items = (json.links as Array<{ items: Array<{ trashId: string }> }>).flatMap((link) => link.items);
    expect(items).toMatchObject([
      { path: notes, reason: "replaced", sizeBytes: 5, kind: "file" },
      { path: notes, reason: "removed", sizeBytes: 7, kind: "file" },
    ]);
    expect((await twinfold(["trash"], { home: laptop.home })).stdout).toContain("notes.txt");

    const restore = async (...more: string[]) => await twinfold(["trash", "restore", notes, ...more, "--json"], { home: laptop.home });
    expect(await restore()).toMatchObject({ code: 0, json: { restored: [notes], sync: { inSync: true, filesUploaded: 1 } } });
    expect(await restore("--id", items[0]?.trashId ?? "")).toMatchObject({
      code: 0,
      json: { restored: [join(laptop.folder, "notes (restored).txt")] },
    });
    expect(await restore()).toMatchObject({ code: 1, json: { error: { code: "ERR_NOT_FOUND" } } });
    await syncOnce(phone);
    expect((await readdir(phone.folder)).sort()).toEqual([".twinfold", "notes (restored).txt", "notes.txt"]);
    expect(await readFile(join(phone.folder, "notes.txt"), "utf8")).toBe("second!");
    expect(await readFile(join(phone.folder, "notes (restored).txt"), "utf8")).toBe("first");
  });

  it("brings a folder back with all that was in it and is not there", async () => {
    const { url } = await startServer();
    const [laptop, phone] = await twins(url);
    const papers = join(laptop.folder, "papers");
    await mkdir(join(papers, "sub"), { recursive: true });
    await mkdir(join(laptop.folder, "papers-too"));
    for (const name of ["papers/a", "papers/sub/b", "papers/c", "papers-too/d"]) await writeFile(join(laptop.folder, name), name);
    await syncOnce(laptop);
    await syncOnce(phone);
    for (const name of ["papers", "papers-too"]) await rm(join(phone.folder, name), { recursive: true });
    await syncOnce(phone);
    await syncOnce(laptop);
    await mkdir(papers);
    await writeFile(join(papers, "c"), "made again");

    const { code, json } = await twinfold(["trash", "restore", papers, "--json"], { home: laptop.home });
    expect({ code, restored: [...(json.restored as string[])].sort() }).toEqual({ code: 0, restored: [join(papers, "a"), join(papers, "sub/b")] });
    await syncOnce(phone);
    expect(await differences(laptop.folder, phone.folder)).toEqual([]);
    expect((await readdir(phone.folder)).sort()).toEqual([".twinfold", "papers"]);
    expect(await readFile(join(phone.folder, "papers/c"), "utf8")).toBe("made again");
  });
});
