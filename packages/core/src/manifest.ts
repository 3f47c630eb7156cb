import { ByteReader, malformed } from "./codec/byte-reader.js";
import { ByteWriter } from "./codec/byte-writer.js";
import { type Codec, list, struct, union, varint } from "./codec/codec.js";
import { bytesToHex } from "./codec/hex.js";
import type { Sha256 } from "./env.js";
import type { ChunkId, ManifestId } from "./ids.js";

/** One chunk of a file, in its place. */
export interface ManifestEntry {
  readonly chunkId: ChunkId;
  readonly lengthBytes: number;
}

/** The ordered chunks of a file: a pure function of its bytes. An empty file has none. */
export type Manifest = readonly ManifestEntry[];

/** No chunk is longer. Source: the mission's 4 MB limit of a block. */
export const MAX_CHUNK_BYTES = 4 * 1024 * 1024;
/** A manifest of at most so many chunks travels inside its change. */
export const MAX_INLINE_CHUNKS = 64;
/** No manifest is longer, in canonical form. Enough for 240,000 chunks, 280 GB at the largest average. */
export const MAX_MANIFEST_BYTES = 8 * 1024 * 1024;

const MANIFEST_FORMAT = 1;
const SMALLEST_ENTRY_BYTES = 33;

/** The canonical binary form: format byte 1, flags 0, count, then (chunk id, plain length) in order. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  const writer = new ByteWriter(3 + manifest.length * 36);
  writer.byte(MANIFEST_FORMAT);
  writer.byte(0);
  writer.varint(manifest.length);
  for (const entry of manifest) {
    writer.hex(entry.chunkId);
    writer.varint(entry.lengthBytes);
  }
  return writer.finish();
}

/** @throws {TwinfoldError} `ERR_PROTOCOL` when `bytes` is not exactly one manifest within its bounds. */
export function decodeManifest(bytes: Uint8Array): Manifest {
  if (bytes.length > MAX_MANIFEST_BYTES) throw malformed(`a manifest of ${bytes.length} bytes`);
  const reader = new ByteReader(bytes);
  const format = reader.byte();
  const flags = reader.byte();
  if (format !== MANIFEST_FORMAT || flags !== 0) throw malformed(`a manifest of format ${format} with flags ${flags}`);
  const count = reader.varint();
  if (count > reader.remaining / SMALLEST_ENTRY_BYTES) throw malformed(`a manifest that claims ${count} chunks`);
  const entries: ManifestEntry[] = [];
  for (let i = 0; i < count; i++) entries.push(manifestEntryCodec.read(reader));
  reader.end();
  return entries;
}

export function manifestIdOf(encoded: Uint8Array, sha256: Sha256): ManifestId {
  return bytesToHex(sha256(encoded)) as ManifestId;
}

export function chunkIdOf(bytes: Uint8Array, sha256: Sha256): ChunkId {
  return bytesToHex(sha256(bytes)) as ChunkId;
}

/** Length of the file, in bytes. */
export function manifestSize(manifest: Manifest): number {
  return manifest.reduce((sum, entry) => sum + entry.lengthBytes, 0);
}

/** How many entries from the start both have. */
export function commonEntries(a: Manifest, b: Manifest): number {
  const end = Math.min(a.length, b.length);
  let count = 0;
  while (count < end && a[count]?.chunkId === b[count]?.chunkId && a[count]?.lengthBytes === b[count]?.lengthBytes) count += 1;
  return count;
}

/** The entries from the start whose chunks end within so many bytes. */
export function entriesWithin(manifest: Manifest, sizeBytes: number): Manifest {
  let end = 0;
  const first = manifest.findIndex(({ lengthBytes }) => {
    end += lengthBytes;
    return end > sizeBytes;
  });
  return first === -1 ? manifest : manifest.slice(0, first);
}

export const manifestEntryCodec: Codec<ManifestEntry> = {
  write: (writer, entry) => {
    writer.hex(entry.chunkId);
    writer.varint(entry.lengthBytes);
  },
  read: (reader) => {
    const chunkId = reader.hex(32) as ChunkId;
    const lengthBytes = reader.varint();
    if (lengthBytes === 0 || lengthBytes > MAX_CHUNK_BYTES) throw malformed(`a chunk of ${lengthBytes} bytes`);
    return { chunkId, lengthBytes };
  },
};

/** A piece of a manifest that travels: entries, or a range of a manifest that the receiver has already. */
export type ManifestRun =
  | { readonly kind: "entries"; readonly entries: readonly ManifestEntry[] }
  | { readonly kind: "copy"; readonly from: number; readonly count: number };

const MAX_ENTRIES = Math.floor(MAX_MANIFEST_BYTES / SMALLEST_ENTRY_BYTES);

export const manifestRunCodec = union<ManifestRun>({
  entries: { tag: 1, fields: struct({ entries: list(manifestEntryCodec, MAX_ENTRIES) }) },
  copy: { tag: 2, fields: struct({ from: varint, count: varint }) },
});

/**
 * Describes `target` by ranges of `base` and by entries that `base` has not, in order.
 *
 * Linear in both; greedy, so a chunk that `base` holds twice is copied from where the last copy went on.
 */
export function spliceManifest(base: Manifest, target: Manifest): readonly ManifestRun[] {
  const firstAt = new Map<ChunkId, number>();
  base.forEach((entry, index) => {
    if (!firstAt.has(entry.chunkId)) firstAt.set(entry.chunkId, index);
  });
  const runs: Array<{ kind: "entries"; entries: ManifestEntry[] } | { kind: "copy"; from: number; count: number }> = [];
  for (const entry of target) {
    const last = runs.at(-1);
    if (last?.kind === "copy" && base[last.from + last.count]?.chunkId === entry.chunkId) {
      last.count += 1;
      continue;
    }
    const at = firstAt.get(entry.chunkId);
    if (at !== undefined) runs.push({ kind: "copy", from: at, count: 1 });
    else if (last?.kind === "entries") last.entries.push(entry);
    else runs.push({ kind: "entries", entries: [entry] });
  }
  return runs;
}

/**
 * The entries that `runs` stand for.
 *
 * @throws {TwinfoldError} `ERR_PROTOCOL` when a run copies what `base` does not hold, or the result is over {@link MAX_MANIFEST_BYTES}.
 */
export function applyRuns(base: Manifest, runs: readonly ManifestRun[]): Manifest {
  const entries: ManifestEntry[] = [];
  let encodedBytes = 2;
  for (const run of runs) {
    const added = run.kind === "entries" ? run.entries : base.slice(run.from, run.from + run.count);
    if (run.kind === "copy" && added.length !== run.count) throw malformed("a copy beyond the end of its base manifest");
    if (entries.length + added.length > MAX_ENTRIES) throw malformed("a manifest of too many chunks");
    for (const entry of added) {
      entries.push(entry);
      encodedBytes += 32 + varintBytes(entry.lengthBytes);
    }
  }
  if (encodedBytes + varintBytes(entries.length) > MAX_MANIFEST_BYTES) throw malformed("a manifest of too many bytes");
  return entries;
}

function varintBytes(value: number): number {
  if (value < 2 ** 7) return 1;
  if (value < 2 ** 14) return 2;
  return value < 2 ** 21 ? 3 : 4;
}

/** (manifest id → bytes) as it travels inside a change or a journal row. */
export const inlineManifestMaxBytes = 3 + MAX_INLINE_CHUNKS * 36;
