import { malformed } from "../codec/byte-reader.js";
import { bytes, decode, encode, id, list, struct, union, varint } from "../codec/codec.js";
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

const deltaCodec = struct<Delta>({
  bases: list(id<ChunkId>(32), MAX_DELTA_BASES),
  operations: list(
    union<DeltaOperation>({
      copy: { tag: 1, fields: struct({ base: varint, offsetBytes: varint, lengthBytes: varint }) },
      insert: { tag: 2, fields: struct({ bytes: bytes(MAX_CHUNK_BYTES) }) },
    }),
    MAX_CHUNK_BYTES,
  ),
});

export function encodeDelta(delta: Delta): Uint8Array {
  return encode(deltaCodec, delta);
}

/**
 * The delta in a frame's payload; its `bases` say which chunks {@link applyDelta} needs.
 *
 * @throws {TwinfoldError} `ERR_PROTOCOL` when it is malformed, names a base twice, has an operation that adds nothing or more than a chunk's bytes.
 */
export function decodeDelta(payload: Uint8Array): Delta {
  const delta = decode(deltaCodec, payload);
  if (new Set(delta.bases).size < delta.bases.length) throw malformed("a delta that names a base twice");
  let totalBytes = 0;
  for (const operation of delta.operations) {
    const length = lengthOf(operation);
    if (length === 0) throw malformed("a delta with an operation that adds nothing");
    if (operation.kind === "copy" && operation.base >= delta.bases.length)
      throw malformed(`a copy from base ${operation.base} of ${delta.bases.length}`);
    totalBytes += length;
    if (totalBytes > MAX_CHUNK_BYTES) throw malformed("a delta of more than a chunk's bytes");
  }
  return delta;
}

/**
 * The chunk that `delta` stands for. The caller checks its SHA-256: a delta made from sketches can be wrong.
 *
 * Everything is checked before the chunk, at most 4 MiB, is made.
 *
 * @param plainBytes the chunk's length, as the frame's header gives it.
 * @throws {TwinfoldError} `ERR_PROTOCOL` when the operations do not fit the bases or `plainBytes`, or the bases are over {@link MAX_DELTA_BASE_BYTES};
 *   `ERR_CHUNK_NOT_FOUND` when `bases` lacks one. Of a payload, not a `Delta`, also as {@link decodeDelta}.
 */
export function applyDelta(delta: Delta | Uint8Array, bases: ReadonlyMap<ChunkId, Uint8Array>, plainBytes: number): Uint8Array {
  const { bases: baseIds, operations } = delta instanceof Uint8Array ? decodeDelta(delta) : delta;
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
  const chunk = new Uint8Array(totalBytes);
  let at = 0;
  for (const piece of pieces) {
    chunk.set(piece, at);
    at += piece.length;
  }
  return chunk;
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
  finish(): Uint8Array | undefined {
    this.insertUntil(this.#target.length);
    if (this.#bases.length === 0) return undefined;
    const payload = encodeDelta({ bases: this.#bases, operations: this.#operations });
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

function sumOf<T>(items: readonly T[], sizeOf: (item: T) => number): number {
  return items.reduce((sum, item) => sum + sizeOf(item), 0);
}
