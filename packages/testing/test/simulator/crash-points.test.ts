import { describe, expect, it } from "vitest";
import { type CrashReport, crashPoints, failEachIo } from "../../src/simulator/crash/crash-points.js";
import { describeHarm } from "../../src/simulator/crash/every-point.js";
import { WORKLOADS } from "../../src/simulator/crash/workloads.js";
import { shippedSut } from "../../src/simulator/sut.js";

/** Each so many-th call is interrupted; 1 takes all of them. */
const every = Number(process.env.CRASH_POINTS_EVERY ?? (process.env.CI === "true" ? 10 : 40));
/** Few calls are an fsync. */
const everyOf = { ENOSPC: 3 * every, EIO: 2 * every, EMFILE: 3 * every, FSYNC_LOST: Math.min(2, every) } as const;

async function harmOf(reports: AsyncIterable<CrashReport>): Promise<string[]> {
  const harm: string[] = [];
  let count = 0;
  for await (const report of reports) {
    count += 1;
    const told = describeHarm(report);
    if (told !== undefined) harm.push(told);
  }
  expect(count).toBeGreaterThan(0);
  return harm;
}

describe.each(WORKLOADS)("$name", (workload) => {
  it("survives the death of its process and a power loss before any call", async () => {
    expect(await harmOf(crashPoints(workload, shippedSut, { every }))).toEqual([]);
  });

  it.each(["ENOSPC", "EIO", "EMFILE", "FSYNC_LOST"] as const)("survives that any call fails with %s", async (failure) => {
    expect(await harmOf(failEachIo(workload, shippedSut, failure, { every: everyOf[failure] }))).toEqual([]);
  });
});
