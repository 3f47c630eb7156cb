import type { ChunkId } from "../ids.js";
import type { Manifest, ManifestEntry } from "../manifest.js";
import { baseChunks } from "./base-chunks.js";

/** A range of a chunk that stands in an old one too, byte by byte. */
export interface ChunkCopy {
  /** Where it begins in the new chunk. */
  readonly at: number;
  readonly base: ManifestEntry;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/** What a new chunk was made from. */
export interface Origin {
  /** Ranges that are known; ascending, without overlap. */
  readonly copies: readonly ChunkCopy[];
  /** Chunks that hold more of it, probably. */
  readonly bases: readonly ManifestEntry[];
}

/**
 * For chunks of `target` that are not in `base`, what they were made from: none for most files that were written anew.
 *
 * @param recut the bytes of `target`, cut by the profile of `base`. Where the two have one profile that is `target` itself, and no copy is known. Else
 *   chunks that it shares with `base` are copied by all chunks of `target` over which they lie; for the rest {@link baseChunks} guesses. O(n log n), and each chunk's origin.
 */
export function origins(base: Manifest, target: Manifest, recut: Manifest): ReadonlyMap<ChunkId, Origin> {
  const found = new Map<ChunkId, Origin>();
  const bases = baseChunks(base, recut);
  const held = new Set(base.map(({ chunkId }) => chunkId));
  let start = 0;
  let index = 0;
  let from = 0;
  for (const { chunkId, lengthBytes } of target) {
    const end = start + lengthBytes;
    const copies: ChunkCopy[] = [];
    const probable: ManifestEntry[] = [];
    for (let entry = recut[index]; entry !== undefined && from < end; entry = recut[index]) {
      const to = from + entry.lengthBytes;
      if (held.has(entry.chunkId)) {
        const [first, last] = [Math.max(start, from), Math.min(end, to)];
        copies.push({ at: first - start, base: entry, offsetBytes: first - from, lengthBytes: last - first });
      } else probable.push(...(bases.get(entry.chunkId) ?? []));
      if (to > end) break; // it goes on in the next one
      index += 1;
      from = to;
    }
    if (!held.has(chunkId) && !found.has(chunkId) && copies.length + probable.length > 0) found.set(chunkId, { copies, bases: probable });
    start = end;
  }
  return found;
}
