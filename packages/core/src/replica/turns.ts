/**
 * Keeps apart what writes records and what has read some and is still to write them: a look at the disk holds the turn while it is in a
 * directory, and lets the others through between two.
 */
export class Turns {
  #waiting: Array<() => Promise<void>> | undefined;

  get areHeld(): boolean {
    return this.#waiting !== undefined;
  }

  /** True when there is something for {@link letThrough} to do. */
  get areAwaited(): boolean {
    return this.#waiting !== undefined && this.#waiting.length > 0;
  }

  /** Does `work` when nobody holds the turn, in the order asked. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting === undefined) return await work();
    const waiting = this.#waiting;
    return await new Promise<T>((resolve, reject) => {
      waiting.push(async () => await work().then(resolve, reject));
    });
  }

  hold(): void {
    this.#waiting ??= [];
  }

  /** Does what waits by now. */
  async letThrough(): Promise<void> {
    for (const work of this.#waiting?.splice(0) ?? []) await work();
  }

  /** Does what waits, and holds nothing from then on. */
  async release(): Promise<void> {
    while (this.areAwaited) await this.letThrough();
    this.#waiting = undefined;
  }
}
