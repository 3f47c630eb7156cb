import type { BlobInfo } from "@twinfold/core";
import type { DBSchema } from "idb";
import type { DatabaseFormat } from "./store-database.js";

/** A blob rests in pieces of this size, the last one shorter, so that a range is read without the rest. */
export const PIECE_BYTES = 256 * 1024;

export interface BlobSchema extends DBSchema {
  blobs: { key: string; value: BlobInfo };
  /** By the blob's name and the piece's place, from 0. */
  pieces: { key: [name: string, index: number]; value: Uint8Array };
}

export const BLOB_FORMAT: DatabaseFormat<BlobSchema> = {
  migrations: [
    (database) => {
      database.createObjectStore("blobs", { keyPath: "name" });
      database.createObjectStore("pieces");
    },
  ],
};

/** Keys of the pieces of a blob, or of those from `first` to `last`. */
export function pieceKeys(name: string, first = 0, last = Number.POSITIVE_INFINITY): IDBKeyRange {
  return IDBKeyRange.bound([name, first], [name, last]);
}
