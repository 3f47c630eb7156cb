import { malformed } from "../codec/byte-reader.js";
import { applyDelta, decodeDelta } from "../delta/delta.js";
import type { Compression } from "../env.js";
import { isTwinfoldError } from "../errors.js";
import type { Frame } from "../storage/frame.js";
import type { StoredChunk } from "../storage/pack-store.js";
import type { HeldChunks } from "./held-chunks.js";

/**
 * The chunk that a frame of codec `deflate` or `delta` stands for, not checked against its id; `undefined` when a base is not at hand.
 * Memory: the bases, at most 8 MiB, and the chunk, at most 4 MiB.
 *
 * @throws {TwinfoldError} `ERR_PROTOCOL` when it is malformed, or stands for more than it says.
 */
export async function rebuildFrame(frame: Frame, bases: HeldChunks, compression: Compression): Promise<StoredChunk | undefined> {
  const { chunkId, codec, plainBytes, payload } = frame;
  if (codec === "deflate") {
    const bytes = compression.inflate(payload, plainBytes);
    if (bytes.length !== plainBytes) throw malformed(`a deflate frame that inflates to ${bytes.length} bytes of ${plainBytes}`);
    return { chunkId, bytes, deflated: payload };
  }
  const delta = decodeDelta(payload, compression);
  try {
    return { chunkId, bytes: applyDelta(delta, await bases.read(delta.bases), plainBytes) };
  } catch (error) {
    if (isTwinfoldError(error) && error.code === "ERR_CHUNK_NOT_FOUND") return undefined;
    throw error;
  }
}
