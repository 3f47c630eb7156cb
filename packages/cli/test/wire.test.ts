import { appendFile, cp, mkdir, rename, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { differences } from "./folders.js";
import { type SeededRandom, seededRandom } from "./seeded-random.js";
import { linked, syncOnce, twins } from "./twins.js";
import { signedUp, startServer, twinfold } from "./twinfold.js";

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

/** What a report says of the sockets. */
interface Figures {
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly requests: number;
}

function figuresOf(report: Record<string, unknown>): Figures {
  return { bytesSent: Number(report.bytesSent), bytesReceived: Number(report.bytesReceived), requests: Number(report.requests) };
}

function bytesOf({ bytesSent, bytesReceived }: Figures): number {
  return bytesSent + bytesReceived;
}

/** A way to a server past which every byte is counted, from outside of the programs at its ends. */
async function countedWay(url: string): Promise<{ readonly url: string; bytes(): number }> {
  let bytes = 0;
  const proxy = createServer((near) => {
    const far = connect(Number(new URL(url).port), "127.0.0.1");
    for (const end of [near, far]) end.on("data", (piece) => (bytes += piece.length)).on("error", () => {});
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void proxy.close());
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, bytes: () => bytes };
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

  it("is what is new and some when a file passes 128 MiB, and is cut in larger or smaller chunks from then on", async () => {
    const { url } = await startServer();
    const [laptop, phone] = await twins(url);
    const path = join(laptop.folder, "tape.bin");
    const random = seededRandom(5);

    /** What crosses the sockets of each device for an edit of new random bytes. */
    const crossed = async (sizeBytes: number, edit: (bytes: Buffer) => Buffer): Promise<readonly number[]> => {
      const before = random.bytes(sizeBytes);
      await writeFile(path, before);
      for (const twin of [laptop, phone]) expect((await syncOnce(twin)).json).toMatchObject({ inSync: true });
      await writeFile(path, edit(before));
      const sent = (await syncOnce(laptop)).json;
      const received = (await syncOnce(phone)).json;
      expect(sent).toMatchObject({ inSync: true, filesUploaded: 1 });
      expect(received).toMatchObject({ inSync: true, filesDownloaded: 1 });
      expect(await differences(laptop.folder, phone.folder)).toEqual([]);
      return [sent, received].map((report) => bytesOf(figuresOf(report)));
    };

    // One has to say of what each chunk is made, some 300 bytes; the other has seen by itself what it has of them.
    const [grownUp, grownDown] = await crossed(133_900_000, (bytes) =>
      Buffer.concat([bytes.subarray(0, 50_000_000), random.bytes(500_000), bytes.subarray(50_000_000), random.bytes(500_000)]),
    );
    expect(grownUp).toBeLessThan(1_250 * KB);
    expect(grownDown).toBeLessThan(1_030 * KB);

    const [shrunkUp, shrunkDown] = await crossed(134_700_000, (bytes) => Buffer.concat([bytes.subarray(0, 50_000_000), bytes.subarray(51_000_000)]));
    expect(shrunkUp).toBeLessThan(450 * KB);
    expect(shrunkDown).toBeLessThan(120 * KB);
  }, 120_000);

  it("is under 3 KB for each device when 8 MB are duplicated, and no content when 200 small files are", async () => {
    const { url } = await startServer();
    const [laptop, phone] = await twins(url);
    const random = seededRandom(4);
    await writeFile(join(laptop.folder, "tape.bin"), random.bytes(8_000_000));
    await mkdir(join(laptop.folder, "letters"));
    for (let at = 0; at < 200; at++) await writeFile(join(laptop.folder, "letters", `${at}.txt`), random.bytes(1 * KB));
    for (const twin of [laptop, phone]) expect((await syncOnce(twin)).json).toMatchObject({ inSync: true });

    await cp(join(laptop.folder, "tape.bin"), join(laptop.folder, "copy.bin"));
    for (const twin of [laptop, phone]) {
      const { json } = await syncOnce(twin);
      expect(json).toMatchObject({ inSync: true, chunksUploaded: 0, chunksDownloaded: 0 });
      expect(bytesOf(figuresOf(json))).toBeLessThan(3 * KB);
    }

    await cp(join(laptop.folder, "letters"), join(laptop.folder, "copies"), { recursive: true });
    const { json: sent } = await syncOnce(laptop);
    expect(sent).toMatchObject({ inSync: true, filesUploaded: 200, chunksUploaded: 0, requests: 2 });
    expect(Number(sent.bytesSent)).toBeLessThan(2 * KB + 200 * 100); // of each its id, parent, name, manifest id and time
    expect((await syncOnce(phone)).json).toMatchObject({ inSync: true, filesDownloaded: 200, chunksDownloaded: 0, requests: 1 });
    expect(await differences(laptop.folder, phone.folder)).toEqual([]);
  }, 120_000);

  it("is one request when nothing is new: 1.2 KB for the first folder and 80 bytes for each further one, of which each has its part", async () => {
    const { url, bytes } = await countedWay((await startServer()).url);
    const home = await signedUp(url);
    const passOfAll = async () => {
      const before = bytes();
      const { json } = await twinfold(["sync", "--once", "--json"], { home });
      const { links, totals } = json as { readonly links: ReadonlyArray<Record<string, unknown>>; readonly totals: Record<string, unknown> };
      expect(totals).toMatchObject({ inSync: true });
      const whole = figuresOf(totals);
      for (const figure of ["bytesSent", "bytesReceived", "requests"] as const) {
        expect(links.reduce((sum, link) => sum + Number(link[figure]), 0)).toBe(whole[figure]);
      }
      expect(bytesOf(whole)).toBe(bytes() - before);
      return { whole, parts: links.map((link) => bytesOf(figuresOf(link))) };
    };

    const first = await linked(home, "folder 0");
    await writeFile(join(first.folder, "a.txt"), "a");
    await passOfAll();
    const { whole: one } = await passOfAll();
    expect(one.requests).toBe(1);
    expect(bytesOf(one)).toBeLessThanOrEqual(1_200);

    const FURTHER = 10;
    for (let at = 1; at <= FURTHER; at++) {
      const { folder } = await linked(home, `folder ${at}`);
      await writeFile(join(folder, "a.txt"), `a ${at}`);
    }
    await passOfAll();
    const { whole: all, parts } = await passOfAll();
    expect(all.requests).toBe(1);
    expect(bytesOf(all) - bytesOf(one)).toBeLessThanOrEqual(FURTHER * 80);
    expect(Math.max(...parts) - Math.min(...parts)).toBeLessThanOrEqual(2 * FURTHER); // what does not divide is the first one's
    expect(parts[0]).toBe(Math.max(...parts));
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
