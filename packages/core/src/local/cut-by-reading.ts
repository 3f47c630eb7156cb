import { createChunker } from "../chunking/chunker.js";
import { chunkProfileFor } from "../chunking/profile.js";
import type { Sha256 } from "../env.js";
import { chunkIdOf, type Manifest, type ManifestEntry } from "../manifest.js";
import type { LocalTree } from "./local-tree.js";

/** `cut` of a LocalTree that has only `read`. Memory: a piece of `read`, and its chunks. */
export function cutByReading(read: LocalTree["read"], sha256: Sha256): LocalTree["cut"] {
  return async (path, expected, options): Promise<Manifest> => {
    const chunker = createChunker(chunkProfileFor(expected.sizeBytes));
    const entries: ManifestEntry[] = [];
    const add = (chunks: readonly Uint8Array[]): void => {
      for (const chunk of chunks) entries.push({ chunkId: chunkIdOf(chunk, sha256), lengthBytes: chunk.length });
    };
    for await (const piece of read(path, expected, options)) add(chunker.push(piece));
    add(chunker.finish());
    return entries;
  };
}
