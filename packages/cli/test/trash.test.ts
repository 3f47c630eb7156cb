import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
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
    expect(await restore()).toMatchObject({ code: 0, json: { restored: notes, sync: { inSync: true, filesUploaded: 1 } } });
    expect(await restore("--id", items[0]?.trashId ?? "")).toMatchObject({
      code: 0,
      json: { restored: join(laptop.folder, "notes (restored).txt") },
    });
    expect(await restore()).toMatchObject({ code: 1, json: { error: { code: "ERR_NOT_FOUND" } } });
    await syncOnce(phone);
    expect((await readdir(phone.folder)).sort()).toEqual([".twinfold", "notes (restored).txt", "notes.txt"]);
    expect(await readFile(join(phone.folder, "notes.txt"), "utf8")).toBe("second!");
    expect(await readFile(join(phone.folder, "notes (restored).txt"), "utf8")).toBe("first");
  });
});
