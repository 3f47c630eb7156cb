import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Trials } from "../../src/replica/trials.js";

describe("Trials", () => {
  it("are in vain about log n times of n, and each time while they pay", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2_000 }), fc.integer({ min: 1, max: 100 }), (inVain, paying) => {
        const trials = new Trials();
        let tried = 0;
        for (let time = 0; time < inVain; time++) {
          if (!trials.isDue()) continue;
          tried += 1;
          trials.note(false);
        }
        expect(tried).toBeGreaterThan(0);
        expect(tried).toBeLessThanOrEqual(1 + Math.log2(inVain + 1));
        while (!trials.isDue());
        trials.note(true);
        for (let time = 0; time < paying; time++) {
          expect(trials.isDue()).toBe(true);
          trials.note(true);
        }
      }),
    );
  });
});
