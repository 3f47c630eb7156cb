import { type BlobInfo, type BlobStore, checkBlobName, type OperationOptions, rangeIn, TwinfoldError } from "@twinfold/core";
import { openRecordFile, type Place } from "./record-file.js";

/** All blobs in one file that only grows: an archive, or a stick to carry away. For one process at a time; holds the names in memory. */
export function createOneFileBlobStore(path: string): BlobStore {
  const blobs = new Map<string, BlobInfo & Place>();
  const file = openRecordFile(path, (name, place) => (place === undefined ? blobs.delete(name) : blobs.set(name, { name, ...place })));
  let closed = false;

  function begin({ signal }: OperationOptions, name?: string): void {
    signal?.throwIfAborted();
    if (closed) throw new TwinfoldError("ERR_CLOSED", `the blob store in ${path} was closed`);
    if (name !== undefined) checkBlobName(name);
  }

  function onFile<T>(what: string, work: () => T): T {
    try {
      return work();
    } catch (cause) {
      throw new TwinfoldError("ERR_STORE_FAILED", `cannot ${what} in ${path}: ${String(cause)}`, { cause });
    }
  }

  return {
    async put(name, bytes, options = {}) {
      begin(options, name);
      onFile(`write the blob ${name}`, () => file.append(name, bytes));
    },
    async get(name, options = {}) {
      begin(options, name);
      const blob = blobs.get(name);
      if (blob === undefined) return undefined;
      const { offset, length } = rangeIn(blob, options.range);
      return onFile(`read the blob ${name}`, () => file.read({ offset: blob.offset + offset, sizeBytes: length }));
    },
    async head(name, options = {}) {
      begin(options, name);
      const blob = blobs.get(name);
      return blob && { name, sizeBytes: blob.sizeBytes };
    },
    async delete(name, options = {}) {
      begin(options, name);
      if (blobs.has(name)) onFile(`delete the blob ${name}`, () => file.append(name));
    },
    async *list(prefix, options = {}) {
      for (const name of [...blobs.keys()].filter((one) => one.startsWith(prefix)).sort()) {
        begin(options);
        const blob = blobs.get(name);
        if (blob !== undefined) yield { name, sizeBytes: blob.sizeBytes };
      }
      begin(options);
    },
    async close() {
      if (!closed) file.close();
      closed = true;
    },
  };
}
