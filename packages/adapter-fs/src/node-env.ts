import { hash, randomBytes, randomFillSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { uptime } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { type Compression, type Env, type Sha256, TwinfoldError } from "@twinfold/core";

/** The machine's own clock, randomness, timers, SHA-256 and deflate. */
export function createNodeEnv(): Env {
  return {
    nowMs: Date.now,
    monotonicMs: () => performance.now(),
    randomBytes: createRandomBytes(),
    async sleep(ms, signal) {
      try {
        await sleep(ms, undefined, { signal });
      } catch (error) {
        signal?.throwIfAborted();
        throw error;
      }
    },
    sha256: nodeSha256,
    compression: nodeCompression,
    bootId: readBootId(),
  };
}

/** Asked for at once, as `crypto.randomUUID` does: 16 bytes take 4.7 µs alone, and 0.2 µs as a part of so many (measured, Node 20). */
const RANDOM_POOL_BYTES = 4 * 1024;
/** As much as an id or a key has. */
const MAX_POOLED_BYTES = 64;

function createRandomBytes(): Env["randomBytes"] {
  const pool = new Uint8Array(RANDOM_POOL_BYTES);
  let used = pool.length;
  return (length) => {
    if (length > MAX_POOLED_BYTES) return bytesOf(randomBytes(length));
    if (used + length > pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    const given = pool.slice(used, used + length);
    pool.fill(0, used, used + length); // nobody else is to find them here
    used += length;
    return given;
  };
}

/** In one call: 3 µs less for each small chunk than a Hash object. */
export const nodeSha256: Sha256 = (bytes) => bytesOf(hash("sha256", bytes, "buffer"));

/** zlib's, at once: level 1 does 213 MB/s of text on one core, and 652 MB/s back. */
const nodeCompression: Compression = {
  deflate: (bytes) => bytesOf(deflateRawSync(bytes, { level: 1 })),
  inflate(bytes, maxBytes) {
    try {
      // Node takes no bound of 0.
      const inflated = inflateRawSync(bytes, { maxOutputLength: Math.max(1, maxBytes) });
      if (inflated.length <= maxBytes) return bytesOf(inflated);
    } catch (cause) {
      throw new TwinfoldError("ERR_PROTOCOL", `compressed bytes are malformed, or stand for more than the ${maxBytes} that are allowed here`, {
        cause,
      });
    }
    throw new TwinfoldError("ERR_PROTOCOL", `compressed bytes stand for more than the ${maxBytes} that are allowed here`);
  },
};

/** A plain array: a Buffer compares and prints otherwise, and may be a view of a shared pool. */
function bytesOf(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer);
}

/** Linux names each boot; elsewhere the minute of the boot stands for it. */
function readBootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return `booted-${Math.round((Date.now() / 1000 - uptime()) / 60)}`;
  }
}
