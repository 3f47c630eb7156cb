import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import { chunkBytes, chunkProfileFor } from "@twinfold/core";
import { afterEach, describe, expect, it } from "vitest";
import { createCuttingPool } from "../src/cutting-pool.js";
import { nextThread, startedThreads } from "./started-threads.js";
import { temporaryFolder } from "./temporary-folder.js";

const MIB = 1024 * 1024;
const opened: number[] = [];

/** An open file of that size: zeros, of which no disk keeps a byte. */
function sparse(sizeBytes: number): number {
  const path = join(temporaryFolder(), "sparse");
  fs.writeFileSync(path, "");
  fs.truncateSync(path, sizeBytes);
  opened.push(fs.openSync(path, "r"));
  return opened.at(-1) as number;
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** The same at each run. */
function randomBytes(length: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return state >>> 24;
  });
}

const lengthsOfZeros = (sizeBytes: number) => chunkBytes(new Uint8Array(sizeBytes), chunkProfileFor(sizeBytes));

afterEach(() => {
  for (const descriptor of opened.splice(0)) fs.closeSync(descriptor);
});

describe("createCuttingPool", () => {
  it("starts a thread for each file that comes while all are busy, up to its bound, and uses them again", async () => {
    const pool = createCuttingPool({ threads: 2 });
    const before = startedThreads.length;
    const sizes = [8, 8, 8, 1, 2].map((mib) => mib * MIB + 1);
    const manifests = await Promise.all(sizes.map((sizeBytes) => pool.cut(sparse(sizeBytes), sizeBytes)));
    expect(manifests.map((manifest) => manifest?.map(({ lengthBytes }) => lengthBytes))).toEqual(sizes.map(lengthsOfZeros));
    await pool.cut(sparse(MIB), MIB);
    expect(startedThreads.length - before).toBe(2);
    await pool.close();
    expect(startedThreads.slice(before).map(({ threadId }) => threadId)).toEqual([-1, -1]);
  });

  it("cuts by the profile of the size that it is told, and hashes each chunk where it lies", async () => {
    const pool = createCuttingPool({ threads: 1 });
    const bytes = randomBytes(24 * MIB + 1);
    const path = join(temporaryFolder(), "random");
    fs.writeFileSync(path, bytes);
    opened.push(fs.openSync(path, "r"));
    for (const sizeBytes of [128 * MIB, 256 * MIB, 1_024 * MIB]) {
      const manifest = (await pool.cut(opened[0] as number, sizeBytes)) ?? [];
      expect(manifest.map(({ lengthBytes }) => lengthBytes)).toEqual(chunkBytes(bytes, chunkProfileFor(sizeBytes)));
      const ends = manifest.map((_, index) => manifest.slice(0, index + 1).reduce((sum, { lengthBytes }) => sum + lengthBytes, 0));
      const ids = manifest.map(({ lengthBytes }, index) => sha256(bytes.subarray((ends[index] as number) - lengthBytes, ends[index])));
      expect(manifest.map(({ chunkId }) => chunkId)).toEqual(ids);
    }
    await pool.close();
  });

  it("stops with a file that nobody waits for, at the signal's own reason, and goes on with the next one", async () => {
    const pool = createCuttingPool({ threads: 1 });
    const [controller, reason] = [new AbortController(), new Error("stop")];
    const running = nextThread();
    const large = 4_096 * 1_024 * MIB; // hours of reading
    const cutting = pool.cut(sparse(large), large, controller.signal);
    const queued = pool.cut(sparse(large), large, controller.signal);
    await running;
    controller.abort(reason);
    await expect(cutting).rejects.toBe(reason);
    await expect(queued).rejects.toBe(reason);
    expect((await pool.cut(sparse(MIB), MIB))?.length).toBe(lengthsOfZeros(MIB).length);
    await expect(pool.cut(sparse(MIB), MIB, controller.signal)).rejects.toBe(reason);
    await pool.close();
  });

  it("says that it could not when a read fails, and when its threads are ended, and can be used again", async () => {
    const pool = createCuttingPool({ threads: 1 });
    opened.push(fs.openSync(temporaryFolder(), "r"));
    expect(await pool.cut(opened[0] as number, MIB)).toBeUndefined();
    const cutting = pool.cut(sparse(1_024 * 1_024 * MIB), 1_024 * 1_024 * MIB);
    await pool.close();
    expect(await cutting).toBeUndefined();
    expect((await pool.cut(sparse(MIB), MIB))?.length).toBe(lengthsOfZeros(MIB).length);
    await pool.close();
  });

  it.each([
    ["cannot be found", undefined],
    ["does not run", "this is no program"],
    ["ends at once", ""],
    ["ends in the middle", "require('node:worker_threads').parentPort.on('message', () => process.exit())"],
    ["fails in the middle", "require('node:worker_threads').parentPort.on('message', () => { throw new Error('injected by a test'); })"],
  ])("says that it could not where the threads' program %s, and starts no more of them", async (_what, text) => {
    const program = join(temporaryFolder(), "program.cjs");
    if (text !== undefined) fs.writeFileSync(program, text);
    const pool = createCuttingPool({ threads: 2, program });
    expect(await pool.cut(sparse(MIB), MIB)).toBeUndefined();
    const before = startedThreads.length;
    expect(await pool.cut(sparse(MIB), MIB)).toBeUndefined();
    expect(startedThreads.length).toBe(before);
    await pool.close();
  });
});
