import { createHash } from "node:crypto";
import { chunkBytes, chunkProfileFor, chunkIdOf, createMemoryLocalTree, type LocalTree, type ManifestId, parsePath } from "@twinfold/core";
import { describe, expect, it } from "vitest";
import { Recuts } from "../../src/replica/disk/recuts.js";
import { virtualEnv } from "./twins.js";

const MB = 1_000_000;
const PATH = parsePath("file");
/** More than 128 MiB: chunks of 256 KiB. */
const LARGER = 200 * MB;

function noise(seed: number, sizeBytes: number): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(sizeBytes / 32) }, (_, i) => createHash("sha256").update(`${seed}:${i}`).digest());
  return new Uint8Array(Buffer.concat(blocks).subarray(0, sizeBytes));
}

/** A folder with one file, whose reads are counted. */
async function opened(bytes = noise(1, 2 * MB)) {
  const env = virtualEnv();
  const memory = createMemoryLocalTree({ env });
  const seen = { reads: 0 };
  const tree: LocalTree = {
    ...memory,
    read: (...args) => {
      seen.reads += 1;
      return memory.read(...args);
    },
  };
  const written = async (content: Uint8Array) => {
    memory.write("file", content);
    const stat = await memory.stat(PATH);
    if (stat === undefined) throw new Error("the file is not there");
    return { path: PATH, stat, manifestId: createHash("sha256").update(content).digest("hex") as ManifestId };
  };
  return { recuts: new Recuts({ tree, env }), written, file: await written(bytes), bytes, seen, sha256: env.sha256 };
}

describe("Recuts", () => {
  it("cuts a file as one of another size is cut, and reads it once for several that ask", async () => {
    const { recuts, file, bytes, seen, sha256 } = await opened();
    let at = 0;
    const expected = chunkBytes(bytes, chunkProfileFor(LARGER)).map((lengthBytes) => {
      at += lengthBytes;
      return { chunkId: chunkIdOf(bytes.subarray(at - lengthBytes, at), sha256), lengthBytes };
    });
    expect(await recuts.like(LARGER, file, undefined)).toEqual(expected);
    expect(await recuts.like(LARGER + 1, file, undefined)).toEqual(expected);
    expect(seen.reads).toBe(1);
  });

  it("remembers a cut of these bytes by this profile alone, and no more than two", async () => {
    const { recuts, written, file, seen } = await opened();
    const first = await recuts.like(LARGER, file, undefined);
    expect(await recuts.like(2_000 * MB, file, undefined)).not.toEqual(first);
    expect(seen.reads).toBe(2);
    const other = await written(noise(2, 2 * MB));
    expect(await recuts.like(LARGER, other, undefined)).not.toEqual(first);
    expect(await recuts.like(2_000 * MB, file, undefined)).toBeDefined(); // remembered: the file is no longer there
    expect(await recuts.like(LARGER, file, undefined)).toBeUndefined();
  });

  it("reads nothing where the file is cut so anyway, or is much longer than what it could save", async () => {
    const { recuts, file, seen } = await opened();
    expect(await recuts.like(100 * MB, file, undefined)).toBeUndefined();
    const long = { ...file, stat: { ...file.stat, sizeBytes: LARGER } };
    expect(await recuts.like(LARGER / 16 - 1, long, undefined)).toBeUndefined();
    expect(seen.reads).toBe(0);
    await recuts.like(LARGER / 16, long, undefined);
    expect(seen.reads).toBe(1);
  });

  it("gives nothing when the file changed since, and rejects with the reason of an abort", async () => {
    const { recuts, written, file } = await opened();
    const reason = new Error("stop");
    await expect(recuts.like(LARGER, file, AbortSignal.abort(reason))).rejects.toBe(reason);
    await written(noise(2, 2 * MB));
    expect(await recuts.like(LARGER, file, undefined)).toBeUndefined();
  });
});
