import { createHash } from "node:crypto";
import { createNodeEnv } from "@twinfold/adapter-fs";
import type { Env, Sha256 } from "@twinfold/core";
import type { Life } from "./life.js";
import type { RandomStream } from "./random.js";
import type { Scheduler } from "./scheduler.js";

/** Where virtual time begins. */
export const START_MS = Date.UTC(2026, 0, 1);

/** A machine's clock: it may be wrong, run fast or slow, and be set. */
export class SimClock {
  readonly #scheduler: Scheduler;
  readonly #drift: number;
  #skewMs: number;

  constructor(scheduler: Scheduler, { skewMs, drift }: { readonly skewMs: number; readonly drift: number }) {
    this.#scheduler = scheduler;
    this.#drift = drift;
    this.#skewMs = skewMs;
  }

  get nowMs(): number {
    return Math.floor(START_MS + this.#skewMs + this.#scheduler.nowMs * (1 + this.#drift));
  }

  /** As a person or a time server does. */
  step(byMs: number): void {
    this.#skewMs += byMs;
  }
}

/** Node's own, which is synchronous. */
const { compression: nodeCompression } = createNodeEnv();

/** What one process has of the world. SHA-256 and deflate are Node's own, which are synchronous: nothing runs on another thread. */
export function createSimEnv(options: {
  readonly life: Life;
  readonly scheduler: Scheduler;
  readonly clock: SimClock;
  readonly random: RandomStream;
  readonly bootId: string;
}): Env {
  const { life, scheduler, clock, random, bootId } = options;
  return {
    nowMs: () => clock.nowMs,
    monotonicMs: () => scheduler.nowMs,
    randomBytes: (length) => random.bytes(length),
    sleep: (ms, signal) => life.within(() => scheduler.sleep(ms, signal)),
    sha256: nodeSha256,
    compression: nodeCompression,
    bootId,
  };
}

export const nodeSha256: Sha256 = (bytes) => new Uint8Array(createHash("sha256").update(bytes).digest());
