import type { Violation } from "./oracle.js";
import { shippedSut, type Sut } from "./sut.js";
import { createWorld } from "./world.js";
import { DEFAULT_SWARM, type DeviceSpec, type WorldPlan } from "./world-plan.js";

export interface ShrinkOptions {
  /** Worlds that it may try. @default 400 */
  readonly runs?: number | undefined;
}

/**
 * The smallest plan that it finds in which the same oracle still complains: without ops (in halves, quarters …, then one by one), then
 * without faults, then with each parameter as in an ordinary world.
 *
 * `sut`: a function where each world needs a system of its own.
 */
export async function shrink(plan: WorldPlan, sut: Sut | (() => Sut) = shippedSut, { runs = 400 }: ShrinkOptions = {}): Promise<WorldPlan> {
  const oracle = (await firstViolation(plan, sut))?.oracle;
  if (oracle === undefined) return plan;
  let left = runs;
  const stillFails = async (candidate: WorldPlan): Promise<boolean> => {
    if (left === 0) return false;
    left -= 1;
    return (await firstViolation(candidate, sut))?.oracle === oracle;
  };
  let best = plan;
  const without = async (field: "ops" | "faults"): Promise<void> => {
    for (let size = Math.ceil(best[field].length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let at = 0; at < best[field].length; ) {
        const candidate = { ...best, [field]: best[field].filter((_, index) => index < at || index >= at + size) };
        if (await stillFails(candidate)) best = candidate;
        else at += size;
      }
    }
  };
  const attempt = async (candidate: WorldPlan): Promise<void> => {
    if (await stillFails(candidate)) best = candidate;
  };
  for (let before = -1; before !== best.ops.length && left > 0; ) {
    before = best.ops.length;
    await without("faults");
    await without("ops");
  }
  for (const key of Object.keys(DEFAULT_SWARM) as Array<keyof typeof DEFAULT_SWARM>) {
    if (best.swarm[key] !== DEFAULT_SWARM[key]) await attempt({ ...best, swarm: { ...best.swarm, [key]: DEFAULT_SWARM[key] } });
  }
  for (const [index, { name }] of best.devices.entries()) {
    const ordinary: DeviceSpec = { name, mode: "passes", skewMs: 0, drift: 0, timeGranularityMs: 0 };
    await attempt({ ...best, devices: best.devices.map((device, at) => (at === index ? ordinary : device)) });
  }
  for (const index of best.ops.keys()) {
    const op = best.ops[index];
    if (op?.size !== undefined && op.size > 0) await attempt({ ...best, ops: best.ops.with(index, { ...op, size: 0 }) });
  }
  return best;
}

async function firstViolation(plan: WorldPlan, sut: Sut | (() => Sut)): Promise<Violation | undefined> {
  const { violations } = await createWorld(plan, typeof sut === "function" ? sut() : sut).run();
  return violations[0];
}
