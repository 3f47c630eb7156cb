import { createChunker } from "../chunking/chunker.js";
import { chunkProfileFor } from "../chunking/profile.js";
import type { Sha256 } from "../env.js";
import { chunkIdOf, type Manifest, type ManifestEntry } from "../manifest.js";

/** The chunks of bytes that come in pieces, cut as those of a file of `sizeBytes` are: `cut` of a LocalTree that has only `read`. Memory: a piece, and the chunks that end in it. */
export async function cutPieces(pieces: AsyncIterable<Uint8Array>, sizeBytes: number, sha256: Sha256): Promise<Manifest> {
  const chunker = createChunker(chunkProfileFor(sizeBytes));
  const entries: ManifestEntry[] = [];
  const add = (chunks: readonly Uint8Array[]): void => {
    for (const chunk of chunks) entries.push({ chunkId: chunkIdOf(chunk, sha256), lengthBytes: chunk.length });
  };
  for await (const piece of pieces) add(chunker.push(piece));
  add(chunker.finish());
  return entries;
}
