import { setImmediate as turn } from "node:timers/promises";

interface Sleeper {
  readonly untilMs: number;
  readonly wake: () => void;
}

/** Time that moves when nothing else does: to the next moment for which somebody sleeps. */
export class VirtualClock {
  #nowMs = 0;
  readonly #sleepers = new Set<Sleeper>();

  monotonicMs = (): number => this.#nowMs;

  sleep = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const sleeper: Sleeper = {
        untilMs: this.#nowMs + ms,
        wake: () => {
          this.#sleepers.delete(sleeper);
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
    });

  /** Until nobody sleeps any more. */
  async run(): Promise<void> {
    for (;;) {
      await turn();
      const next = [...this.#sleepers].sort((one, other) => one.untilMs - other.untilMs)[0];
      if (next === undefined) return;
      this.#nowMs = next.untilMs;
      next.wake();
    }
  }
}
