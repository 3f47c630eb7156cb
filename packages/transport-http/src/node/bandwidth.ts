import { type Env, TwinfoldError } from "@twinfold/core";
import { Admission } from "./admission.js";
import { TokenBucket } from "./token-bucket.js";

/** `undefined` is no limit. */
export interface BandwidthLimits {
  readonly upBytesPerSecond: number | undefined;
  readonly downBytesPerSecond: number | undefined;
}

/** One direction. */
export interface Lane {
  readonly bucket: TokenBucket;
  readonly admission: Admission;
}

/** What the clients that share it may send and receive together. */
export interface Bandwidth {
  readonly limits: BandwidthLimits;
  /** For how long a limit held something back, in both directions together. */
  readonly throttledMs: number;
  readonly up: Lane;
  readonly down: Lane;
  /** From now on, also for requests under way. @throws {TwinfoldError} `ERR_INVALID_ARGUMENT` for a rate under {@link MIN_BYTES_PER_SECOND}. */
  limit(limits: BandwidthLimits): void;
}

/** A request brings at most 4 MiB of chunks and has 15 minutes at the server; two share the rate (see BULK_REQUESTS). 9.3 KiB/s would just do. */
export const MIN_BYTES_PER_SECOND = 16 * 1024;

/**
 * Of requests with chunks so many go at a time in each direction while it is limited: each has a good part of the rate, and none is so slow
 * that the other end gives it up; and one uses what the other leaves while it waits for its answer.
 */
const BULK_REQUESTS = 2;

/** Without limits until it is told some. */
export function createBandwidth(env: Pick<Env, "monotonicMs" | "sleep">): Bandwidth {
  const [up, down] = [createLane(env), createLane(env)];
  let limits: BandwidthLimits = { upBytesPerSecond: undefined, downBytesPerSecond: undefined };
  return {
    up,
    down,
    get limits() {
      return limits;
    },
    get throttledMs() {
      return up.bucket.throttledMs + down.bucket.throttledMs;
    },
    limit(asked) {
      for (const rate of [asked.upBytesPerSecond, asked.downBytesPerSecond]) {
        if (rate === undefined || rate >= MIN_BYTES_PER_SECOND) continue;
        throw new TwinfoldError(
          "ERR_INVALID_ARGUMENT",
          `a limit is at least ${MIN_BYTES_PER_SECOND} bytes per second, got ${rate}: below that no request would end in time`,
        );
      }
      limits = asked;
      up.bucket.setRate(asked.upBytesPerSecond);
      down.bucket.setRate(asked.downBytesPerSecond);
    },
  };
}

function createLane(env: Pick<Env, "monotonicMs" | "sleep">): Lane {
  return { bucket: new TokenBucket(env), admission: new Admission(BULK_REQUESTS) };
}
