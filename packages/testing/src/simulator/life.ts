/** A promise of its own for each who waits: one that all share would hold every dead world for as long as the program runs. */
function never(): Promise<never> {
  return new Promise(() => {});
}

/**
 * One run of a process. After `end` nothing that it began goes on: every call that it makes, and every answer that it waits
 * for, stays open for ever.
 */
export class Life {
  #alive = true;
  readonly #ended: Promise<never>;
  #end: (reason: Error) => void = () => {};

  constructor() {
    this.#ended = new Promise((_, reject) => {
      this.#end = reject;
    });
    this.#ended.catch(() => {}); // of interest only to who waits for an answer
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Rejects when the process ends: for whoever waits for its answer from outside. */
  get ended(): Promise<never> {
    return this.#ended;
  }

  /** What the world waits for: the answer of the process, or `undefined` when it dies first. */
  async outcome<T>(work: Promise<T>): Promise<T | undefined> {
    const died = this.#ended.catch(() => undefined);
    return await Promise.race([work, died]);
  }

  end(reason: Error): void {
    this.#alive = false;
    this.#end(reason);
  }

  /** What the process itself does: `work` does not begin, and its answer does not arrive, after the end. */
  async within<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#alive) return never();
    try {
      const result = await work();
      return this.#alive ? result : never();
    } catch (error) {
      if (!this.#alive) return never();
      throw error;
    }
  }

  /** `target` with every method inside {@link within}, but those of `passed`; `before` is awaited ahead of each. Methods do without `this`. */
  wrap<T extends object>(target: T, before: (method: string) => Promise<void>, passed: ReadonlyArray<keyof T> = []): T {
    const guarded = Object.entries(target).map(([name, method]) => {
      if (typeof method !== "function" || passed.includes(name as keyof T)) return [name, method as unknown];
      const call = (...args: unknown[]) =>
        this.within(async () => {
          await before(name);
          return this.within(() => Reflect.apply(method, target, args) as Promise<unknown>);
        });
      return [name, call];
    });
    return Object.fromEntries(guarded) as T;
  }
}
