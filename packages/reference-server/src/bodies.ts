import {
  encodeFrames,
  type Frame,
  MAX_BATCH_BYTES,
  MAX_BATCH_FRAMES,
  FRAME_HEADER_BYTES,
  MAX_MESSAGE_BYTES,
  TwinfoldError,
  decodeFrames,
} from "@twinfold/core";

export type ByteStream = AsyncIterable<Uint8Array>;

const MAX_FRAMES_BYTES = MAX_BATCH_BYTES + MAX_BATCH_FRAMES * FRAME_HEADER_BYTES;
/** Frames are sent in pieces of about this size: one write for many small ones. */
const PIECE_BYTES = 256 * 1024;

/** @throws {TwinfoldError} `ERR_TOO_LARGE` as soon as more than the longest message has come. */
export async function readMessage(body: ByteStream): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of bounded(body, MAX_MESSAGE_BYTES)) pieces.push(piece);
  const [only] = pieces;
  return only !== undefined && pieces.length === 1 ? only : Buffer.concat(pieces);
}

/** The whole frames of a body, and what cut it short: of a client that dies on the way, what arrived is kept. */
export async function readFrames(body: ByteStream): Promise<{ readonly frames: readonly Frame[]; readonly failure: Error | undefined }> {
  const frames: Frame[] = [];
  let payloadBytes = 0;
  try {
    for await (const frame of decodeFrames(bounded(body, MAX_FRAMES_BYTES))) {
      payloadBytes += frame.payload.length;
      if (payloadBytes > MAX_BATCH_BYTES || frames.length === MAX_BATCH_FRAMES)
        throw tooLarge(`${MAX_BATCH_FRAMES} frames and ${MAX_BATCH_BYTES} bytes`);
      frames.push(frame);
    }
    return { frames, failure: undefined };
  } catch (failure) {
    return { frames, failure: failure as Error }; // neither a socket nor the decoder throws anything else
  }
}

/** The bytes of `frames` in pieces worth a write. The first frame is awaited before this resolves, so that a failure there can still be answered. */
export async function framesBody(frames: AsyncIterable<Frame>): Promise<AsyncGenerator<Uint8Array, void, undefined>> {
  const iterator = frames[Symbol.asyncIterator]();
  const first = await iterator.next();

  return (async function* pieces() {
    let gathered: Uint8Array[] = [];
    let gatheredBytes = 0;
    try {
      for (let next = first; next.done !== true; next = await iterator.next()) {
        for (const bytes of encodeFrames([next.value])) {
          gathered.push(bytes);
          gatheredBytes += bytes.length;
        }
        if (gatheredBytes < PIECE_BYTES) continue;
        yield Buffer.concat(gathered, gatheredBytes);
        gathered = [];
        gatheredBytes = 0;
      }
      if (gatheredBytes > 0) yield Buffer.concat(gathered, gatheredBytes);
    } finally {
      await iterator.return?.();
    }
  })();
}

async function* bounded(body: ByteStream, maxBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  let total = 0;
  for await (const piece of body) {
    total += piece.length;
    if (total > maxBytes) throw tooLarge(`${maxBytes} bytes`);
    yield piece;
  }
}

function tooLarge(limit: string): TwinfoldError {
  return new TwinfoldError("ERR_TOO_LARGE", `the body holds more than the ${limit} that one request may carry`);
}
