const hop = setImmediate;

interface SimEvent {
  readonly atMs: number;
  readonly order: number;
  /** Undefined once it was called off. */
  run: (() => void) | undefined;
}

/**
 * Virtual time: a queue of events, each run at its moment, none waited for.
 *
 * After each event one macrotask passes, in which all promises that it settled run to their next wait. So native promises
 * run in an order that is a function of the queue alone.
 */
export class Scheduler {
  readonly #heap: SimEvent[] = [];
  #nowMs = 0;
  #order = 0;
  #events = 0;

  /** Since the world began. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Run so far. */
  get events(): number {
    return this.#events;
  }

  /** Still to run. */
  get pending(): number {
    return this.#heap.filter(({ run }) => run !== undefined).length;
  }

  /** Runs `run` in `delayMs`; the function that is given calls it off. */
  after(delayMs: number, run: () => void): () => void {
    const event: SimEvent = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, run };
    this.#push(event);
    return () => {
      event.run = undefined;
    };
  }

  /** Rejects with the signal's own reason when it aborts first. */
  async sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        callOff();
        reject(signal?.reason as Error);
      };
      const callOff = this.after(delayMs, () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      });
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Runs events until `isDone`. `false`: nothing is left that could make it so, or `untilMs` is reached first. */
  async run(isDone: () => boolean, untilMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    await settled();
    while (!isDone()) {
      const next = this.#heap[0];
      if (next === undefined || next.atMs > untilMs) return false;
      this.#pop();
      if (next.run === undefined) continue;
      this.#nowMs = next.atMs;
      this.#events += 1;
      next.run();
      await settled();
    }
    return true;
  }

  #push(event: SimEvent): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent] as SimEvent)) break;
      heap[at] = heap[parent] as SimEvent;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as SimEvent;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const child = right < heap.length && isBefore(heap[right] as SimEvent, heap[left] as SimEvent) ? right : left;
      if (!isBefore(heap[child] as SimEvent, last)) break;
      heap[at] = heap[child] as SimEvent;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: SimEvent, b: SimEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** One macrotask: every promise that can run has run when it resolves. */
function settled(): Promise<void> {
  return new Promise((resolve) => hop(resolve));
}
