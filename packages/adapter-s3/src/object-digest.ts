import { createHash } from "node:crypto";

/** Each object carries the SHA-256 of its bytes under this name in its metadata, as 64 hex digits. */
export const SHA256_KEY = "sha256";

export function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
