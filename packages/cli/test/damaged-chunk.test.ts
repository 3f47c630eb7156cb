import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { seededRandom } from "./seeded-random.js";
import { syncOnce, twins } from "./twins.js";
import { startServer, temporaryFolder } from "./twinfold.js";

/** Changes the one byte before the end of `content` wherever the server's packs hold it. */
async function damage(dataDir: string, content: Buffer): Promise<void> {
  const packs = (await readdir(join(dataDir, "blobs"), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  for (const pack of packs) {
    const path = join(pack.parentPath, pack.name);
    const bytes = await readFile(path);
    const at = bytes.indexOf(content.subarray(-16));
    if (at < 0) continue;
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    await writeFile(path, bytes);
    return;
  }
  throw new Error("no pack holds it");
}

describe("a chunk that the server's disk has spoiled", () => {
  it("is named with its file, never written into a folder, and keeps no other file from arriving", async () => {
    const data = await temporaryFolder();
    const { url } = await startServer(data);
    const [laptop, phone] = await twins(url);
    const random = seededRandom(3);
    const files = new Map(Array.from({ length: 9 }, (_, at) => [`${at}.bin`, random.bytes(20_000)]));
    files.set("large.bin", random.bytes(600_000));
    for (const [name, content] of files) await writeFile(join(laptop.folder, name), content);
    expect((await syncOnce(laptop)).json).toMatchObject({ inSync: true });
    const [small, large] = [files.get("4.bin") as Buffer, files.get("large.bin") as Buffer];
    for (const content of [small, large]) await damage(data, content);

    const { code, json, stderr } = await syncOnce(phone);
    expect({ code, json, stderr }).toMatchObject({ code: 0, json: { inSync: true, filesDownloaded: 8 } });
    const skipped = json.skipped as Array<{ path: string; reason: string }>;
    expect(skipped.map(({ path }) => path).sort()).toEqual(["4.bin", "large.bin"]);
    expect(skipped.find(({ path }) => path === "4.bin")?.reason).toContain(createHash("sha256").update(small).digest("hex"));
    expect(skipped.find(({ path }) => path === "large.bin")?.reason).toMatch(/chunk [0-9a-f]{64}/);
    expect((await readdir(phone.folder)).sort()).toEqual([".twinfold", ...[...files.keys()].filter((name) => !/^(4|large)/.test(name))].sort());

    // A later version of the file is not held back by what was lost of this one.
    await writeFile(join(laptop.folder, "4.bin"), "written anew");
    expect((await syncOnce(laptop)).json).toMatchObject({ inSync: true });
    expect((await syncOnce(phone)).json).toMatchObject({ inSync: true, filesDownloaded: 1, skipped: [{ path: "large.bin" }] });
    expect(await readFile(join(phone.folder, "4.bin"), "utf8")).toBe("written anew");
  });
});
