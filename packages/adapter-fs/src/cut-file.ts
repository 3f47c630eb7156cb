import { hash } from "node:crypto";
import { readSync } from "node:fs";
import { type ChunkId, chunkProfileFor, type CutWindow, type Manifest, type ManifestEntry, MAX_CHUNK_BYTES } from "@twinfold/core";

/** Read at a time: cut and hashed while it is in the processor's cache. */
const BLOCK_BYTES = 512 * 1024;
/** A window in which every file can be cut: the longest open chunk, and what is read after it. */
export const CUT_WINDOW_BYTES = MAX_CHUNK_BYTES + BLOCK_BYTES;

/**
 * Reads an open file of `sizeBytes` into the window, from its start, and cuts and hashes it there, all on this thread.
 *
 * Gives `undefined` when `isStopped`, which is asked before each read. The window has {@link CUT_WINDOW_BYTES}, or room for the whole file.
 */
export function cutFile(descriptor: number, sizeBytes: number, { bytes, finder }: CutWindow, isStopped = () => false): Manifest | undefined {
  const profile = chunkProfileFor(sizeBytes);
  const cuts = finder(profile);
  const roomBytes = Math.min(bytes.length, profile.maxBytes + BLOCK_BYTES);
  const entries: ManifestEntry[] = [];
  let [start, end] = [0, 0]; // of what is read and not yet in a chunk

  const add = (lengthBytes: number): void => {
    const chunk = bytes.subarray(start, start + lengthBytes);
    entries.push({ chunkId: hash("sha256", chunk, "hex") as ChunkId, lengthBytes });
    start += lengthBytes;
  };

  for (let position = 0; position < sizeBytes; ) {
    if (isStopped()) return undefined;
    const wanted = Math.min(BLOCK_BYTES, sizeBytes - position);
    if (end + wanted > roomBytes) {
      bytes.copyWithin(0, start, end);
      [start, end] = [0, end - start];
    }
    const count = readSync(descriptor, bytes, end, wanted, position);
    if (count === 0) break;
    position += count;
    end += count;
    for (let length = cuts.find(bytes, start, end); length !== undefined; length = cuts.find(bytes, start, end)) add(length);
  }
  if (start < end) add(end - start);
  return entries;
}
