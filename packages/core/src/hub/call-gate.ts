import { TwinfoldError } from "../errors.js";
import type { OperationOptions } from "../operation-options.js";

/** What every call of a hub passes: refused after `close`, ended early by its signal, waited for by `close`. */
export interface CallGate {
  /** `work` is given a signal that aborts with the caller's own, and when the hub is closed. */
  call<T>(options: OperationOptions | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Throws what a call would be refused with now. */
  check(options: OperationOptions | undefined): void;
  /** Resolves when the last call has ended. */
  close(): Promise<void>;
}

export function createCallGate(): CallGate {
  const closing = new AbortController();
  const underWay = new Set<Promise<unknown>>();

  function check(options: OperationOptions | undefined): void {
    if (closing.signal.aborted) throw new TwinfoldError("ERR_CLOSED", "this hub is closed; ask another, or try again when it is open");
    options?.signal?.throwIfAborted();
  }

  return {
    check,
    async call(options, work) {
      check(options);
      const signal = options?.signal;
      const working = work(signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]));
      const settled = working.then(
        () => {},
        () => {},
      );
      underWay.add(settled);
      void settled.then(() => underWay.delete(settled));
      return signal === undefined ? working : orAborted(working, signal);
    },
    async close() {
      closing.abort();
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}

/** The caller is let go when it aborts; what was begun ends by itself (TR1). */
async function orAborted<T>(working: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    const result = await Promise.race([working, aborted]);
    signal.throwIfAborted();
    return result;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
