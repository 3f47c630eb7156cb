import { TwinfoldError } from "../errors.js";

/** Longest name of a blob, in characters. */
export const MAX_BLOB_NAME_LENGTH = 200;

const BLOB_NAME = /^[a-z0-9_-][a-z0-9._-]*(?:\/[a-z0-9_-][a-z0-9._-]*)*$/;

/** True for what {@link checkBlobName} accepts: a listing leaves out what others put beside the blobs. */
export function isBlobName(name: string): boolean {
  return name.length <= MAX_BLOB_NAME_LENGTH && BLOB_NAME.test(name);
}

/**
 * Checks the name of a blob, as every BlobStore does before anything else (BS11).
 *
 * @throws {TwinfoldError} `ERR_INVALID_ARGUMENT`.
 */
export function checkBlobName(name: string): void {
  if (!isBlobName(name)) {
    throw new TwinfoldError(
      "ERR_INVALID_ARGUMENT",
      `a blob's name is 1 to ${MAX_BLOB_NAME_LENGTH} of a-z 0-9 . _ - and /, no component empty or starting with a dot; got ${JSON.stringify(name)}`,
    );
  }
}
