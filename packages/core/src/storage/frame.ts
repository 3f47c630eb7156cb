import { ByteReader, malformed } from "../codec/byte-reader.js";
import { ByteWriter } from "../codec/byte-writer.js";
import type { ChunkId } from "../ids.js";
import { MAX_CHUNK_BYTES } from "../manifest.js";

/**
 * How a frame's payload becomes the chunk's bytes.
 *
 * `plain`: it is them · `deflate`: raw deflate (RFC 1951) · `delta`: base chunk ids and copy/insert operations ·
 * `absent`: the sender has no such chunk, or no sound copy of it; the payload is empty.
 */
export type FrameCodec = "plain" | "deflate" | "delta" | "absent";

/** One chunk on its way, in either direction and in a pack. */
export interface Frame {
  readonly chunkId: ChunkId;
  readonly codec: FrameCodec;
  /** Length of the chunk's bytes after decoding, at most {@link MAX_CHUNK_BYTES}. */
  readonly plainBytes: number;
  readonly payload: Uint8Array;
}

/** Most payload bytes in one request or answer. */
export const MAX_BATCH_BYTES = 8 * 1024 * 1024;
/** Most frames in one request or answer. */
export const MAX_BATCH_FRAMES = 4096;
/** Chunk id, codec, two lengths of four bytes. */
export const FRAME_HEADER_BYTES = 32 + 1 + 4 + 4;

const CODEC_NUMBERS: Readonly<Record<FrameCodec, number>> = { plain: 0, deflate: 1, delta: 2, absent: 255 };
const CODEC_BY_NUMBER = new Map(Object.entries(CODEC_NUMBERS).map(([name, number]) => [number, name as FrameCodec]));

/** Chunk id (32) · codec (1) · plain length (4, big-endian) · payload length (4, big-endian); the payload follows. */
export function encodeFrameHeader(frame: Omit<Frame, "payload">, payloadBytes: number): Uint8Array {
  const writer = new ByteWriter(FRAME_HEADER_BYTES);
  writer.hex(frame.chunkId);
  writer.byte(CODEC_NUMBERS[frame.codec]);
  for (const length of [frame.plainBytes, payloadBytes]) {
    for (const shift of [24, 16, 8, 0]) writer.byte((length >>> shift) & 255);
  }
  return writer.finish();
}

/** @throws {TwinfoldError} `ERR_PROTOCOL` when `header` is not exactly one header, or its codec is unknown, or does not go with its lengths. */
export function decodeFrameHeader(header: Uint8Array): Omit<Frame, "payload"> & { readonly payloadBytes: number } {
  const reader = new ByteReader(header);
  const chunkId = reader.hex(32) as ChunkId;
  const number = reader.byte();
  const codec = CODEC_BY_NUMBER.get(number);
  if (codec === undefined) throw malformed(`a frame of codec ${number}`);
  const [plainBytes, payloadBytes] = [uint32(reader), uint32(reader)];
  reader.end();
  const tooLarge = plainBytes > MAX_CHUNK_BYTES || payloadBytes > MAX_CHUNK_BYTES;
  if (tooLarge || (codec === "plain" && payloadBytes !== plainBytes) || (codec === "absent" && payloadBytes > 0)) {
    throw malformed(`a ${codec} frame of ${payloadBytes} bytes for a chunk of ${plainBytes}`);
  }
  return { chunkId, codec, plainBytes, payloadBytes };
}

function uint32(reader: ByteReader): number {
  const [a, b, c, d] = reader.raw(4) as unknown as [number, number, number, number];
  return a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d;
}

/** The bytes of frames, header and payload by turns, without copying payloads. */
export function* encodeFrames(frames: Iterable<Frame>): Generator<Uint8Array, void, undefined> {
  for (const frame of frames) {
    yield encodeFrameHeader(frame, frame.payload.length);
    if (frame.payload.length > 0) yield frame.payload;
  }
}

/**
 * Cuts a byte stream into frames as they become whole. Memory: one frame and one piece of input.
 *
 * @throws {TwinfoldError} `ERR_PROTOCOL` when the stream ends inside a frame (the frames before it were yielded), or a header is malformed.
 */
export async function* decodeFrames(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Frame, void, undefined> {
  let pieces: Uint8Array[] = [];
  let buffered = 0;
  let header: ReturnType<typeof decodeFrameHeader> | undefined;

  const take = (count: number): Uint8Array => {
    const joined = pieces.length === 1 ? (pieces[0] as Uint8Array) : concat(pieces, buffered);
    pieces = joined.length > count ? [joined.subarray(count)] : [];
    buffered -= count;
    return joined.subarray(0, count);
  };

  for await (const piece of stream) {
    if (piece.length === 0) continue;
    pieces.push(piece);
    buffered += piece.length;
    for (;;) {
      if (header === undefined) {
        if (buffered < FRAME_HEADER_BYTES) break;
        header = decodeFrameHeader(take(FRAME_HEADER_BYTES));
      }
      if (buffered < header.payloadBytes) break;
      const { payloadBytes, ...frame } = header;
      header = undefined;
      yield { ...frame, payload: take(payloadBytes) };
    }
  }
  if (header !== undefined || buffered > 0) throw malformed("the stream ended inside a frame");
}

function concat(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const joined = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}
