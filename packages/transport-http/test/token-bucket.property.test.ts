import { setMaxListeners } from "node:events";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TokenBucket } from "../src/node/token-bucket.js";
import { VirtualClock } from "./virtual-clock.js";

const { signal: SIGNAL } = new AbortController();
setMaxListeners(Infinity, SIGNAL);
/** What a bucket may give before time pays for it: BURST_MS of the rate, and a slice, which is in whole bytes. */
const mostAtOnce = (bytesPerSecond: number): number => bytesPerSecond * 0.25 + Math.min(64 * 1024, Math.max(1_024, bytesPerSecond * 0.1)) + 1;

interface Passed {
  readonly atMs: number;
  readonly bytes: number;
}

/** Takes all of `bytes`, slice by slice, and notes each. */
async function takeAll(bucket: TokenBucket, clock: VirtualClock, bytes: number, bulk: boolean): Promise<readonly Passed[]> {
  const passed: Passed[] = [];
  for (let left = bytes; left > 0; ) {
    const granted = await bucket.take(left, { bulk, signal: SIGNAL });
    expect(granted).toBeGreaterThan(0);
    expect(granted).toBeLessThanOrEqual(left);
    passed.push({ atMs: clock.monotonicMs(), bytes: granted });
    left -= granted;
  }
  return passed;
}

const transfers = fc.array(fc.record({ startMs: fc.nat(5_000), bytes: fc.integer({ min: 1, max: 100_000 }), bulk: fc.boolean() }), {
  minLength: 1,
  maxLength: 8,
});
const rates = fc.integer({ min: 16 * 1024, max: 2_000_000 });

/** For each piece, and the time from it to each later one: how many bytes more passed than the rate gives in that time. */
function* excesses(passed: readonly Passed[], bytesPerSecond: number): Generator<number, void, undefined> {
  for (const [from, { atMs: fromMs }] of passed.entries()) {
    let sum = 0;
    for (let to = from; to < passed.length; to++) {
      const { atMs, bytes } = passed[to] as Passed;
      sum += bytes;
      yield sum - ((atMs - fromMs) / 1_000) * bytesPerSecond;
    }
  }
}

describe("TokenBucket", () => {
  it("lets no more pass in any time than the rate, a burst and a slice, and wastes no time while somebody waits", async () => {
    await fc.assert(
      fc.asyncProperty(rates, transfers, async (bytesPerSecond, all) => {
        const clock = new VirtualClock();
        const bucket = new TokenBucket(clock);
        bucket.setRate(bytesPerSecond);
        const running = all.map(async ({ startMs, bytes, bulk }) => {
          await clock.sleep(startMs);
          return await takeAll(bucket, clock, bytes, bulk);
        });
        await clock.run();
        const passed = (await Promise.all(running)).flat().sort((one, other) => one.atMs - other.atMs);
        let most = 0;
        for (const excess of excesses(passed, bytesPerSecond)) most = Math.max(most, excess);
        expect(most).toBeLessThanOrEqual(mostAtOnce(bytesPerSecond));
        const total = all.reduce((sum, { bytes }) => sum + bytes, 0);
        const lastStartMs = Math.max(...all.map(({ startMs }) => startMs));
        expect(total).toBe(passed.reduce((sum, { bytes }) => sum + bytes, 0));
        // A timer is late by less than a millisecond, which the burst makes up for.
        expect((passed.at(-1) as Passed).atMs).toBeLessThanOrEqual(lastStartMs + (total / bytesPerSecond) * 1_000 + 2);
      }),
    );
  });

  it("lets a message pass within the time of a few slices, however much bulk waits", async () => {
    await fc.assert(
      fc.asyncProperty(rates, fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 1_024 }), async (bytesPerSecond, uploads, messageBytes) => {
        const clock = new VirtualClock();
        const bucket = new TokenBucket(clock);
        bucket.setRate(bytesPerSecond);
        const bulk = Array.from({ length: uploads }, () => takeAll(bucket, clock, 256 * 1024, true));
        const message = (async () => {
          await clock.sleep(20);
          await takeAll(bucket, clock, messageBytes, false);
          return clock.monotonicMs() - 20;
        })();
        await clock.run();
        expect(await message).toBeLessThanOrEqual(102); // a slice is the rate's bytes of 100 ms at the most
        await Promise.all(bulk);
      }),
      { numRuns: 30 },
    );
  });

  it("gives bulk that waits equal turns", async () => {
    const clock = new VirtualClock();
    const bucket = new TokenBucket(clock);
    bucket.setRate(100_000);
    const passed = [1, 2, 3].map(() => takeAll(bucket, clock, 500_000, true));
    await clock.run();
    const ends = (await Promise.all(passed)).map((all) => all.at(-1)?.atMs ?? 0);
    expect(Math.max(...ends) - Math.min(...ends)).toBeLessThanOrEqual(300);
    expect(bucket.throttledMs).toBe(clock.monotonicMs());
  });

  it("charges what passed without being asked, and gives back what did not pass", async () => {
    const clock = new VirtualClock();
    const bucket = new TokenBucket(clock);
    bucket.setRate(100_000);
    bucket.charge(125_000); // the burst of 25,000, and a second
    const first = takeAll(bucket, clock, 1, false);
    await clock.run();
    expect((await first)[0]?.atMs).toBe(1_000);
    bucket.charge(100_001);
    bucket.charge(-100_000);
    const second = takeAll(bucket, clock, 1, false);
    await clock.run();
    expect((await second)[0]?.atMs).toBe(1_001);
  });

  it("lets all that wait go when the limit is lifted, and holds them when one is set", async () => {
    const clock = new VirtualClock();
    const bucket = new TokenBucket(clock);
    expect((await takeAll(bucket, clock, 10_000_000, true)).length).toBe(1);
    bucket.setRate(20_000);
    const held = takeAll(bucket, clock, 10_000_000, true);
    void clock.sleep(1_000).then(() => bucket.setRate(undefined));
    await clock.run();
    const passed = await held;
    expect(passed.at(-1)?.atMs).toBe(1_000);
    expect(passed.slice(0, -1).reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(20_000 + mostAtOnce(20_000));
    expect(bucket.throttledMs).toBeLessThanOrEqual(1_200);
  });

  it("rejects with the signal's own reason, and keeps no one who has left", async () => {
    const clock = new VirtualClock();
    const bucket = new TokenBucket(clock);
    bucket.setRate(20_000);
    await takeAll(bucket, clock, 2_000, true);
    bucket.charge(1_000_000);
    const leaving = new AbortController();
    const reason = { why: "enough" };
    const refused = expect(bucket.take(1, { bulk: false, signal: leaving.signal })).rejects.toBe(reason);
    leaving.abort(reason);
    await refused;
    await expect(bucket.take(1, { bulk: false, signal: leaving.signal })).rejects.toBe(reason);
    await clock.run();
    expect(clock.monotonicMs()).toBeLessThanOrEqual(52_000);
  });
});
