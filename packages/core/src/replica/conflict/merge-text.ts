import { diff3Merge } from "node-diff3";
import type { ConflictResolver } from "../replica.js";

/** Longest version that is merged, in bytes. */
const MAX_MERGED_BYTES = 1024 * 1024;
/** Pairs of equal lines in two versions, above which they are not compared: it bounds the time of a merge to about a second. */
const MAX_EQUAL_PAIRS = 2_000_000;

/**
 * Merges two versions of a text file line by line against the one that both were made from, when their changes do not meet.
 *
 * Leaves the conflict as it is, so that both versions are kept, for what is not valid UTF-8, holds a NUL, is over 1 MiB, has no common version, or
 * was changed in the same or neighbouring lines. Both versions stay revisions of the file.
 */
export const mergeText: ConflictResolver = async ({ mine, theirs, base }) => {
  if (base === undefined) return undefined;
  const texts: string[] = [];
  for (const version of [mine, base, theirs]) {
    const text = textOf(await version());
    if (text === undefined) return undefined;
    texts.push(text);
  }
  const [a = [], o = [], b = []] = texts.map(linesOf);
  if (equalPairs(o, a) > MAX_EQUAL_PAIRS || equalPairs(o, b) > MAX_EQUAL_PAIRS) return undefined;
  const regions = diff3Merge(a, o, b, { excludeFalseConflicts: true });
  if (regions.some((region) => region.ok === undefined)) return undefined;
  return new TextEncoder().encode(regions.flatMap((region) => region.ok ?? []).join(""));
};

function textOf(bytes: Uint8Array): string | undefined {
  if (bytes.length > MAX_MERGED_BYTES || bytes.includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Each line with its end, so that the text is all of them joined. */
function linesOf(text: string): string[] {
  return text === "" ? [] : text.split(/(?<=\n)/);
}

function equalPairs(base: readonly string[], other: readonly string[]): number {
  const counts = new Map<string, number>();
  for (const line of base) counts.set(line, (counts.get(line) ?? 0) + 1);
  return other.reduce((sum, line) => sum + (counts.get(line) ?? 0), 0);
}
