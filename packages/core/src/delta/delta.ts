import { malformed } from "../codec/byte-reader.js";
import { bytes, decode, encode, id, list, struct, union, varint } from "../codec/codec.js";
import type { Compression } from "../env.js";
import { TwinfoldError } from "../errors.js";
import type { ChunkId } from "../ids.js";
import { MAX_CHUNK_BYTES } from "../manifest.js";

/** A piece of the chunk: a range of one of the bases (by its place in the list), or bytes as they are. Never empty. */
export type DeltaOperation =
  | { readonly kind: "copy"; readonly base: number; readonly offsetBytes: number; readonly lengthBytes: number }
  | { readonly kind: "insert"; readonly bytes: Uint8Array };

/** A chunk told by chunks that the receiver has: the payload of a frame with codec `delta`. */
export interface Delta {
  readonly bases: readonly ChunkId[];
  readonly operations: readonly DeltaOperation[];
}

/** Most base chunks of one delta. */
export const MAX_DELTA_BASES = 64;
/** Most bytes of all its bases together: bounds what a receiver holds at once. */
export const MAX_DELTA_BASE_BYTES = 8 * 1024 * 1024;

/** Most operations of one delta: bounds what its decoding takes to about 5 MiB. A sender with more sends the chunk otherwise. */
export const MAX_DELTA_OPERATIONS = 65_536;
/** Fewer inserted bytes gain nothing by deflate. */
const MIN_DEFLATED_BYTES = 64;

/** As it travels: the inserts stand together behind the operations, so that they can be compressed as one. */
interface StoredDelta {
  readonly bases: readonly ChunkId[];
  readonly operations: readonly StoredOperation[];
  readonly inserts: StoredInserts;
}
type StoredOperation = Extract<DeltaOperation, { kind: "copy" }> | { readonly kind: "insert"; readonly lengthBytes: number };
type StoredInserts = { readonly kind: "plain"; readonly bytes: Uint8Array } | { readonly kind: "deflate"; readonly bytes: Uint8Array };

const insertedBytes = struct<{ readonly bytes: Uint8Array }>({ bytes: bytes(MAX_CHUNK_BYTES) });

const deltaCodec = struct<StoredDelta>({
  bases: list(id<ChunkId>(32), MAX_DELTA_BASES),
  operations: list(
    union<StoredOperation>({
      copy: { tag: 1, fields: struct({ base: varint, offsetBytes: varint, lengthBytes: varint }) },
      insert: { tag: 2, fields: struct({ lengthBytes: varint }) },
    }),
    MAX_DELTA_OPERATIONS,
  ),
  inserts: union<StoredInserts>({ plain: { tag: 1, fields: insertedBytes }, deflate: { tag: 2, fields: insertedBytes } }),
});

/** With `compression` the inserts are deflated where that is smaller. */
export function encodeDelta({ bases, operations }: Delta, compression?: Compression): Uint8Array {
  const inserted = joined(operations.flatMap((operation) => (operation.kind === "insert" ? [operation.bytes] : [])));
  const deflated = inserted.length < MIN_DEFLATED_BYTES ? undefined : compression?.deflate(inserted);
  return encode(deltaCodec, {
    bases,
    operations: operations.map(
      (operation): StoredOperation => (operation.kind === "copy" ? operation : { kind: "insert", lengthBytes: operation.bytes.length }),
    ),
    inserts: deflated !== undefined && deflated.length < inserted.length ? { kind: "deflate", bytes: deflated } : { kind: "plain", bytes: inserted },
  });
}

/**
 * The delta in a frame's payload; its `bases` say which chunks {@link applyDelta} needs. No more is inflated than its operations insert.
 *
 * @throws {TwinfoldError} `ERR_PROTOCOL` when it is malformed, names a base twice, has an operation that adds nothing, more than a chunk's bytes, or other
 *   inserts than its operations say.
 */
export function decodeDelta(payload: Uint8Array, compression: Compression): Delta {
  const { bases, operations, inserts } = decode(deltaCodec, payload);
  if (new Set(bases).size < bases.length) throw malformed("a delta that names a base twice");
  let totalBytes = 0;
  let insertedBytes = 0;
  for (const operation of operations) {
    const { kind, lengthBytes } = operation;
    if (lengthBytes === 0) throw malformed("a delta with an operation that adds nothing");
    if (kind === "copy" && operation.base >= bases.length) throw malformed(`a copy from base ${operation.base} of ${bases.length}`);
    if (kind === "insert") insertedBytes += lengthBytes;
    totalBytes += lengthBytes;
    if (totalBytes > MAX_CHUNK_BYTES) throw malformed("a delta of more than a chunk's bytes");
  }
  const inserted = inserts.kind === "plain" ? inserts.bytes : compression.inflate(inserts.bytes, insertedBytes);
  if (inserted.length !== insertedBytes) throw malformed(`a delta with ${inserted.length} bytes to insert ${insertedBytes}`);
  let at = 0;
  return {
    bases,
    operations: operations.map((operation): DeltaOperation => {
      if (operation.kind === "copy") return operation;
      at += operation.lengthBytes;
      return { kind: "insert", bytes: inserted.subarray(at - operation.lengthBytes, at) };
    }),
  };
}

