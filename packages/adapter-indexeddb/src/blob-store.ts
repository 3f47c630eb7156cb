import { type BlobInfo, type BlobStore, type ByteRange, checkBlobName, TwinfoldError } from "@twinfold/core";
import { BLOB_FORMAT, type BlobSchema, PIECE_BYTES, pieceKeys } from "./blob-format.js";
import { send, StoreDatabase } from "./store-database.js";

/** Blobs that `list` reads at a time. */
const PAGE_BLOBS = 1_000;

/** Greater than every character of a blob's name. */
const AFTER_ALL = "\uffff";

export interface IdbBlobStoreOptions {
  /** Tells this site's blob stores apart. The database is called `twinfold-blobs:` and this name. */
  readonly name: string;
}

/**
 * Keeps blobs in IndexedDB, for pages and workers; several tabs may use one store at a time.
 *
 * A `get` holds the range that was asked for and up to two pieces of 256 KiB in memory, not the blob.
 *
 * @throws {TwinfoldError} `ERR_NEWER_FORMAT`, `ERR_IN_USE` when another tab keeps an older format open, `ERR_PERMISSION_DENIED` when the
 *   browser forbids the site to store data, `ERR_STORE_FAILED`.
 */
export async function createIdbBlobStore({ name: storeName }: IdbBlobStoreOptions): Promise<BlobStore> {
  const database = await StoreDatabase.open<BlobSchema>(`twinfold-blobs:${storeName}`, BLOB_FORMAT);

  return {
    async put(name, bytes, { signal } = {}) {
      checkBlobName(name);
      await database.write(
        `writing the blob ${name} to`,
        async (transaction) => {
          const pieces = transaction.objectStore("pieces");
          send(pieces.delete(pieceKeys(name)));
          for (const [index, piece] of cut(bytes).entries()) send(pieces.put(piece, [name, index]));
          send(transaction.objectStore("blobs").put({ name, sizeBytes: bytes.length }));
        },
        signal,
      );
    },
    async get(name, { range, signal } = {}) {
      checkBlobName(name);
      return await database.read(
        `reading the blob ${name} from`,
        async (transaction) => {
          const blob = await transaction.objectStore("blobs").get(name);
          if (blob === undefined) return undefined;
          const wanted = checkedRange(blob, range);
          if (wanted.length === 0) return new Uint8Array(0);
          const first = Math.floor(wanted.offset / PIECE_BYTES);
          const last = Math.floor((wanted.offset + wanted.length - 1) / PIECE_BYTES);
          return join(
            await transaction.objectStore("pieces").getAll(pieceKeys(name, first, last)),
            wanted.offset - first * PIECE_BYTES,
            wanted.length,
          );
        },
        signal,
      );
    },
    async head(name, { signal } = {}) {
      checkBlobName(name);
      return await database.read(`looking up the blob ${name} in`, async (transaction) => transaction.objectStore("blobs").get(name), signal);
    },
    async delete(name, { signal } = {}) {
      checkBlobName(name);
      await database.write(
        `deleting the blob ${name} from`,
        async (transaction) => {
          send(transaction.objectStore("blobs").delete(name));
          send(transaction.objectStore("pieces").delete(pieceKeys(name)));
        },
        signal,
      );
    },
    async *list(prefix, { signal } = {}) {
      let after = prefix;
      let page: BlobInfo[];
      do {
        const names = IDBKeyRange.bound(after, prefix + AFTER_ALL, after !== prefix);
        page = await database.read("listing the blobs of", async (transaction) => transaction.objectStore("blobs").getAll(names, PAGE_BLOBS), signal);
        for (const blob of page) {
          signal?.throwIfAborted();
          yield blob;
          after = blob.name;
        }
      } while (page.length === PAGE_BLOBS);
    },
    close: () => database.close(),
  };
}

function checkedRange({ name, sizeBytes }: BlobInfo, range: ByteRange = { offset: 0, length: sizeBytes }): ByteRange {
  const { offset, length } = range;
  if (Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0 && offset + length <= sizeBytes) return range;
  throw new TwinfoldError("ERR_INVALID_ARGUMENT", `cannot read ${length} bytes at ${offset} of the blob ${name}, which has ${sizeBytes}`);
}

/** Copies, each alone in its buffer: IndexedDB stores the whole buffer of an array. */
function cut(bytes: Uint8Array): Uint8Array[] {
  return Array.from(
    { length: Math.ceil(bytes.length / PIECE_BYTES) },
    (_, index) => new Uint8Array(bytes.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES)),
  );
}

/** `length` bytes of the pieces, from `offset`. */
function join(pieces: readonly Uint8Array[], offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = -offset;
  for (const piece of pieces) {
    bytes.set(piece.subarray(Math.max(0, -at), length - at), Math.max(0, at));
    at += piece.length;
  }
  if (at < length) throw new Error("some of its pieces are missing; delete the blob and put it again");
  return bytes;
}
