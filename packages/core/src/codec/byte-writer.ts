import { TwinfoldError } from "../errors.js";

const encoder = new TextEncoder();

/** Builds a binary message; grows as needed. Integers are unsigned LEB128 varints up to 2^53 − 1, the rest is big-endian. */
export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView | undefined;
  #length = 0;

  constructor(capacityBytes = 256) {
    this.#bytes = new Uint8Array(capacityBytes);
  }

  get length(): number {
    return this.#length;
  }

  #reserve(count: number): number {
    const at = this.#length;
    const needed = at + count;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
    }
    this.#length = needed;
    return at;
  }

  byte(value: number): void {
    const at = this.#reserve(1);
    this.#bytes[at] = value;
  }

  varint(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new TwinfoldError("ERR_INVALID_ARGUMENT", `a length or counter must be an integer from 0 to 2^53 - 1, got ${value}`);
    }
    let rest = value;
    while (rest > 127) {
      this.byte((rest % 128) + 128);
      rest = Math.floor(rest / 128);
    }
    this.byte(rest);
  }

  int64(value: bigint): void {
    const at = this.#reserve(8);
    if (this.#view?.buffer !== this.#bytes.buffer) this.#view = new DataView(this.#bytes.buffer);
    this.#view.setBigInt64(at, value);
  }

  /** Bytes without a length: the reader knows it. */
  raw(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  bytes(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  string(text: string): void {
    if (text.length < 128 && this.#ascii(text)) return;
    this.bytes(encoder.encode(text));
  }

  /** Most names are short ASCII, for which a call of the encoder costs more than the loop. `false`, and nothing written, when `text` is other text. */
  #ascii(text: string): boolean {
    const start = this.#length;
    const at = this.#reserve(text.length + 1);
    this.#bytes[at] = text.length;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 127) {
        this.#length = start;
        return false;
      }
      this.#bytes[at + 1 + i] = code;
    }
    return true;
  }

  /** Lower-case hex digits, written as the bytes that they stand for, without a length. */
  hex(text: string): void {
    const at = this.#reserve(text.length / 2);
    for (let i = 0; i < text.length / 2; i++) {
      this.#bytes[at + i] = (hexDigit(text.charCodeAt(2 * i)) << 4) | hexDigit(text.charCodeAt(2 * i + 1));
    }
  }

  /** Begins the next message. */
  clear(): void {
    this.#length = 0;
  }

  /** The message, in an array of its own. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

function hexDigit(code: number): number {
  return code <= 57 ? code - 48 : code - 87;
}
