import {
  encodeFrames,
  type Frame,
  MAX_BATCH_BYTES,
  MAX_BATCH_FRAMES,
  FRAME_HEADER_BYTES,
  MAX_MESSAGE_BYTES,
  TwinfoldError,
  decodeFrames,
  giveBackFrameRoom,
  MAX_FRAMES_BYTES,
  takeFrameRoom,
} from "@twinfold/core";

export type ByteStream = AsyncIterable<Uint8Array>;

/** Frames are sent when so many bytes of them are there: few writes, and the first one soon. */
const PIECE_BYTES = 1024 * 1024;
/** Shorter pieces are copied into one: a write costs about as much as to copy these. */
const SHORT_BYTES = 64 * 1024;

/** @throws {TwinfoldError} `ERR_TOO_LARGE` as soon as more than the longest message has come. */
export async function readMessage(body: ByteStream): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of bounded(body, MAX_MESSAGE_BYTES)) pieces.push(piece);
  const [only] = pieces;
  return only !== undefined && pieces.length === 1 ? only : Buffer.concat(pieces);
}

/**
 * Gives `use` the whole frames of a body, and throws what cut it short after that: of a client that dies on the way, what arrived is kept.
 *
 * The frames are views of a room that is used again when `use` has resolved. Memory: the body, at most {@link MAX_FRAMES_BYTES}.
 *
 * @param lengthBytes of the body, as far as it is known.
 * @throws {TwinfoldError} `ERR_TOO_LARGE` as soon as more has come than one request may carry; what was not read by then is left.
 */
export async function withFrames<T>(body: ByteStream, lengthBytes: number | undefined, use: (frames: readonly Frame[]) => Promise<T>): Promise<T> {
  const room = takeFrameRoom(Math.min(lengthBytes ?? MAX_FRAMES_BYTES, MAX_FRAMES_BYTES));
  const { frames, failure } = await readFrames(body, room);
  const answer = await use(frames);
  giveBackFrameRoom(room);
  if (failure !== undefined) throw failure;
  return answer;
}

async function readFrames(body: ByteStream, into: Uint8Array): Promise<{ readonly frames: readonly Frame[]; readonly failure: Error | undefined }> {
  const frames: Frame[] = [];
  let payloadBytes = 0;
  try {
    for await (const frame of decodeFrames(body, { into })) {
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

/**
 * The bytes of `frames` in pieces worth a write: what lies side by side goes as it lies, the rest is gathered. The first frame is awaited before
 * this resolves, so that a failure there can still be answered.
 */
export async function framesBody(frames: AsyncIterable<Frame>): Promise<AsyncGenerator<Uint8Array, void, undefined>> {
  const iterator = frames[Symbol.asyncIterator]();
  const first = await iterator.next();

  return (async function* pieces() {
    let gathered: Frame[] = [];
    let gatheredBytes = 0;
    try {
      for (let next = first; next.done !== true; next = await iterator.next()) {
        gathered.push(next.value);
        gatheredBytes += next.value.payload.length + FRAME_HEADER_BYTES;
        if (gatheredBytes < PIECE_BYTES) continue;
        yield* worthWrites(encodeFrames(gathered));
        gathered = [];
        gatheredBytes = 0;
      }
      yield* worthWrites(encodeFrames(gathered));
    } finally {
      await iterator.return?.();
    }
  })();
}

/** Short pieces joined, long ones as they are. */
function* worthWrites(pieces: Iterable<Uint8Array>): Generator<Uint8Array, void, undefined> {
  let short: Uint8Array[] = [];
  for (const piece of pieces) {
    if (piece.length < SHORT_BYTES) {
      short.push(piece);
      continue;
    }
    if (short.length > 0) yield Buffer.concat(short);
    short = [];
    yield piece;
  }
  if (short.length > 0) yield Buffer.concat(short);
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