/**
 * The chunk that `delta` stands for. The caller checks its SHA-256: a delta made from sketches can be wrong.
 *
 * Everything is checked before the chunk, at most 4 MiB, is made.
 *
 * @param plainBytes the chunk's length, as the frame's header gives it.
 * @throws {TwinfoldError} `ERR_PROTOCOL` when the operations do not fit the bases or `plainBytes`, or the bases are over {@link MAX_DELTA_BASE_BYTES};
 *   `ERR_CHUNK_NOT_FOUND` when `bases` lacks one.
 */
export function applyDelta({ bases: baseIds, operations }: Delta, bases: ReadonlyMap<ChunkId, Uint8Array>, plainBytes: number): Uint8Array {
  const sources = baseIds.map((chunkId) => {
    const source = bases.get(chunkId);
    if (source === undefined) throw new TwinfoldError("ERR_CHUNK_NOT_FOUND", `no chunk ${chunkId}, which a delta is based on`);
    return source;
  });
  if (sumOf(sources, (source) => source.length) > MAX_DELTA_BASE_BYTES) throw malformed("a delta of bases that are too large together");
  const totalBytes = sumOf(operations, lengthOf);
  if (totalBytes !== plainBytes || totalBytes > MAX_CHUNK_BYTES) throw malformed(`a delta of ${totalBytes} bytes for a chunk of ${plainBytes}`);
  const pieces = operations.map((operation) => {
    if (operation.kind === "insert") return operation.bytes;
    const { base, offsetBytes, lengthBytes } = operation;
    const piece = sources[base]?.subarray(offsetBytes, offsetBytes + lengthBytes);
    if (piece?.length !== lengthBytes) throw malformed("a copy beyond the end of its base chunk");
    return piece;
  });
  return joined(pieces);
}

/** Collects operations for one chunk, joins neighbours, and lists only the bases that are used. */
export class DeltaBuilder {
  readonly #bases: ChunkId[] = [];
  readonly #operations: DeltaOperation[] = [];
  readonly #target: Uint8Array;
  #at = 0;

  constructor(target: Uint8Array) {
    this.#target = target;
  }

  /** Where in the target the operations have come to. */
  get at(): number {
    return this.#at;
  }

  /** Inserts the target's own bytes up to `end`. */
  insertUntil(end: number): void {
    if (end > this.#at) this.#operations.push({ kind: "insert", bytes: this.#target.subarray(this.#at, end) });
    this.#at = Math.max(this.#at, end);
  }

  copy(chunkId: ChunkId, offsetBytes: number, lengthBytes: number): void {
    const base = this.#indexOf(chunkId);
    const last = this.#operations.at(-1);
    if (last?.kind === "copy" && last.base === base && last.offsetBytes + last.lengthBytes === offsetBytes) {
      this.#operations[this.#operations.length - 1] = { ...last, lengthBytes: last.lengthBytes + lengthBytes };
    } else {
      this.#operations.push({ kind: "copy", base, offsetBytes, lengthBytes });
    }
    this.#at += lengthBytes;
  }

  /** The payload; `undefined` when it is not smaller than the target. */
  finish(compression?: Compression): Uint8Array | undefined {
    this.insertUntil(this.#target.length);
    if (this.#bases.length === 0 || this.#operations.length > MAX_DELTA_OPERATIONS) return undefined;
    const payload = encodeDelta({ bases: this.#bases, operations: this.#operations }, compression);
    return payload.length < this.#target.length ? payload : undefined;
  }

  #indexOf(chunkId: ChunkId): number {
    const index = this.#bases.indexOf(chunkId);
    return index >= 0 ? index : this.#bases.push(chunkId) - 1;
  }
}

function lengthOf(operation: DeltaOperation): number {
  return operation.kind === "insert" ? operation.bytes.length : operation.lengthBytes;
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(sumOf(pieces, (piece) => piece.length));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function sumOf<T>(items: readonly T[], sizeOf: (item: T) => number): number {
  return items.reduce((sum, item) => sum + sizeOf(item), 0);
}
