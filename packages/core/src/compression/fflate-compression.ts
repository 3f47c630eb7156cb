import { deflateSync, Inflate } from "fflate";
import type { Compression, Env } from "../env.js";
import { TwinfoldError } from "../errors.js";

/** Deflate makes at most 1,032 bytes of one, so that no more than 264 KiB are made before the bound is looked at. Source: RFC 1951, a match of 258 bytes in two bits. */
const PIECE_BYTES = 256;

/** In plain JavaScript: for platforms whose own deflate is not at hand, or waits. */
export const fflateCompression: Compression = {
  deflate: (bytes) => deflateSync(bytes, { level: 1 }),
  inflate(bytes, maxBytes) {
    const pieces: Uint8Array[] = [];
    let length = 0;
    const inflater = new Inflate((piece) => {
      length += piece.length;
      if (length > maxBytes) throw new TwinfoldError("ERR_PROTOCOL", `compressed bytes stand for more than the ${maxBytes} that are allowed here`);
      pieces.push(piece);
    });
    try {
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
        inflater.push(bytes.subarray(at, at + PIECE_BYTES), at + PIECE_BYTES >= bytes.length);
      }
    } catch (cause) {
      if (cause instanceof TwinfoldError) throw cause;
      throw new TwinfoldError("ERR_PROTOCOL", "compressed bytes are malformed", { cause });
    }
    const whole = new Uint8Array(length);
    let at = 0;
    for (const piece of pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  },
};

export function compressionOf({ compression = fflateCompression }: Pick<Env, "compression">): Compression {
  return compression;
}
