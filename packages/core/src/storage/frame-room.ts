import { FRAME_HEADER_BYTES, MAX_BATCH_BYTES, MAX_BATCH_FRAMES } from "./frame.js";

/** First bytes of every pack. They lie before every room, so that frames that come into one, or are made there, are a pack as they lie. */
export const PACK_MAGIC = new TextEncoder().encode("TWNFPCK1");

/** All frames that one request or answer may carry. */
export const MAX_FRAMES_BYTES = MAX_BATCH_BYTES + MAX_BATCH_FRAMES * FRAME_HEADER_BYTES;
/** A smaller one is made and forgotten: to clear it takes about as long as to find a used one. */
const MIN_KEPT_BYTES = 256 * 1024;

/**
 * As many as one replica uses at once, each way. A process keeps so many for good, of which it has touched 4 MiB each as a client: were they left to the
 * garbage collector, each collection would take them, and the new ones in their place would bring the next one about.
 */
const MAX_KEPT = 4;

const used: Uint8Array[] = [];

/**
 * Room for `sizeBytes` of frames, at most {@link MAX_FRAMES_BYTES}; it may be longer, and holds what it held when it was used before.
 *
 * New arrays are not free: V8 collects all garbage for every 16 MiB or so of them (measured, Node 20), which for bytes that pass by costs more than to copy and to hash them.
 */
export function takeFrameRoom(sizeBytes: number): Uint8Array {
  if (sizeBytes < MIN_KEPT_BYTES) return newRoom(sizeBytes);
  return used.pop() ?? newRoom(MAX_FRAMES_BYTES);
}

/** The room may be given to others from now on: no view of it is good any longer. One that somebody may still read or write is left to the garbage collector instead. */
export function giveBackFrameRoom(room: Uint8Array): void {
  if (room.length === MAX_FRAMES_BYTES && used.length < MAX_KEPT) used.push(room);
}

function newRoom(sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(PACK_MAGIC.length + sizeBytes);
  bytes.set(PACK_MAGIC);
  return bytes.subarray(PACK_MAGIC.length);
}
