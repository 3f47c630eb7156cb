import type { ChunkId } from "../ids.js";
import type { Manifest, ManifestEntry } from "../manifest.js";
import { baseChunks } from "./base-chunks.js";
import { type ChunkCopy, usableBases } from "./sketch.js";

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
  for (const { chunkId, lengthBytes, over } of overlaps(target, recut)) {
    if (held.has(chunkId) || found.has(chunkId)) continue;
    const copies: ChunkCopy[] = [];
    const probable: ManifestEntry[] = [];
    for (const { entry, start } of over) {
      const [from, to] = [Math.max(0, start), Math.min(lengthBytes, start + entry.lengthBytes)];
      if (held.has(entry.chunkId)) copies.push({ at: from, base: entry, offsetBytes: from - start, lengthBytes: to - from });
      else probable.push(...(bases.get(entry.chunkId) ?? []));
    }
    if (copies.length + probable.length > 0) found.set(chunkId, { copies, bases: probable });
  }
  return found;
}

/**
 * As {@link baseChunks}, for whoever has the bytes of `base` and not those of `target`.
 *
 * @param recut the bytes of `base`, cut by the profile of `target`: what was inserted and removed is seen by the chunks that those two have in common.
 *   Where the two have one profile that is `base` itself. O(n log n), and each chunk's bases.
 */
export function baseChunksByRecut(base: Manifest, target: Manifest, recut: Manifest): ReadonlyMap<ChunkId, readonly ManifestEntry[]> {
  const held = new Map([...overlaps(recut, base)].map(({ chunkId, over }) => [chunkId, over.map(({ entry }) => entry)]));
  const bases = new Map<ChunkId, readonly ManifestEntry[]>();
  for (const [chunkId, near] of baseChunks(recut, target)) {
    const entries = near.flatMap((entry) => held.get(entry.chunkId) ?? []);
    bases.set(
      chunkId,
      usableBases(entries, (entry) => entry),
    );
  }
  return bases;
}

interface Overlapping extends ManifestEntry {
  /** With what it has bytes in common, and where that begins, from its own first byte. */
  readonly over: ReadonlyArray<{ readonly entry: ManifestEntry; readonly start: number }>;
}

/** Two cuts of the same bytes, laid over each other. */
function* overlaps(one: Manifest, other: Manifest): Generator<Overlapping, void, undefined> {
  let index = 0;
  let from = 0; // of the other's entry, from the start of the one's
  for (const { chunkId, lengthBytes } of one) {
    const over: Array<Overlapping["over"][number]> = [];
    for (let entry = other[index]; entry !== undefined && from < lengthBytes; entry = other[index]) {
      over.push({ entry, start: from });
      if (from + entry.lengthBytes > lengthBytes) break; // it goes on in the next one
      index += 1;
      from += entry.lengthBytes;
    }
    from -= lengthBytes;
    yield { chunkId, lengthBytes, over };
  }
}
