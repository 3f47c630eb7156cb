import type { ChunkId } from "../ids.js";
import type { Manifest, ManifestEntry } from "../manifest.js";
import { MAX_DELTA_BASE_BYTES, MAX_DELTA_BASES } from "./delta.js";

/** An entry and where its bytes begin, from the start of its run. */
interface Placed {
  readonly entry: ManifestEntry;
  readonly start: number;
}

/** What stands in both manifests between two chunks that they have in common. */
interface Gap {
  readonly base: readonly Placed[];
  readonly baseBytes: number;
  readonly target: readonly Placed[];
  readonly targetBytes: number;
}

/**
 * Which chunks of `base` hold what the chunks of `target` that are not in it were probably made from, nearest first: none for most files that were written anew.
 *
 * The manifests are aligned by the chunks that both have once. In a run between two of those a new chunk has as bases the old ones, gone from `target`, that lie no
 * further than its own length from where it lies itself, counted from the start of the run or from its end: so whatever was inserted or removed, and by whatever
 * profile the two were cut. Together they are within the bounds of a delta. O(n log n), and each chunk's bases.
 */
export function baseChunks(base: Manifest, target: Manifest): ReadonlyMap<ChunkId, readonly ManifestEntry[]> {
  const bases = new Map<ChunkId, readonly ManifestEntry[]>();
  const inBase = new Set(base.map(({ chunkId }) => chunkId));
  const inTarget = new Set(target.map(({ chunkId }) => chunkId));
  for (const gap of gapsBetween(base, target)) {
    const gone = gap.base.filter(({ entry }) => !inTarget.has(entry.chunkId));
    if (gone.length === 0) continue;
    for (const { entry, start } of gap.target) {
      if (inBase.has(entry.chunkId) || bases.has(entry.chunkId)) continue;
      const near = nearest(gone, entry.lengthBytes, [start, start + gap.baseBytes - gap.targetBytes]);
      if (near.length > 0) bases.set(entry.chunkId, near);
    }
  }
  return bases;
}

/**
 * Of `candidates`, ascending by start, those within `reach` of one of the `places` of as many bytes, nearest first: for each place twice its bytes, which holds all
 * that overlaps it, and together no more than one delta may name.
 */
function nearest(candidates: readonly Placed[], reach: number, places: readonly number[]): readonly ManifestEntry[] {
  const distances = new Map<Placed, number>();
  for (const place of places) {
    const near: Array<readonly [Placed, number]> = [];
    for (let index = firstEndingAfter(candidates, place - reach); index < candidates.length; index++) {
      const candidate = candidates[index] as Placed;
      if (candidate.start > place + 2 * reach) break;
      near.push([candidate, Math.abs(candidate.start + candidate.entry.lengthBytes / 2 - (place + reach / 2))]);
    }
    let bytes = 0;
    for (const [candidate, distance] of near.sort(([, a], [, b]) => a - b)) {
      if (bytes >= 2 * reach) break;
      bytes += candidate.entry.lengthBytes;
      distances.set(candidate, Math.min(distance, distances.get(candidate) ?? distance));
    }
  }
  const chosen = new Map<ChunkId, ManifestEntry>();
  let chosenBytes = 0;
  for (const [{ entry }] of [...distances].sort(([, a], [, b]) => a - b)) {
    if (chosen.size === MAX_DELTA_BASES || chosenBytes + entry.lengthBytes > MAX_DELTA_BASE_BYTES) break;
    if (chosen.has(entry.chunkId)) continue;
    chosen.set(entry.chunkId, entry);
    chosenBytes += entry.lengthBytes;
  }
  return [...chosen.values()];
}

function firstEndingAfter(candidates: readonly Placed[], place: number): number {
  let low = 0;
  let high = candidates.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const { entry, start } = candidates[middle] as Placed;
    if (start + entry.lengthBytes > place) high = middle;
    else low = middle + 1;
  }
  return low;
}

function* gapsBetween(base: Manifest, target: Manifest): Generator<Gap, void, undefined> {
  let fromBase = 0;
  let fromTarget = 0;
  for (const [baseIndex, targetIndex] of [...anchors(base, target), [base.length, target.length] as const]) {
    if (baseIndex > fromBase && targetIndex > fromTarget) {
      const [before, after] = [placed(base, fromBase, baseIndex), placed(target, fromTarget, targetIndex)];
      yield { base: before.entries, baseBytes: before.bytes, target: after.entries, targetBytes: after.bytes };
    }
    fromBase = baseIndex + 1;
    fromTarget = targetIndex + 1;
  }
}

function placed(manifest: Manifest, from: number, to: number): { readonly entries: readonly Placed[]; readonly bytes: number } {
  let bytes = 0;
  const entries = manifest.slice(from, to).map((entry) => {
    const start = bytes;
    bytes += entry.lengthBytes;
    return { entry, start };
  });
  return { entries, bytes };
}

/**
 * Places of chunks that both hold once, in the longest series that ascends in both: a moved piece does not lead the rest astray.
 *
 * Source: Cohen, "Patience Diff Advantages", 2010; the series by patience sorting.
 */
function anchors(base: Manifest, target: Manifest): ReadonlyArray<readonly [number, number]> {
  const baseIndex = indexOfSingle(base);
  const pairs = [...indexOfSingle(target)].flatMap(([chunkId, index]) => {
    const at = baseIndex.get(chunkId);
    return at === undefined ? [] : [{ at, index, before: undefined as number | undefined }];
  });
  /** By length − 1, the pair with the smallest place in `base` that ends a series of that length. */
  const ends: number[] = [];
  for (const [number, pair] of pairs.entries()) {
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((pairs[ends[middle] as number]?.at ?? 0) < pair.at) low = middle + 1;
      else high = middle;
    }
    pair.before = low === 0 ? undefined : ends[low - 1];
    ends[low] = number;
  }
  const series: Array<readonly [number, number]> = [];
  for (let number = ends.at(-1); number !== undefined; ) {
    const pair = pairs[number];
    if (pair === undefined) break;
    series.push([pair.at, pair.index]);
    number = pair.before;
  }
  return series.reverse();
}

/** Of the chunks that it holds once, where, in its order. */
function indexOfSingle(manifest: Manifest): ReadonlyMap<ChunkId, number> {
  const places = new Map<ChunkId, number>();
  const repeated = new Set<ChunkId>();
  for (const [index, { chunkId }] of manifest.entries()) {
    if (repeated.has(chunkId)) continue;
    if (!places.has(chunkId)) places.set(chunkId, index);
    else {
      places.delete(chunkId);
      repeated.add(chunkId);
    }
  }
  return places;
}
