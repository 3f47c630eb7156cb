/** SHA-256 (FIPS 180-4) of `bytes`: 32 bytes. Pure; the platform's own implementation is injected for speed. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

/** Raw deflate (RFC 1951). Pure; the platform's own implementation is injected for speed. */
export interface Compression {
  /** In favour of speed over size: level 1, or what comes near it. */
  deflate(bytes: Uint8Array): Uint8Array;
  /**
   * Never makes much more than `maxBytes`, whatever `bytes` claim.
   *
   * @throws {TwinfoldError} `ERR_PROTOCOL` when they are malformed, or stand for more than `maxBytes`.
   */
  inflate(bytes: Uint8Array, maxBytes: number): Uint8Array;
}

/**
 * Everything that core needs of the world besides stores, trees and transports.
 *
 * Core has no ambient clock, timer or randomness, so that a whole system can run from a seed.
 */
export interface Env {
  /** Wall clock in ms since 1970. Shown to people and stored; it never decides an order. */
  nowMs(): number;
  /** A clock that never steps back, in ms from an arbitrary start. Measures durations. */
  monotonicMs(): number;
  /** `length` unpredictable bytes. */
  randomBytes(length: number): Uint8Array;
  /** Resolves after `ms`; rejects with the signal's own reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  readonly sha256: Sha256;
  /** @default one in plain JavaScript, about 85 MB/s */
  readonly compression?: Compression | undefined;
  /** Changes whenever the machine restarts: after a stop in another boot, unsynced writes may be lost. */
  readonly bootId: string;
}
