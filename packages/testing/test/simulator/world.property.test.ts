import { describe, expect, it } from "vitest";
import { planOf } from "../../src/simulator/plans.js";
import { createWorld } from "../../src/simulator/world.js";
import type { WorldPlan } from "../../src/simulator/world-plan.js";

const RUNS = Number(process.env.RUNS ?? 300);
const TWICE = Math.ceil((RUNS * 2) / 3);

/** Without ignore rules and devices that hold a part: what is kept apart stands in the way of what is not, which is still open. */
function planWithoutWhatIsOpen(seed: number, ops: number): WorldPlan {
  const plan = planOf(seed, { ops: [ops, ops], alphabet: { "change-rules": 0 } });
  return { ...plan, devices: plan.devices.map(({ only: _part, ...device }) => device) };
}

describe("worlds of several devices, a hub and people, in which everything goes wrong", () => {
  it(`end well: all agree, nothing is lost, nothing comes back, nothing is made up (${RUNS} worlds)`, async () => {
    for (let seed = 1; seed <= RUNS; seed++) {
      const { violations } = await createWorld(planWithoutWhatIsOpen(seed, 20)).run();
      expect(violations, `seed ${seed}`).toEqual([]);
    }
  }, 900_000);

  it(`run the same way each time (${TWICE} worlds, twice)`, async () => {
    for (let seed = 1; seed <= TWICE; seed++) {
      const plan = planOf(seed, { ops: [8, 8] });
      const [first, second] = [await createWorld(plan).run(), await createWorld(plan).run()];
      expect(second.hash, `seed ${seed}`).toBe(first.hash);
    }
  }, 900_000);

  it("forbid the ambient clock, chance, timers and files while they run, and no longer", async () => {
    const caught: string[] = [];
    const attempt = (name: string, work: () => unknown): void => {
      try {
        work();
      } catch {
        caught.push(name);
      }
    };
    const attemptAll = (): void => {
      attempt("Date.now", () => Date.now());
      attempt("new Date", () => new Date());
      attempt("Math.random", () => Math.random());
      attempt("setTimeout", () => clearTimeout(setTimeout(() => {}, 0)));
      attempt("fetch", () => fetch("data:,").catch(() => {}));
    };
    const plan = planOf(1, { ops: [1, 1] });
    await createWorld(plan, undefined, { oracles: [{ id: "here", onRest: attemptAll }] }).run();
    expect(caught).toEqual(["Date.now", "new Date", "Math.random", "setTimeout", "fetch"]);
    attemptAll();
    expect(caught).toHaveLength(5);
  });
});
