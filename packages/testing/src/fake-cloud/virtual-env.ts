import { type Env, nobleSha256 } from "@twinfold/core";
import { createRandom } from "../simulator/random.js";

/** Where virtual time begins: the same moment in every run, so that names of conflict copies are the same too. */
const START_MS = Date.UTC(2026, 0, 1);

/** An Env whose time moves only by its sleeps, which wait for nothing, and whose randomness comes from a seed. */
export function createVirtualEnv(seed: number): Env {
  const random = createRandom(seed).stream("ids");
  let elapsedMs = 0;
  return {
    nowMs: () => START_MS + elapsedMs,
    monotonicMs: () => elapsedMs,
    randomBytes: (length) => random.bytes(length),
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      elapsedMs += ms;
      await Promise.resolve();
      signal?.throwIfAborted();
    },
    sha256: nobleSha256,
    bootId: `seed ${seed}`,
  };
}
