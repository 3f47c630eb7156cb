import { TwinfoldError } from "../errors.js";
import { hexOf } from "./hex.js";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes of text up to which the loop is faster. */
const MAX_LOOPED = 64;

/**
 * Reads what {@link ByteWriter} wrote. Nothing is allocated from a length that the input does not hold.
 *
 * @throws {TwinfoldError} `ERR_PROTOCOL` on truncated, oversized or malformed input, from every method.
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #view: DataView | undefined;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  /** Where the next `count` bytes begin. */
  #skip(count: number): number {
    if (count > this.remaining) throw malformed(`${count} bytes expected, ${this.remaining} left`);
    const start = this.#at;
    this.#at += count;
    return start;
  }

  #take(count: number): Uint8Array {
    const start = this.#skip(count);
    return this.#bytes.subarray(start, start + count);
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
    this.#view ??= new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength);
    return this.#view.getBigInt64(this.#skip(8));
  }

  /** `count` bytes, as a view of the input. */
  raw(count: number): Uint8Array {
    return this.#take(count);
  }

  bytes(maxBytes: number): Uint8Array {
    return this.#take(this.#lengthWithin(maxBytes));
  }

  #lengthWithin(maxBytes: number): number {
    const length = this.varint();
    if (length > maxBytes) throw malformed(`${length} bytes where at most ${maxBytes} are allowed`);
    return length;
  }

  string(maxBytes: number): string {
    const length = this.#lengthWithin(maxBytes);
    const start = this.#skip(length);
    const end = start + length;
    const text = length <= MAX_LOOPED ? asciiOf(this.#bytes, start, end) : undefined;
    if (text !== undefined) return text;
    try {
      return decoder.decode(this.#bytes.subarray(start, end));
    } catch {
      throw malformed("text that is not UTF-8");
    }
  }

  hex(byteCount: number): string {
    const start = this.#skip(byteCount);
    return hexOf(this.#bytes, start, start + byteCount);
  }

  /** Checks that all input was read. */
  end(): void {
    if (this.remaining > 0) throw malformed(`${this.remaining} bytes after the end`);
  }
}

/** Most names are short ASCII, for which a call of the decoder costs more than the loop. `undefined` for other text. */
function asciiOf(bytes: Uint8Array, start: number, end: number): string | undefined {
  const codes: number[] = [];
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte > 127) return undefined;
    codes.push(byte);
  }
  return String.fromCharCode.apply(undefined, codes);
}

export function malformed(what: string): TwinfoldError {
  return new TwinfoldError("ERR_PROTOCOL", `malformed message: ${what}`);
}
