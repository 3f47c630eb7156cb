import { ByteReader, malformed } from "../codec/byte-reader.js";
import { ByteWriter } from "../codec/byte-writer.js";
import { TwinfoldError } from "../errors.js";
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

/**
 * The bytes of frames, without a copy of their payloads.
 *
 * Frames that lie side by side in memory as they travel, as those of a pack and of an upload do, are one piece: nobody has to be told that they do,
 * for the bytes before each payload are looked at.
 */
export function* encodeFrames(frames: Iterable<Frame>): Generator<Uint8Array, void, undefined> {
  let run: Uint8Array | undefined;
  for (const frame of frames) {
    for (const piece of piecesOf(frame)) {
      if (run !== undefined && run.buffer === piece.buffer && run.byteOffset + run.length === piece.byteOffset) {
        run = new Uint8Array(run.buffer, run.byteOffset, run.length + piece.length);
        continue;
      }
      if (run !== undefined) yield run;
      run = piece;
    }
  }
  if (run !== undefined) yield run;
}

/** Header and payload; in one piece when that very header lies before the payload. */
function piecesOf(frame: Frame): readonly Uint8Array[] {
  const { payload } = frame;
  const header = encodeFrameHeader(frame, payload.length);
  if (payload.length === 0) return [header];
  const start = payload.byteOffset - header.length;
  if (start < 0) return [header, payload];
  const whole = new Uint8Array(payload.buffer, start, header.length + payload.length);
  return header.every((byte, at) => byte === whole[at]) ? [whole] : [header, payload];
}

export interface DecodeOptions {
  /**
   * Room that the frames are put into one after another, as they come. Their payloads are views of it, good until it is filled anew.
   *
   * @default an array of its own for each frame
   */
  readonly into?: Uint8Array | undefined;
}

/**
 * Cuts a byte stream into frames as they become whole; each byte is copied once. Memory: one frame, or what is read into, and one piece of input.
 *
 * @throws {TwinfoldError} `ERR_PROTOCOL` when the stream ends inside a frame (the frames before it were yielded), or a header is malformed,
 * `ERR_TOO_LARGE` when more comes than `into` holds.
 */
export async function* decodeFrames(stream: AsyncIterable<Uint8Array>, { into }: DecodeOptions = {}): AsyncGenerator<Frame, void, undefined> {
  let header: ReturnType<typeof decodeFrameHeader> | undefined;
  /** Where the header that comes, or the payload, is put; shorter than it at the end of the room. */
  let coming: Uint8Array | undefined;
  let filled = 0;
  let used = 0;

  for await (const piece of stream) {
    for (let at = 0; at < piece.length; ) {
      const wanted = header?.payloadBytes ?? FRAME_HEADER_BYTES;
      coming ??= into === undefined ? new Uint8Array(wanted) : into.subarray(used, used + wanted);
      if (filled === coming.length) throw new TwinfoldError("ERR_TOO_LARGE", "more bytes of frames came than were asked for, or may come at once");
      const count = Math.min(coming.length - filled, piece.length - at);
      coming.set(piece.subarray(at, at + count), filled);
      at += count;
      filled += count;
      if (filled < wanted) continue;
      used += wanted;
      let payload = coming;
      coming = undefined;
      filled = 0;
      if (header === undefined) {
        header = decodeFrameHeader(payload);
        if (header.payloadBytes > 0) continue;
        payload = NO_BYTES;
      }
      const { payloadBytes, ...frame } = header;
      header = undefined;
      yield { ...frame, payload };
    }
  }
  if (header !== undefined || filled > 0) throw malformed("the stream ended inside a frame");
}

const NO_BYTES = new Uint8Array(0);
