import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { differences } from "./folders.js";
import { seededRandom } from "./seeded-random.js";
import { syncOnce, twins } from "./twins.js";
import { startServer } from "./twinfold.js";

const KB = 1_000;

describe("what crosses the wire", () => {
  it("is under 200 KB each way when one byte is put in front of 30 MB", async () => {
    const { url } = await startServer();
    const [laptop, phone] = await twins(url);
    const path = join(laptop.folder, "big.bin");
    await writeFile(path, seededRandom(1).bytes(30_000_000));
    for (const twin of [laptop, phone]) expect((await syncOnce(twin)).json).toMatchObject({ inSync: true });

    await writeFile(path, Buffer.concat([Buffer.of(7), await readFile(path)]));
    const sent = (await syncOnce(laptop)).json;
    expect(sent).toMatchObject({ inSync: true, filesUploaded: 1 });
    const received = (await syncOnce(phone)).json;
    expect(received).toMatchObject({ inSync: true, filesDownloaded: 1 });
    for (const report of [sent, received]) expect(Number(report.bytesSent) + Number(report.bytesReceived)).toBeLessThan(200 * KB);
    expect(await differences(laptop.folder, phone.folder)).toEqual([]);
  });

  it("is under 4 KB when a directory of 1,000 files is renamed, and 2 KB in 2 requests when nothing is new", async () => {
    const { url } = await startServer();
    const [laptop, phone] = await twins(url);
    const random = seededRandom(2);
    await mkdir(join(laptop.folder, "before"));
    for (let at = 0; at < 1_000; at++) await writeFile(join(laptop.folder, "before", `${at}.bin`), random.bytes(2_000));
    for (const twin of [laptop, phone]) expect((await syncOnce(twin)).json).toMatchObject({ inSync: true });

    await rename(join(laptop.folder, "before"), join(laptop.folder, "after"));
    for (const twin of [laptop, phone]) {
      const { json } = await syncOnce(twin);
      expect(json).toMatchObject({ inSync: true, moved: 1, filesUploaded: 0, filesDownloaded: 0, filesDeleted: 0 });
      expect(Number(json.bytesSent) + Number(json.bytesReceived)).toBeLessThan(4 * KB);
    }
    expect(await differences(laptop.folder, phone.folder)).toEqual([]);

    for (const twin of [laptop, phone]) {
      const { json } = await syncOnce(twin);
      expect(json.requests).toBeLessThanOrEqual(2);
      expect(Number(json.bytesSent) + Number(json.bytesReceived)).toBeLessThanOrEqual(2 * KB);
    }
  });
});
