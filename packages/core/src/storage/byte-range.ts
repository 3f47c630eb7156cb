import { TwinfoldError } from "../errors.js";
import type { BlobInfo, ByteRange } from "./blob-store.js";

/**
 * The part of a blob that is asked for, all of it by default, once it is known to lie in the blob (BS4).
 *
 * @throws {TwinfoldError} `ERR_INVALID_ARGUMENT`.
 */
export function rangeIn({ name, sizeBytes }: BlobInfo, range: ByteRange = { offset: 0, length: sizeBytes }): ByteRange {
  const { offset, length } = range;
  if (Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0 && offset + length <= sizeBytes) return range;
  throw new TwinfoldError("ERR_INVALID_ARGUMENT", `the blob ${name} has ${sizeBytes} bytes; ${length} from ${offset} are not in it`);
}
