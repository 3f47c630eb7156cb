import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { differences } from "./folders.js";
import { syncOnce, twins } from "./twins.js";
import { startServer, temporaryFolder } from "./twinfold.js";

describe("a server whose data folder was put back to an older copy", () => {
  it("costs neither device a file: what the copy lacks comes back from them", async () => {
    const [data, copy] = [await temporaryFolder(), await temporaryFolder()];
    const first = await startServer(data);
    const listen = new URL(first.url).host;
    const [laptop, phone] = await twins(first.url);
    const write = async (folder: string, files: Readonly<Record<string, string>>): Promise<void> => {
      for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    };
    await mkdir(join(laptop.folder, "docs"));
    await write(laptop.folder, { "old.txt": "old", "edited.txt": "first", "docs/plan.txt": "plan" });
    for (const twin of [laptop, phone]) expect((await syncOnce(twin)).json).toMatchObject({ inSync: true });
    await first.running.stop();
    await cp(data, copy, { recursive: true });

    const second = await startServer(data, listen);
    await write(laptop.folder, { "after copy.txt": "after", "edited.txt": "second, longer", "docs/late.txt": "late" });
    for (const twin of [laptop, phone]) expect((await syncOnce(twin)).json).toMatchObject({ inSync: true });
    await write(phone.folder, { "only phone.txt": "phone" });
    expect((await syncOnce(phone)).json).toMatchObject({ inSync: true });
    await second.running.stop();
    await rm(data, { recursive: true });
    await cp(copy, data, { recursive: true });

    await startServer(data, listen);
    // The history goes another way before the laptop returns.
    await write(phone.folder, { "newest.txt": "newest" });
    for (const twin of [phone, laptop, phone]) {
      const { code, json } = await syncOnce(twin);
      expect({ code, json }).toMatchObject({ code: 0, json: { inSync: true, filesDeleted: 0 } });
    }

    expect(await differences(laptop.folder, phone.folder)).toEqual([]);
    const names = ["after copy.txt", "docs", "edited.txt", "newest.txt", "old.txt", "only phone.txt"];
    expect((await readdir(laptop.folder)).filter((name) => name !== ".twinfold").sort()).toEqual(names);
    expect((await readdir(join(laptop.folder, "docs"))).sort()).toEqual(["late.txt", "plan.txt"]);
    expect(await readFile(join(laptop.folder, "edited.txt"), "utf8")).toBe("second, longer");
  });
});
