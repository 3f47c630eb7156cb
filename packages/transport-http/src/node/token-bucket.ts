import type { Env } from "@twinfold/core";

/** What the bucket holds at the most: so long a time's bytes. A process that was busy, or waited for an answer, catches up with that much. */
const BURST_MS = 250;
/** What goes at once: so long a time's bytes, so that whoever comes first waits no longer than that … */
const SLICE_MS = 100;
/** … but so many at the least, for a packet is not filled with less, */
const MIN_SLICE_BYTES = 1_024;
/** and at the most as many as a socket takes and gives in one go. */
const MAX_SLICE_BYTES = 64 * 1024;

export interface TakeOptions {
  /** Behind all that are not. */
  readonly bulk: boolean;
  readonly signal: AbortSignal;
}

interface Waiter {
  readonly maxBytes: number;
  readonly granted: (bytes: number) => void;
}

/**
 * Lets bytes pass at a rate: in any time `t` at most `rate × t`, and once {@link BURST_MS} and one slice.
 *
 * Those that wait take turns, a slice each, bulk behind the others. A slice passes as soon as the one before it is paid for, so that the
 * next one's wait is the slice's time and not the time of all that somebody has to send.
 */
export class TokenBucket {
  readonly #env: Pick<Env, "monotonicMs" | "sleep">;
  /** In order of arrival. */
  readonly #waiting = { messages: new Set<Waiter>(), bulk: new Set<Waiter>() };
  #bytesPerMs: number | undefined;
  /** Below zero: what passed and is not paid for yet. */
  #tokens = 0;
  #filledAtMs: number;
  #serving = false;
  #throttledMs = 0;

  constructor(env: Pick<Env, "monotonicMs" | "sleep">) {
    this.#env = env;
    this.#filledAtMs = env.monotonicMs();
  }

  get isLimited(): boolean {
    return this.#bytesPerMs !== undefined;
  }

  /** For how long there was somebody who waited. */
  get throttledMs(): number {
    return this.#throttledMs;
  }

  /** From now on; `undefined` is no limit. Those that wait come under it too. */
  setRate(bytesPerSecond: number | undefined): void {
    this.#fill();
    const wasLimited = this.isLimited;
    this.#bytesPerMs = bytesPerSecond === undefined ? undefined : bytesPerSecond / 1_000;
    if (this.#bytesPerMs !== undefined) this.#tokens = Math.min(wasLimited ? this.#tokens : Infinity, this.#bytesPerMs * BURST_MS);
    this.#grant();
  }

  /** How many bytes, from 1 to `maxBytes`, may pass now, when it is their turn. Rejects with the signal's own reason. */
  async take(maxBytes: number, { bulk, signal }: TakeOptions): Promise<number> {
    if (!this.isLimited) return maxBytes;
    signal.throwIfAborted();
    const queue = bulk ? this.#waiting.bulk : this.#waiting.messages;
    return await new Promise((resolve, reject) => {
      const leave = (): void => {
        queue.delete(waiter);
        reject(signal.reason);
      };
      const waiter: Waiter = {
        maxBytes,
        granted(bytes) {
          signal.removeEventListener("abort", leave);
          resolve(bytes);
        },
      };
      signal.addEventListener("abort", leave, { once: true });
      queue.add(waiter);
      this.#grant();
      void this.#serve();
    });
  }

  /** Bytes that pass without being asked; below zero: that were taken and did not pass. */
  charge(bytes: number): void {
    if (!this.isLimited) return;
    this.#fill();
    this.#tokens -= bytes;
  }

  #fill(): void {
    const nowMs = this.#env.monotonicMs();
    if (this.#bytesPerMs !== undefined) {
      this.#tokens = Math.min(this.#bytesPerMs * BURST_MS, this.#tokens + (nowMs - this.#filledAtMs) * this.#bytesPerMs);
    }
    this.#filledAtMs = nowMs;
  }

  #grant(): void {
    this.#fill();
    for (const queue of [this.#waiting.messages, this.#waiting.bulk]) {
      for (const waiter of queue) {
        if (this.#bytesPerMs !== undefined && this.#tokens < 0) return;
        queue.delete(waiter);
        const bytes = Math.min(waiter.maxBytes, sliceOf(this.#bytesPerMs));
        this.#tokens -= bytes;
        waiter.granted(bytes);
      }
    }
  }

  /** Grants as time passes, for as long as somebody waits. */
  async #serve(): Promise<void> {
    if (this.#serving) return;
    this.#serving = true;
    while (this.#bytesPerMs !== undefined && this.#waiting.messages.size + this.#waiting.bulk.size > 0) {
      const sinceMs = this.#env.monotonicMs();
      await this.#env.sleep(Math.ceil(Math.max(1, -this.#tokens / this.#bytesPerMs)));
      this.#throttledMs += this.#env.monotonicMs() - sinceMs;
      this.#grant();
    }
    this.#serving = false;
  }
}

function sliceOf(bytesPerMs: number | undefined): number {
  if (bytesPerMs === undefined) return Infinity;
  return Math.round(Math.min(MAX_SLICE_BYTES, Math.max(MIN_SLICE_BYTES, bytesPerMs * SLICE_MS)));
}
