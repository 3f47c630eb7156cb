import { readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { createOneFileBlobStore } from "../src/one-file-blob-store.js";
import { temporaryFile } from "./temporary-file.js";

const BYTES = new TextEncoder().encode("hello");

/** What the disk may hold when the machine stops within the put that made `after` of `before`: some of the bytes, then some of the head too. */
function* crashImages(before: Buffer, after: Buffer): Generator<Buffer> {
  const headBytes = after.length - before.length - BYTES.length;
  const head = after.subarray(before.length, before.length + headBytes);
  for (let n = 0; n <= BYTES.length; n++) yield Buffer.concat([before, Buffer.alloc(headBytes), BYTES.subarray(0, n)]);
  for (let n = 0; n < headBytes; n++) yield Buffer.concat([before, head.subarray(0, n), Buffer.alloc(headBytes - n), BYTES]);
}

it("holds after a crash within a put what was put before it, and takes what comes next", async () => {
  const path = temporaryFile();
  const store = createOneFileBlobStore(path);
  await store.put("first", BYTES);
  const before = readFileSync(path);
  await store.put("second", BYTES);
  await store.close();
  for (const image of crashImages(before, readFileSync(path))) {
    writeFileSync(path, image);
    const again = createOneFileBlobStore(path);
    expect([await again.get("first"), await again.get("second")]).toEqual([BYTES, undefined]);
    await again.put("third", BYTES);
    await again.close();
    const third = createOneFileBlobStore(path);
    expect([await third.get("first"), await third.get("third")]).toEqual([BYTES, BYTES]);
    await third.close();
  }
});
