import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readAhead } from "../../src/replica/upload/read-ahead.js";

/** Gives 1, 2, 3 … and fails in the place of `failAt`. Notes what it has begun to make, and whether it was left. */
function counting(length: number, failAt: number) {
  const seen = { begun: 0, isMaking: false, isLeft: false };
  async function* source() {
    try {
      for (let n = 1; n <= length; n++) {
        seen.begun = n;
        seen.isMaking = true;
        await new Promise((resolve) => setImmediate(resolve));
        seen.isMaking = false;
        if (n === failAt) throw new Error(`no ${n}`);
        yield n;
      }
    } finally {
      seen.isLeft = true;
    }
  }
  return { seen, source };
}

const lengths = fc.nat(12);

describe("readAhead", () => {
  it("gives what the source gives, in its order, and a failure in its turn", async () => {
    await fc.assert(
      fc.asyncProperty(lengths, lengths, async (length, failAt) => {
        const { source } = counting(length, failAt);
        const given: number[] = [];
        const all = (async () => {
          for await (const n of readAhead(source())) given.push(n);
        })();
        const fails = failAt >= 1 && failAt <= length;
        if (fails) await expect(all).rejects.toThrow(`no ${failAt}`);
        else await all;
        expect(given).toEqual(Array.from({ length: fails ? failAt - 1 : length }, (_, at) => at + 1));
      }),
    );
  });

  it("has one made ahead, and never a second", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 12 }), async (length) => {
        const { seen, source } = counting(length, 0);
        for await (const n of readAhead(source())) {
          expect(seen.begun).toBe(Math.min(n + 1, length));
          for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
          expect(seen.begun).toBe(Math.min(n + 1, length));
        }
      }),
    );
  });

  it("leaves nothing in the making to a consumer that leaves", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 }), lengths, async (length, leaveAt, failAt) => {
        const { seen, source } = counting(length, failAt > leaveAt ? failAt : 0);
        for await (const n of readAhead(source())) if (n === leaveAt) break;
        expect(seen).toMatchObject({ isMaking: false, isLeft: true });
      }),
    );
  });
});
