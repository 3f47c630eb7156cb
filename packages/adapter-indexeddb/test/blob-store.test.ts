import { openDB } from "idb";
import { describe, expect, it } from "vitest";
import { createIdbBlobStore } from "../src/index.js";
import { freshName } from "./fresh-name.js";

const PIECE = 256 * 1024;

/** Bytes that differ from piece to piece and within one. */
function patterned(sizeBytes: number): Uint8Array {
  return Uint8Array.from({ length: sizeBytes }, (_, i) => (i * 7 + (i >> 8) + (i >> 16)) & 255);
}

/** As `toEqual` of large arrays, at once. */
function same(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a?.length === b.length && a.every((byte, i) => byte === b[i]);
}

describe("createIdbBlobStore", () => {
  it("gives every range of a blob, wherever its pieces begin and end", async () => {
    const blobs = await createIdbBlobStore({ name: freshName() });
    const bytes = patterned(2 * PIECE + 5);
    await blobs.put("a", bytes);
    for (const offset of [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 5]) {
      for (const end of [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 5]) {
        if (end < offset) continue;
        expect(same(await blobs.get("a", { range: { offset, length: end - offset } }), bytes.subarray(offset, end))).toBe(true);
      }
    }
    await blobs.close();
  });

  it("reads of a blob only what a range needs", async () => {
    const name = freshName();
    const blobs = await createIdbBlobStore({ name });
    const bytes = patterned(3 * PIECE);
    await blobs.put("a", bytes);
    const database = await openDB(`twinfold-blobs:${name}`);
    await database.delete("pieces", ["a", 0]);
    database.close();
    expect(same(await blobs.get("a", { range: { offset: PIECE + 1, length: PIECE } }), bytes.subarray(PIECE + 1, 2 * PIECE + 1))).toBe(true);
    await expect(blobs.get("a")).rejects.toMatchObject({ code: "ERR_STORE_FAILED" });
    await blobs.close();
  });

  it("leaves no piece behind of a blob that was replaced by a shorter one, or deleted", async () => {
    const name = freshName();
    const blobs = await createIdbBlobStore({ name });
    await blobs.put("a", patterned(3 * PIECE));
    await blobs.put("a", patterned(PIECE));
    await blobs.put("b", patterned(PIECE));
    await blobs.delete("b");
    const database = await openDB(`twinfold-blobs:${name}`);
    expect(await database.getAllKeys("pieces")).toEqual([["a", 0]]);
    database.close();
    await blobs.close();
  });

  it("lists as many blobs as it reads at a time, and one more, each once", async () => {
    const blobs = await createIdbBlobStore({ name: freshName() });
    const names = Array.from({ length: 1_001 }, (_, i) => `packs/${String(i).padStart(4, "0")}`);
    const listed = async () => {
      const found: string[] = [];
      for await (const { name } of blobs.list("packs/")) found.push(name);
      return found;
    };
    await Promise.all(names.slice(1).map((name) => blobs.put(name, new Uint8Array(1))));
    expect(await listed()).toEqual(names.slice(1));
    await blobs.put("packs/0000", new Uint8Array(1));
    expect(await listed()).toEqual(names);
    await blobs.close();
  });
});
