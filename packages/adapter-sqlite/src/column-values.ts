/* Ids are hex in programs and blobs in tables: half the bytes in every index. */

export function idBlob(id: string): Uint8Array {
  return Buffer.from(id, "hex");
}

export function idFrom<T extends string>(blob: Uint8Array): T {
  return (blob as Buffer).toString("hex") as T;
}

/** A blob as callers expect it: `slice` of a Buffer would share its memory. */
export function bytesFrom(blob: Uint8Array): Uint8Array {
  return new Uint8Array(blob.buffer, blob.byteOffset, blob.length);
}

/** Of a statement whose LIMIT is a parameter: with a bare `?` SQLite plans anew at each call, since a small limit might make another plan better. */
export const LIMIT = "LIMIT (? + 0)";

/** SQLite takes integers only. */
export function limitValue(limit: number): number {
  return Math.min(limit, Number.MAX_SAFE_INTEGER);
}
