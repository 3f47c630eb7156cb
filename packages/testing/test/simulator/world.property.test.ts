import { createWorld } from "../../src/simulator/world.js";
import { planOf } from "../../src/simulator/plans.js";
import { describe, expect, it } from "vitest";

const RUNS = Number(process.env.RUNS ?? 60);

describe("worlds of several devices, a hub, and people, in which everything goes wrong", () => {
  it(`end well: all agree, nothing is lost, nothing comes back, nothing is made up (${RUNS} worlds)`, async () => {
    for (let seed = 1; seed <= RUNS; seed++) {
      const { violations } = await createWorld(planOf(seed, { ops: [30, 30], alphabet: { "metadata-back": 0 } })).run();
      expect(violations, `seed ${seed}`).toEqual([]);
    }
  }, 600_000);

  it("run the same way each time", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const plan = planOf(seed, { ops: [20, 20] });
      const [first, second] = [await createWorld(plan).run(), await createWorld(plan).run()];
      expect(second.hash, `seed ${seed}`).toBe(first.hash);
    }
  }, 600_000);
});
