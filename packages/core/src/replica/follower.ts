import { isTwinfoldError, TwinfoldError, type TwinfoldErrorCode } from "../errors.js";
import type { LocalHint } from "../local/local-tree.js";
import type { LocalPath } from "../names.js";
import type { ReplicaStatus } from "./replica.js";
import type { ReplicaParts } from "./replica-parts.js";
import type { PassOptions, PassResult, Synchronizer } from "./synchronizer.js";
import type { Emit } from "./tally.js";

/** Backoff after failures: a random time up to a bound that doubles from the first to the second. Source: "full jitter", AWS Architecture Blog, 2015. */
const BACKOFF_FIRST_MS = 1_000;
const BACKOFF_LAST_MS = 60_000;
/** Longest that one long poll is asked for; the hub may answer sooner. */
const WAIT_MS = 55_000;
/** Between two words of drafts: growths that follow each other at once are told together. */
const DRAFTS_PAUSE_MS = 200;

/** What a person mends while the replica waits: a full disk, a disk that is not plugged in, a folder that was moved away. */
const MENDED = ["ERR_NO_SPACE", "ERR_ROOT_MISSING", "ERR_ROOT_UNREADABLE", "ERR_ROOT_FOREIGN", "ERR_ROOT_EMPTIED"] as const;
export type MendedCode = (typeof MENDED)[number];

function isMended(code: TwinfoldErrorCode): code is MendedCode {
  return (MENDED as readonly string[]).includes(code);
}

/**
 * Keeps a replica in step: a pass when the disk or the hub says that something changed, a full rescan now and then as the net
 * under lost events, and growing random pauses while the hub is out of reach.
 */
export class Follower {
  readonly #synchronizer: Synchronizer;
  readonly #parts: ReplicaParts;
  readonly #emit: Emit;

  #turn: Promise<unknown> = Promise.resolve();
  #busy = 0;
  #following = false;
  #paused = false;
  #pausing = new AbortController();
  #problem: string | undefined;
  #wake: () => void = () => {};

  readonly #places = new Map<LocalPath, { path: LocalPath; deep: boolean }>();
  #everything = true;
  #hubChanged = false;

  constructor(parts: ReplicaParts, synchronizer: Synchronizer, emit: Emit) {
    this.#parts = parts;
    this.#synchronizer = synchronizer;
    this.#emit = emit;
  }

