import { sha256 } from "@noble/hashes/sha2.js";
import type { Sha256 } from "../env.js";

/** SHA-256 in plain JavaScript, about 200 MB/s: for platforms whose own one is not at hand. */
export const nobleSha256: Sha256 = (bytes) => sha256(bytes);
