import { hash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { uptime } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { Env, Sha256 } from "@twinfold/core";

/** The machine's own clock, randomness, timers and SHA-256. */
export function createNodeEnv(): Env {
  return {
    nowMs: Date.now,
    monotonicMs: () => performance.now(),
    randomBytes: (length) => bytesOf(randomBytes(length)),
    async sleep(ms, signal) {
      try {
        await sleep(ms, undefined, { signal });
      } catch (error) {
        signal?.throwIfAborted();
        throw error;
      }
    },
    sha256: nodeSha256,
    bootId: readBootId(),
  };
}

/** In one call: 3 µs less for each small chunk than a Hash object. */
export const nodeSha256: Sha256 = (bytes) => bytesOf(hash("sha256", bytes, "buffer"));

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