  get state(): ReplicaStatus["state"] {
    if (this.#paused) return "paused";
    if (this.#busy > 0) return "syncing";
    return this.#following ? "following" : "idle";
  }

  get problem(): string | undefined {
    return this.#problem;
  }

  /** Ends a followed pass at its next step; what it had not done is done after `resume`. */
  pause(): void {
    this.#paused = true;
    this.#pausing.abort(new TwinfoldError("ERR_CLOSED", "the replica was paused"));
  }

  resume(): void {
    this.#paused = false;
    this.#pausing = new AbortController();
    this.#wake();
  }

  /** One pass, plan or restore at a time. */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#turn;
    const mine = (async () => {
      await before.catch(() => {});
      this.#busy += 1;
      try {
        return await work();
      } finally {
        this.#busy -= 1;
      }
    })();
    this.#turn = mine.catch(() => {});
    return await mine;
  }

  /** Resolves when `signal` aborts. @throws {TwinfoldError} what does not go away by waiting. */
  async follow(signal: AbortSignal): Promise<void> {
    this.#following = true;
    this.#everything = true;
    let unwatch: (() => Promise<void>) | undefined;
    let failures = 0;
    let isLost = false;
    const onAbort = (): void => this.#wake();
    signal.addEventListener("abort", onAbort, { once: true });
    const end = new AbortController();
    const untilEnd = AbortSignal.any([signal, end.signal]);
    try {
      let rescanAt = this.#parts.env.monotonicMs() + this.#parts.rescanMs;
      let unsettled = new Set<LocalPath>();
      let settledAt = Number.POSITIVE_INFINITY;
      while (!signal.aborted) {
        if (this.#paused) {
          await this.#idle(untilEnd, undefined);
          continue;
        }
        const pausing = this.#pausing.signal;
        try {
          unwatch ??= await this.#parts.tree.watch((hint) => this.#hint(hint));
          for (const path of await this.#pass(AbortSignal.any([signal, pausing]))) unsettled.add(path);
          if (isLost) this.#emit("connection:restored", {});
          isLost = false;
          failures = 0;
          this.#problem = undefined;
          const now = this.#parts.env.monotonicMs();
          if (unsettled.size > 0) settledAt = Math.min(settledAt, now + this.#parts.settleMs);
          await this.#idle(untilEnd, Math.min(rescanAt, settledAt) - now);
          if (this.#parts.env.monotonicMs() >= settledAt) {
            for (const path of unsettled) this.#look(path);
            unsettled = new Set();
            settledAt = Number.POSITIVE_INFINITY;
          }
          if (this.#parts.env.monotonicMs() >= rescanAt) {
            this.#everything = true;
            rescanAt = this.#parts.env.monotonicMs() + this.#parts.rescanMs;
          }
        } catch (error) {
          if (signal.aborted) break;
          if (pausing.aborted) continue;
          if (!isTwinfoldError(error)) throw error;
          const { code, message: reason } = error;
          const isPostponed = isMended(code);
          if (!error.retryable && !isPostponed) throw error;
          failures += 1;
          const retryInMs = this.#backoffMs(failures);
          this.#problem = reason;
          if (isPostponed) {
            this.#emit("sync:postponed", { code, reason, retryInMs });
            // Of a folder that went away the watch is dead, and what happened meanwhile nobody has told.
            if (code !== "ERR_NO_SPACE") {
              await unwatch?.();
              unwatch = undefined;
              this.#everything = true;
            }
          } else {
            isLost = true;
            this.#emit("connection:lost", { reason, retryInMs });
          }
          await this.#pause(retryInMs, signal);
        }
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#following = false;
      end.abort(); // also of what failed no call stays open
      await this.#waiting?.catch(() => {});
      await this.#synchronizer.prefetcher.stop();
      await unwatch?.();
    }
  }

  async #pass(signal: AbortSignal): Promise<readonly LocalPath[]> {
    const everything = this.#everything;
    const places = [...this.#places.values()];
    this.#everything = false;
    this.#places.clear();
    this.#hubChanged = false;
    const options: PassOptions = { signal, waitToSettle: false, ...(everything ? {} : { places }) };
    try {
      const result: PassResult = await this.exclusively(() => this.#synchronizer.pass(options));
      return result.unsettled;
    } catch (error) {
      // What was to be looked at is still to be looked at.
      this.#everything ||= everything;
      for (const place of places) this.#look(place.path);
      throw error;
    }
  }

  #hint(hint: LocalHint): void {
    if (hint.kind === "everything") this.#everything = true;
    else this.#look(hint.path);
    this.#wake();
  }

  #look(path: LocalPath): void {
    this.#places.set(path, { path, deep: false });
  }

  /** Waits for a hint, a word from the hub, `resume`, the next rescan, or the end. */
  async #idle(signal: AbortSignal, forMs: number | undefined): Promise<void> {
    if (signal.aborted) return;
    const stop = new AbortController();
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    const hasWork = !this.#paused && (this.#everything || this.#places.size > 0 || this.#hubChanged);
    const waits: Array<Promise<unknown>> = [woken];
    if (!this.#paused) {
      this.#synchronizer.prefetcher.resume(AbortSignal.any([signal, this.#pausing.signal]));
      waits.push(this.#hubSpeaks(signal));
    }
    if (forMs !== undefined && !hasWork) waits.push(this.#parts.env.sleep(Math.max(0, forMs), stop.signal).catch(() => {}));
    try {
      if (!hasWork) await Promise.race(waits);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      for (const wait of waits) wait.catch(() => {}); // reported by the race, or when it is waited for again
      stop.abort();
      this.#wake = () => {};
    }
  }

  /**
   * Resolves when the hub has something new, or has gone back; rejects when it is out of reach. The call stays open while passes are made:
   * what they have taken in meanwhile, or committed, is not new.
   */
  #hubSpeaks(signal: AbortSignal): Promise<void> {
    this.#waiting ??= this.#hubMoves(signal)
      .then(() => {
        this.#hubChanged = true;
      })
      .finally(() => {
        this.#waiting = undefined;
      });
    return this.#waiting;
  }
  #waiting: Promise<void> | undefined;

  /** What drafts bring meanwhile goes to the prefetcher, and is no reason for a pass. */
  async #hubMoves(signal: AbortSignal): Promise<void> {
    const { transport, trees, workspaceId, env } = this.#parts;
    const { prefetcher } = this.#synchronizer;
    const seq = (): number => trees.state.cursor?.seq ?? 0;
    for (;;) {
      const afterSeq = seq();
      const known = prefetcher.query();
      const { moved, drafts = [] } = await transport.wait(
        { workspaces: [{ workspaceId, afterSeq }], timeoutMs: WAIT_MS, ...(known === undefined ? {} : { drafts: [known] }) },
        { signal },
      );
      if (moved.length > 0 && seq() === afterSeq) return;
      if (drafts.length === 0) continue;
      prefetcher.hear(drafts);
      await env.sleep(DRAFTS_PAUSE_MS, signal);
    }
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    try {
      await this.#parts.env.sleep(ms, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  #backoffMs(failures: number): number {
    const bound = Math.min(BACKOFF_LAST_MS, BACKOFF_FIRST_MS * 2 ** Math.min(failures - 1, 10));
    const [a = 0, b = 0] = this.#parts.env.randomBytes(2);
    return Math.round(((a * 256 + b) / 65_536) * bound);
  }
}
