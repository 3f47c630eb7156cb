import { TwinfoldError } from "../../errors.js";
import type { Manifest } from "../../manifest.js";
import { encodeFrameHeader, type Frame, FRAME_HEADER_BYTES, MAX_BATCH_FRAMES } from "../../storage/frame.js";
import { giveBackFrameRoom, takeFrameRoom } from "../../storage/frame-room.js";

/** Reads a range of a file; the pieces may be views of `into`, in their places. */
export type ReadRange = (range: { readonly offset: number; readonly length: number; readonly into: Uint8Array }) => AsyncIterable<Uint8Array>;

/** The plain frames of one upload, read into one room, where they lie as they travel. */
export class FrameBatch {
  readonly frames: Frame[] = [];
  readonly #room: Uint8Array;
  #used = 0;

  /** @param sizeBytes of all that it may hold, headers included. */
  constructor(sizeBytes: number) {
    this.#room = takeFrameRoom(sizeBytes);
  }

  /** How many of the first of `entries` can be added. */
  fitting(entries: Manifest, mostBytes: number): number {
    let used = this.#used;
    const most = Math.min(entries.length, MAX_BATCH_FRAMES - this.frames.length);
    for (let count = 0; count < most; count++) {
      used += FRAME_HEADER_BYTES + (entries[count]?.lengthBytes ?? 0);
      if (used > mostBytes || used > this.#room.length) return count;
    }
    return most;
  }

  /**
   * Adds neighbouring chunks of a file, in one read; none when that fails.
   *
   * @throws {TwinfoldError} `ERR_LOCAL_CHANGED` when there are not as many bytes; and what `read` throws.
   */
  async add(entries: Manifest, offset: number, read: ReadRange): Promise<void> {
    const length = entries.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
    const start = this.#used;
    // They are read to where the last one stays; the headers before them move the others towards the start.
    let from = start + entries.length * FRAME_HEADER_BYTES;
    await readInto(this.#room.subarray(from, from + length), read, offset);
    let at = start;
    for (const { chunkId, lengthBytes } of entries) {
      const header = { chunkId, codec: "plain", plainBytes: lengthBytes } as const;
      this.#room.copyWithin(at + FRAME_HEADER_BYTES, from, from + lengthBytes);
      this.#room.set(encodeFrameHeader(header, lengthBytes), at);
      from += lengthBytes;
      at += FRAME_HEADER_BYTES;
      this.frames.push({ ...header, payload: this.#room.subarray(at, at + lengthBytes) });
      at += lengthBytes;
    }
    this.#used = at;
  }

  /** Its frames are not used any longer, by anybody. */
  giveBack(): void {
    giveBackFrameRoom(this.#room);
  }
}

async function readInto(into: Uint8Array, read: ReadRange, offset: number): Promise<void> {
  let at = 0;
  for await (const piece of read({ offset, length: into.length, into })) {
    const isInPlace = piece.buffer === into.buffer && piece.byteOffset === into.byteOffset + at;
    if (!isInPlace && at + piece.length <= into.length) into.set(piece, at);
    at += piece.length;
  }
  if (at !== into.length)
    throw new TwinfoldError("ERR_LOCAL_CHANGED", `${at} bytes came where ${into.length} were read: the file changed; look again`);
}
