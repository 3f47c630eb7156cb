import { TwinfoldError } from "../errors.js";

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
/** The codes of the digits. */
const DIGITS = Uint8Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0));

export function bytesToHex(bytes: Uint8Array): string {
  return hexOf(bytes, 0, bytes.length);
}

/** The digits of the bytes from `start` to before `end`. Eight at a time: joined one by one they make a string that is slow to be looked up by. */
export function hexOf(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  let at = start;
  for (; at + 8 <= end; at += 8) text += eightDigits(bytes, at);
  for (; at < end; at++) text += HEX[bytes[at] as number];
  return text;
}

function eightDigits(bytes: Uint8Array, at: number): string {
  const [a, b, c, d] = [bytes[at] as number, bytes[at + 1] as number, bytes[at + 2] as number, bytes[at + 3] as number];
  const [e, f, g, h] = [bytes[at + 4] as number, bytes[at + 5] as number, bytes[at + 6] as number, bytes[at + 7] as number];
  // biome-ignore format: a digit a line says no more
  return String.fromCharCode(
    code(a >> 4), code(a), code(b >> 4), code(b), code(c >> 4), code(c), code(d >> 4), code(d),
    code(e >> 4), code(e), code(f >> 4), code(f), code(g >> 4), code(g), code(h >> 4), code(h),
  );
}

/** Of the digit that stands for the low half of `byte`. */
function code(byte: number): number {
  return DIGITS[byte & 15] as number;
}

/** @throws {TwinfoldError} `ERR_INVALID_ARGUMENT` when `text` is not an even number of hex digits. */
export function hexToBytes(text: string): Uint8Array {
  if (text.length % 2 !== 0 || /[^0-9a-fA-F]/.test(text)) {
    throw new TwinfoldError("ERR_INVALID_ARGUMENT", `not hex: ${JSON.stringify(text)}`);
  }
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
