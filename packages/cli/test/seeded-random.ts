import { createCipheriv, createHash } from "node:crypto";

export interface SeededRandom {
  /** An integer from 0 to `bound` − 1. */
  below(bound: number): number;
  bytes(length: number): Buffer;
}

/** Random numbers that come again with the same seed: AES-256-CTR over zeros. */
export function seededRandom(seed: number): SeededRandom {
  const stream = createCipheriv("aes-256-ctr", createHash("sha256").update(String(seed)).digest(), Buffer.alloc(16));
  const bytes = (length: number): Buffer => stream.update(Buffer.alloc(length));
  return { bytes, below: (bound) => bytes(4).readUInt32BE() % bound };
}
