import { bytesToHex, type Env, nobleSha256 } from "@twinfold/core";

/** `getRandomValues` refuses more at once. Source: W3C Web Cryptography, 10.1.1. */
const MAX_RANDOM_BYTES = 65_536;

/** The browser's own clock, randomness and timers, in a page or a worker. SHA-256 is plain JavaScript: the platform's cannot be asked synchronously. */
export function createBrowserEnv(): Env {
  return {
    nowMs: Date.now,
    monotonicMs: () => performance.now(),
    randomBytes,
    sleep,
    sha256: nobleSha256,
    // A browser does not tell whether the machine restarted: each page load counts as a boot, so nothing unsynced is ever trusted.
    bootId: bytesToHex(randomBytes(16)),
  };
}

function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += MAX_RANDOM_BYTES) crypto.getRandomValues(bytes.subarray(at, at + MAX_RANDOM_BYTES));
  return bytes;
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
