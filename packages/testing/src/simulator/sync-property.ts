import fc from "fast-check";
import type { Oracle } from "./oracle.js";
import { oracles as shippedOracles } from "./oracles/all.js";
import { plans as shippedPlans } from "./plans.js";
import { shippedSut, type Sut } from "./sut.js";
import { createWorld } from "./world.js";
import type { WorldPlan } from "./world-plan.js";

export interface SyncPropertyOptions {
  /** New ones for each world. @default all of them */
  readonly oracles?: (() => readonly Oracle[]) | undefined;
  /** @default what `plans` gives */
  readonly plans?: fc.Arbitrary<WorldPlan> | undefined;
}

/** That every world ends well, for fast-check to refute and to shrink. */
export function syncProperty(
  sut: Sut = shippedSut,
  { oracles = shippedOracles.all, plans = shippedPlans() }: SyncPropertyOptions = {},
): fc.IAsyncPropertyWithHooks<[WorldPlan]> {
  return fc.asyncProperty(plans, async (plan) => {
    const { violations } = await createWorld(plan, sut, { oracles: oracles() }).run();
    const [violation] = violations;
    if (violation !== undefined) throw new Error(`${violation.oracle} is broken: ${violation.message}`);
  });
}
