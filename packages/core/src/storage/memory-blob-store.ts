import { TwinfoldError } from "../errors.js";
import { checkBlobName } from "./blob-name.js";
import type { BlobStore } from "./blob-store.js";
import { rangeIn } from "./byte-range.js";

export interface MemoryBlobStore extends BlobStore {
  /** What a disk would hold now, closed or not: give it to another store to open it again. Costs one entry per blob, no bytes are copied. */
  snapshot(): ReadonlyMap<string, Uint8Array>;
}

/** A BlobStore for tests, simulation and embedding. Its memory is that of the blobs. */
export function createMemoryBlobStore(options: { readonly from?: ReadonlyMap<string, Uint8Array> | undefined } = {}): MemoryBlobStore {
  const blobs = new Map(options.from);
  let closed = false;

  const begin = (what: string, signal: AbortSignal | undefined): void => {
    if (closed) throw new TwinfoldError("ERR_CLOSED", `cannot ${what}: the blob store is closed`);
    signal?.throwIfAborted();
  };

  return {
    async put(name, bytes, { signal } = {}) {
      begin(`put the blob ${name}`, signal);
      checkBlobName(name);
      blobs.set(name, bytes.slice());
    },
    async get(name, { range, signal } = {}) {
      begin(`read the blob ${name}`, signal);
      checkBlobName(name);
      const bytes = blobs.get(name);
      if (bytes === undefined) return undefined;
      const { offset, length } = rangeIn({ name, sizeBytes: bytes.length }, range);
      return bytes.slice(offset, offset + length);
    },
    async head(name, { signal } = {}) {
      begin(`look up the blob ${name}`, signal);
      checkBlobName(name);
      const bytes = blobs.get(name);
      return bytes && { name, sizeBytes: bytes.length };
    },
    async delete(name, { signal } = {}) {
      begin(`delete the blob ${name}`, signal);
      checkBlobName(name);
      blobs.delete(name);
    },
    async *list(prefix, { signal } = {}) {
      begin("list blobs", signal);
      const names = [...blobs.keys()].filter((name) => name.startsWith(prefix)).sort();
      for (const name of names) {
        begin("list blobs", signal);
        const bytes = blobs.get(name);
        if (bytes !== undefined) yield { name, sizeBytes: bytes.length };
      }
    },
    async close() {
      closed = true;
    },
    snapshot: () => new Map(blobs),
  };
}
