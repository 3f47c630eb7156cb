import { FRAME_HEADER_BYTES, MAX_BATCH_BYTES, MAX_BATCH_FRAMES } from "./frame.js";

/** First bytes of every pack. They lie before every room, so that frames that come into one, or are made there, are a pack as they lie. */
export const PACK_MAGIC = new TextEncoder().encode("TWNFPCK1");

/** All frames that one request or answer may carry. */
export const MAX_FRAMES_BYTES = MAX_BATCH_BYTES + MAX_BATCH_FRAMES * FRAME_HEADER_BYTES;
/** A smaller one is made and forgotten: to clear it takes about as long as to find a used one. */
const MIN_KEPT_BYTES = 256 * 1024;

/** Used ones, until the garbage collector takes them: a process that has nothing to do keeps none. */
const used: Array<WeakRef<Uint8Array>> = [];

/**
 * Room for `sizeBytes` of frames, at most {@link MAX_FRAMES_BYTES}; it may be longer, and holds what it held when it was used before.
 *
 * New arrays are not free: V8 collects all garbage for every 64 MiB of them (measured, Node 20), which for bytes that pass by costs more than to copy and to hash them.
 */
export function takeFrameRoom(sizeBytes: number): Uint8Array {
  if (sizeBytes < MIN_KEPT_BYTES) return newRoom(sizeBytes);
  for (let last = used.pop(); last !== undefined; last = used.pop()) {
    const room = last.deref();
    if (room !== undefined) return room;
  }
  return newRoom(MAX_FRAMES_BYTES);
}

/** The room may be given to others from now on: no view of it is good any longer. One that somebody may still read or write is left to the garbage collector instead. */
export function giveBackFrameRoom(room: Uint8Array): void {
  if (room.length === MAX_FRAMES_BYTES) used.push(new WeakRef(room));
}

function newRoom(sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(PACK_MAGIC.length + sizeBytes);
  bytes.set(PACK_MAGIC);
  return bytes.subarray(PACK_MAGIC.length);
}
