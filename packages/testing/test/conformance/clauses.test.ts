import { describe, expect, it } from "vitest";
import { type Clause, type ConformanceOptions, describeClauses } from "../../src/conformance/clauses.js";

interface Store {
  closed: boolean;
  close(): Promise<void>;
}

const CLAUSES = {
  "X1 holds": { check: async () => {} },
  "X2 does not hold": {
    check: async () => {
      throw new Error("broken");
    },
  },
  "X3 reopens": {
    needsReopen: true,
    check: async (store, { reopen }) => {
      await store.close();
      await reopen(store);
    },
  },
} satisfies Record<string, Clause<Store>>;

/** What became of each clause, by its name, and the stores that were opened. */
async function outcomesOf(options: Partial<ConformanceOptions<Store, keyof typeof CLAUSES>>) {
  const tests = new Map<string, () => Promise<void>>();
  const stores: Store[] = [];
  async function open(): Promise<Store> {
    const store: Store = {
      closed: false,
      async close() {
        store.closed = true;
      },
    };
    stores.push(store);
    return store;
  }
  const runner = { describe: (_: string, body: () => void) => body(), it: (name: string, body: () => Promise<void>) => void tests.set(name, body) };
  describeClauses<Store, keyof typeof CLAUSES>(runner, "X", CLAUSES, { open, reopen: open, ...options });
  const outcomes: Record<string, string> = {};
  for (const [name, body] of tests) {
    outcomes[name] = await body().then(
      () => "passed",
      (error: unknown) => String(error),
    );
  }
  return { outcomes, stores };
}

describe("describeClauses", () => {
  it("runs each clause on a store of its own and closes whatever was opened", async () => {
    const { outcomes, stores } = await outcomesOf({});
    expect(outcomes).toEqual({ "X1 holds": "passed", "X2 does not hold": "Error: broken", "X3 reopens": "passed" });
    expect(stores.map(({ closed }) => closed)).toEqual([true, true, true, true]);
  });

  it("lets a known gap fail, and fails when the gap is closed", async () => {
    const { outcomes } = await outcomesOf({ knownGaps: { "X1 holds": "slow disk", "X2 does not hold": "old engine" } });
    expect(outcomes["X2 does not hold [known gap: old engine]"]).toBe("passed");
    expect(outcomes["X1 holds [known gap: slow disk]"]).toContain("remove it from knownGaps");
  });

  it("refuses a known gap that is no clause", async () => {
    const knownGaps = { "X9 is not there": "renamed" } as never;
    await expect(outcomesOf({ knownGaps })).rejects.toThrow('X has no clause "X9 is not there"');
  });

  it("leaves out what needs a second opening where there is none", async () => {
    const { outcomes } = await outcomesOf({ reopen: undefined });
    expect(Object.keys(outcomes)).toEqual(["X1 holds", "X2 does not hold"]);
  });
});
