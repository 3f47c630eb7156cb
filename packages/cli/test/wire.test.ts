import { appendFile, mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { differences } from "./folders.js";
import { type SeededRandom, seededRandom } from "./seeded-random.js";
import { syncOnce, twins } from "./twins.js";
import { startServer } from "./twinfold.js";

const KB = 1_000;

/** Lines of words out of a thousand. */
function textOf(random: SeededRandom, sizeBytes: number): Buffer {
  const letters = "etaoinshrdlu";
  const words = Array.from({ length: 1_000 }, () =>
    Array.from({ length: 2 + random.below(8) }, () => letters[random.below(letters.length)]).join(""),
  );
  const lines: string[] = [];
  for (let length = 0; length < sizeBytes; length += lines.at(-1)?.length ?? 0) {
    const picks = random.bytes(24);
    lines.push(`${Array.from({ length: 12 }, (_, i) => words[picks.readUInt16BE(2 * i) % words.length]).join(" ")}\n`);
  }
  return Buffer.from(lines.join("").slice(0, sizeBytes));
}

describe("what crosses the wire", () => {
  it("is under 8 KB for each device when a byte is put in front of 20 MB of text, and under 4 KB for each of 20 scattered edits", async () => {
    const { url } = await startServer();
    const [laptop, phone] = await twins(url);
    const path = join(laptop.folder, "big.txt");
    const random = seededRandom(1);
    const text = textOf(random, 20_000_000);
    await writeFile(path, text);
    for (const twin of [laptop, phone]) expect((await syncOnce(twin)).json).toMatchObject({ inSync: true });

    /** What crosses the sockets of each device, until the phone has the laptop's file. */
    const crossed = async (bytes: Buffer): Promise<readonly number[]> => {
      await writeFile(path, bytes);
      const sent = (await syncOnce(laptop)).json;
      const received = (await syncOnce(phone)).json;
      expect(sent).toMatchObject({ inSync: true, filesUploaded: 1, deltaFrames: sent.chunksUploaded });
      expect(received).toMatchObject({ inSync: true, filesDownloaded: 1, deltaFrames: received.chunksDownloaded });
      expect(await differences(laptop.folder, phone.folder)).toEqual([]);
      return [sent, received].map((report) => Number(report.bytesSent) + Number(report.bytesReceived));
    };

    const longer = Buffer.concat([Buffer.of(7), text]);
    for (const bytes of await crossed(longer)) expect(bytes).toBeLessThan(8 * KB);

    const scattered = Buffer.from(longer);
    for (let edit = 0; edit < 20; edit++) textOf(random, 50).copy(scattered, random.below(scattered.length - 50));
    for (const bytes of await crossed(scattered)) expect(bytes).toBeLessThan(20 * 4 * KB);

    const metrics = await (await fetch(`${url}/metrics`)).text();
    for (const name of ["delta_frames_received", "delta_frames_served", "bytes_saved"])
      expect(metrics).toMatch(new RegExp(`^twinfold_hub_${name}_total [1-9]`, "m"));
  }, 120_000);

  it("is under 15 KB more than what was appended to 20 MB of random bytes", async () => {
    const { url } = await startServer();
    const [laptop, phone] = await twins(url);
    const path = join(laptop.folder, "log.bin");
    const random = seededRandom(3);
    await writeFile(path, random.bytes(20_000_000));
    for (const twin of [laptop, phone]) expect((await syncOnce(twin)).json).toMatchObject({ inSync: true });
    await appendFile(path, random.bytes(500_000));
    for (const twin of [laptop, phone]) {
      const { json } = await syncOnce(twin);
      expect(json).toMatchObject({ inSync: true });
      expect(Number(json.bytesSent) + Number(json.bytesReceived)).toBeLessThan(515 * KB);
    }
    expect(await differences(laptop.folder, phone.folder)).toEqual([]);
  }, 120_000);

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
