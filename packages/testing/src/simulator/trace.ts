/** What happened in a world, in order. Two runs of one plan have one hash. */
export class Trace {
  #hash = 0x811c9dc5;
  #second = 0x2545f491;
  readonly #nowMs: () => number;
  readonly #lines: string[] | undefined;

  /** `keep`: the lines are kept for people to read; otherwise only their hash. */
  constructor(nowMs: () => number, keep: boolean) {
    this.#nowMs = nowMs;
    this.#lines = keep ? [] : undefined;
  }

  /** Written down for people, and counted in the hash. */
  note(who: string, what: string): void {
    this.mark(`${who} ${what}`);
    this.#lines?.push(`${formatTime(this.#nowMs()).padStart(14)}  ${who.padEnd(8)} ${what}`);
  }

  /** Counted in the hash alone: what is too much for people to read. */
  mark(text: string): void {
    let [a, b] = [this.#hash, this.#second];
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      a = Math.imul(a ^ unit, 0x01000193);
      b = Math.imul(b ^ unit, 0x85ebca6b);
    }
    const now = Math.floor(this.#nowMs() * 1000);
    this.#hash = Math.imul(a ^ now, 0x01000193);
    this.#second = Math.imul(b ^ (b >>> 15) ^ now, 0xc2b2ae35);
  }

  get hash(): string {
    return [this.#hash, this.#second].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
  }

  get lines(): readonly string[] {
    return this.#lines ?? [];
  }
}

function formatTime(ms: number): string {
  const [days, seconds] = [Math.floor(ms / 86_400_000), (ms % 86_400_000) / 1000];
  return `${days > 0 ? `${days} d ` : ""}${seconds.toFixed(3)} s`;
}
