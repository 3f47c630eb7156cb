import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createFsLocalTree, createNodeFileSystem, readRootMarker } from "@twinfold/adapter-fs";
import { cutPieces, type LocalStat, type LocalTree, type Manifest, parsePath } from "@twinfold/core";
import { hookedFileSystem } from "@twinfold/testing";
import { describe, expect, it } from "vitest";
import { openDisk } from "./disk-edit.js";
import { nextThread, startedThreads } from "./started-threads.js";

const MIB = 1024 * 1024;
const A = parsePath("a");

const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash("sha256").update(bytes).digest());

/** Zeros, then bytes that differ from place to place. */
function writeSparse(path: string, zeroBytes: number, tailBytes: number): void {
  fs.writeFileSync(path, "");
  fs.truncateSync(path, zeroBytes);
  const hashes = Array.from({ length: Math.ceil(tailBytes / 32) }, (_, i) => sha256(new TextEncoder().encode(`${i}`)));
  fs.appendFileSync(path, Buffer.concat(hashes).subarray(0, tailBytes));
}

async function statOf(tree: LocalTree): Promise<LocalStat> {
  return (await tree.stat(A)) as LocalStat;
}

async function byReading(tree: LocalTree, stat: LocalStat): Promise<Manifest> {
  return await cutPieces(tree.read(A, stat), stat.sizeBytes, sha256);
}

describe("cut on the machine's own disk", () => {
  it.each([
    ["of the smallest profile", 0, 3 * MIB + 1],
    ["of the middle profile", 130 * MIB + 5, 9 * MIB + 1],
  ])("gives the chunks that reading gives, of a file %s, in a thread that ends with the last tree", async (_profile, zeroBytes, tailBytes) => {
    const { root, tree } = await openDisk();
    writeSparse(join(root, "a"), zeroBytes, tailBytes);
    const stat = await statOf(tree);
    const before = startedThreads.length;
    const manifest = await tree.cut(A, stat);
    const threads = startedThreads.slice(before);
    expect(threads.length).toBe(1);
    expect(manifest).toEqual(await byReading(tree, stat));
    await tree.close();
    expect(threads.map(({ threadId }) => threadId)).toEqual([-1]);
  });

  it("starts no thread for a file of up to 256 KiB", async () => {
    const { root, tree } = await openDisk();
    const before = startedThreads.length;
    for (const sizeBytes of [0, 1, 100_000, 256 * 1024]) {
      writeSparse(join(root, "a"), 0, sizeBytes);
      const stat = await statOf(tree);
      expect(await tree.cut(A, stat)).toEqual(await byReading(tree, stat));
    }
    expect(startedThreads.length).toBe(before);
  });

  it("gives the right chunks when its thread is killed with the file half read", async () => {
    const { root, tree } = await openDisk();
    writeSparse(join(root, "a"), 300 * MIB, MIB);
    const stat = await statOf(tree);
    const running = nextThread();
    const cutting = tree.cut(A, stat);
    await (await running).terminate();
    expect(await cutting).toEqual(await byReading(tree, stat));
    await tree.close();
  });

  it.each([1_000, 2 * MIB])("refuses a file of %i bytes that is written while it is cut", async (sizeBytes) => {
    const { root } = await openDisk();
    const { rootId } = (await readRootMarker({ root })) as { rootId: string };
    writeSparse(join(root, "a"), 0, sizeBytes);
    let looks = 0;
    const fileSystem = hookedFileSystem(createNodeFileSystem(), ({ operation }) => {
      if (operation === "file.stat" && ++looks === 2) fs.writeFileSync(join(root, "a"), "other");
    });
    const tree = createFsLocalTree({ root, rootId, fileSystem });
    await expect(tree.cut(A, await statOf(tree))).rejects.toMatchObject({ code: "ERR_LOCAL_CHANGED" });
    expect(looks).toBe(2);
    await tree.close();
  });

  it.each([[], ["--jitless"]])(
    "does the same as it is published, also without WebAssembly, and keeps no process alive: node %s",
    async (...flags) => {
      const { root, tree } = await openDisk();
      writeSparse(join(root, "a"), MIB, 2 * MIB + 1);
      const { rootId } = (await readRootMarker({ root })) as { rootId: string };
      const program = fileURLToPath(new URL("cut-program.mjs", import.meta.url));
      const output = execFileSync(process.execPath, [...flags, program, root, rootId], { encoding: "utf8" });
      expect(JSON.parse(output)).toEqual({ manifest: await byReading(tree, await statOf(tree)), threads: 1, hasWebAssembly: flags.length === 0 });
    },
  );
});
