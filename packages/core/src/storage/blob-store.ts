import type { OperationOptions } from "../operation-options.js";

/** Part of a blob: `length` bytes from `offset`. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

export interface BlobInfo {
  readonly name: string;
  readonly sizeBytes: number;
}

/**
 * Named immutable bytes. Everything else that a sync system wants of block storage is built over this, once.
 *
 * A name is 1 to 200 characters of `a-z 0-9 . _ -` and `/`; no empty component, none that starts with a dot.
 * A store may refuse a name that is the folder of another blob's, as `a` is of `a/b`.
 *
 * - BS1 `put` is atomic and durable: when it resolves the whole blob is there and survives a crash; until then nobody sees a part of it.
 * - BS2 `put` of a name that exists replaces it, atomically. (Callers put only equal bytes; last one wins.)
 * - BS3 `get` gives the bytes of the last `put`, `undefined` for an absent name; the array is the caller's own.
 * - BS4 `get` with a range gives exactly that range; one that reaches beyond the end rejects with `ERR_INVALID_ARGUMENT`.
 * - BS5 `head` gives the size, `undefined` for an absent name.
 * - BS6 `delete` of an absent name succeeds; after it resolves `get` gives `undefined`.
 * - BS7 `list` yields every blob whose name starts with the prefix, in ascending order of names, in bounded memory. The size is that of the last `put`;
 *   of several that were under way at the same time, of one of them.
 * - BS8 An aborted call rejects with the signal's own reason.
 * - BS9 After `close` every call rejects with `ERR_CLOSED`; what was put is there when the store is opened again.
 * - BS10 A failure is a `TwinfoldError`: `ERR_STORE_UNAVAILABLE` (may succeed later), `ERR_NO_SPACE`, `ERR_PERMISSION_DENIED`,
 *   `ERR_STORE_FAILED`. Absence is reported only when the store is sure of it.
 * - BS11 A name that is not one rejects with `ERR_INVALID_ARGUMENT`.
 */
export interface BlobStore {
  put(name: string, bytes: Uint8Array, options?: OperationOptions): Promise<void>;
  get(name: string, options?: OperationOptions & { readonly range?: ByteRange | undefined }): Promise<Uint8Array | undefined>;
  head(name: string, options?: OperationOptions): Promise<BlobInfo | undefined>;
  delete(name: string, options?: OperationOptions): Promise<void>;
  list(prefix: string, options?: OperationOptions): AsyncIterable<BlobInfo>;
  close(): Promise<void>;
}
