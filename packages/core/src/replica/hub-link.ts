import type { Feature, Hello } from "../transport/transport.js";

/**
 * Whole chunks are compressed for a link over which a request goes slower than this, in bytes per ms; a few go at once. Deflate at level 1 makes a quarter of a text
 * at 213 MB/s on one core (measured, Node 20), some 25 times as fast, so that what it takes hardly shows beside what it saves.
 */
const SLOW_BYTES_PER_MS = 8_000;
/** A smaller request tells how long the hub takes, and not how fast the link is. */
const MEASURED_BYTES = 256 * 1024;

/** How fast bytes go one way. */
export class LinkSpeed {
  #bytesPerMs: number | undefined;

  note(bytes: number, ms: number): void {
    if (bytes >= MEASURED_BYTES) this.#bytesPerMs = bytes / Math.max(1, ms);
  }

  /** True until a request has shown otherwise. */
  get isSlow(): boolean {
    return this.#bytesPerMs === undefined || this.#bytesPerMs < SLOW_BYTES_PER_MS;
  }
}

/** What is known of the way to the hub: what it offers, as of the last look at its changes, and how fast it is reached. */
export class HubLink {
  readonly up = new LinkSpeed();
  readonly down = new LinkSpeed();
  hello: Hello | undefined;

  offers(feature: Feature): boolean {
    return this.hello?.features.includes(feature) === true;
  }
}
