import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { seededRandom } from "./seeded-random.js";
import { following, tells, twins } from "./twins.js";
import { type Running, startServer, temporaryFolder } from "./twinfold.js";

/** CI sends 1 GiB; by hand the size is the caller's, up to the 10 GB that the server takes by default. */
const SIZE_BYTES = Number(process.env.TWINFOLD_HUGE_BYTES ?? (process.env.CI === "true" ? 1024 ** 3 : 256 * 1024 ** 2));
const MIB = 1024 ** 2;
const GROWTH_BYTES = 150 * MIB;

/** The most memory that a process ever had resident. */
async function peakBytes({ process: { pid } }: Running): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

async function writeRandom(path: string, sizeBytes: number): Promise<void> {
  const random = seededRandom(1);
  const file = await open(path, "wx");
  for (let at = 0; at < sizeBytes; at += 8 * MIB) await file.write(random.bytes(Math.min(8 * MIB, sizeBytes - at)));
  await file.close();
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path, { highWaterMark: 4 * MIB })) hash.update(piece as Buffer);
  return hash.digest("hex");
}

describe.runIf(process.platform === "linux")("a huge file", () => {
  it(
    `of ${SIZE_BYTES} bytes goes from one device to the other while no process grows by ${GROWTH_BYTES / MIB} MiB`,
    async () => {
      const server = await startServer();
      const [laptop, phone] = await twins(server.url);
      const beside = join(await temporaryFolder(), "huge.bin");
      await writeRandom(beside, SIZE_BYTES);
      const processes = { server: server.running, laptop: await following(laptop.home), phone: await following(phone.home) };
      const before = {
        server: await peakBytes(processes.server),
        laptop: await peakBytes(processes.laptop),
        phone: await peakBytes(processes.phone),
      };

      await rename(beside, join(laptop.folder, "huge.bin"));
      await processes.laptop.line(tells("file:uploaded", "huge.bin"));
      await processes.phone.line(tells("file:downloaded", "huge.bin"));

      for (const [name, running] of Object.entries(processes)) {
        const growth = (await peakBytes(running)) - before[name as keyof typeof before];
        console.log(`${name} grew by ${(growth / MIB).toFixed(0)} MiB from ${(before[name as keyof typeof before] / MIB).toFixed(0)} MiB`);
        expect(growth, name).toBeLessThan(GROWTH_BYTES);
      }
      expect(await sha256Of(join(phone.folder, "huge.bin"))).toBe(await sha256Of(join(laptop.folder, "huge.bin")));
    },
    60_000 + SIZE_BYTES / 10_000,
  );
});
