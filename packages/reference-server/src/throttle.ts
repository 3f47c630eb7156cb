import { Refusal } from "./problem.js";

const WINDOW_MS = 60_000;
/** Keys remembered at once, so that made-up ones cannot fill the memory. The oldest go first. */
const MAX_KEYS = 100_000;

export interface Throttle {
  /** Counts one attempt. @throws {TwinfoldError} `ERR_RATE_LIMITED` when the minute's are used up. */
  take(key: string, limit: number): void;
  /** An attempt that was rightful does not count. */
  giveBack(key: string): void;
}

/** Attempts per key and minute. */
export function createThrottle(monotonicMs: () => number): Throttle {
  const windows = new Map<string, { readonly endsMs: number; count: number }>();

  return {
    take(key, limit) {
      const now = monotonicMs();
      const found = windows.get(key);
      const window = found !== undefined && found.endsMs > now ? found : { endsMs: now + WINDOW_MS, count: 0 };
      if (window.count >= limit) {
        const retryAfterSeconds = Math.ceil((window.endsMs - now) / 1000);
        throw new Refusal("ERR_RATE_LIMITED", `too many attempts: try again in ${retryAfterSeconds} s`, { retryAfterSeconds });
      }
      window.count += 1;
      if (window !== found) {
        windows.delete(key);
        windows.set(key, window);
        const [oldest] = windows.keys();
        if (windows.size > MAX_KEYS && oldest !== undefined) windows.delete(oldest);
      }
    },
    giveBack(key) {
      const window = windows.get(key);
      if (window !== undefined && window.count > 0) window.count -= 1;
    },
  };
}
