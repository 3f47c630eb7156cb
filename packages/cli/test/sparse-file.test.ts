import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { differences } from "./folders.js";
import { syncOnce, twins } from "./twins.js";
import { startServer } from "./twinfold.js";

const MIB = 1024 ** 2;

/** Room on the disk. */
const takenBytes = async (path: string): Promise<number> => (await stat(path)).blocks * 512;

describe.runIf(process.platform === "linux")("a sparse file", () => {
  it("of 200 MiB with a few bytes in it is sent as those, and takes no more room on the other device", async () => {
    const { url } = await startServer();
    const [laptop, phone] = await twins(url);
    const file = await open(join(laptop.folder, "sparse.img"), "wx");
    await file.write(Buffer.from("in the middle"), 0, 13, 100 * MIB);
    await file.truncate(200 * MIB);
    await file.close();
    expect(await takenBytes(join(laptop.folder, "sparse.img"))).toBeLessThan(MIB);

    for (const twin of [laptop, phone]) {
      const { json } = await syncOnce(twin);
      expect(json).toMatchObject({ inSync: true });
      expect(Number(json.bytesSent) + Number(json.bytesReceived)).toBeLessThan(4 * MIB);
    }
    expect(await differences(laptop.folder, phone.folder)).toEqual([]);
    expect((await stat(join(phone.folder, "sparse.img"))).size).toBe(200 * MIB);
    expect(await takenBytes(join(phone.folder, "sparse.img"))).toBeLessThan(4 * MIB);
  });
});
