import { TwinfoldError } from "../errors.js";
import { bytesToHex } from "./hex.js";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads what {@link ByteWriter} wrote. Nothing is allocated from a length that the input does not hold.
 *
 * @throws {TwinfoldError} `ERR_PROTOCOL` on truncated, oversized or malformed input, from every method.
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  #take(count: number): Uint8Array {
    if (count > this.remaining) throw malformed(`${count} bytes expected, ${this.remaining} left`);
    const slice = this.#bytes.subarray(this.#at, this.#at + count);
    this.#at += count;
    return slice;
  }

  byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw malformed("a byte expected, none left");
    this.#at += 1;
    return value;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (!Number.isSafeInteger(value)) throw malformed("integer over 2^53 - 1");
        if (byte === 0 && i > 0) throw malformed("integer not in its shortest form");
        return value;
      }
      scale *= 128;
    }
    throw malformed("integer over 2^53 - 1");
  }

  int64(): bigint {
    const slice = this.#take(8);
    return new DataView(slice.buffer, slice.byteOffset).getBigInt64(0);
  }

  /** `count` bytes, as a view of the input. */
  raw(count: number): Uint8Array {
    return this.#take(count);
  }

  bytes(maxBytes: number): Uint8Array {
    const length = this.varint();
    if (length > maxBytes) throw malformed(`${length} bytes where at most ${maxBytes} are allowed`);
    return this.#take(length);
  }

  string(maxBytes: number): string {
    const encoded = this.bytes(maxBytes);
    try {
      return decoder.decode(encoded);
    } catch {
      throw malformed("text that is not UTF-8");
    }
  }

  hex(byteCount: number): string {
    return bytesToHex(this.#take(byteCount));
  }

  /** Checks that all input was read. */
  end(): void {
    if (this.remaining > 0) throw malformed(`${this.remaining} bytes after the end`);
  }
}

export function malformed(what: string): TwinfoldError {
  return new TwinfoldError("ERR_PROTOCOL", `malformed message: ${what}`);
}
