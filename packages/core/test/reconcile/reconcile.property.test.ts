import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Edit, PlannedWorld } from "./planned-world.js";

const edit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom("file", "directory", "edit", "move", "move", "delete"),
  which: fc.nat(20),
  where: fc.nat(20),
  name: fc.nat(3),
  value: fc.nat(1_000_000),
});
const edits = fc.array(edit, { maxLength: 10, size: "max" });
const everything = (dirty: readonly string[]) => dirty as never;
const RUNS = Number(process.env.RUNS ?? 3_000);

/** One tree that both sides agree on, made first, and changed apart afterwards. */
function agreed(base: readonly Edit[]): PlannedWorld {
  const world = new PlannedWorld();
  for (const each of base) world.editLocal(each);
  world.settle(everything);
  return world;
}

describe("reconcile", () => {
  it("makes both sides equal, in few rounds, whatever was done on each", () => {
    fc.assert(
      fc.property(edits, edits, edits, (base, here, there) => {
        const world = agreed(base);
        for (const each of here) world.editLocal(each);
        for (const each of there) world.editRemote(each);
        world.settle(everything);
        expect(world.tree("local")).toBe(world.tree("remote"));
      }),
      { numRuns: RUNS },
    );
  });

  it("makes both sides equal also when it sees the changes a few at a time", () => {
    fc.assert(
      fc.property(edits, edits, edits, fc.integer({ min: 1, max: 4 }), fc.nat(), (base, here, there, size, turn) => {
        const world = agreed(base);
        for (const each of here) world.editLocal(each);
        for (const each of there) world.editRemote(each);
        let round = 0;
        world.settle((dirty) => {
          const from = (turn + round++) % dirty.length;
          return [...dirty.slice(from), ...dirty.slice(0, from)].slice(0, size);
        });
        expect(world.tree("local")).toBe(world.tree("remote"));
      }),
      { numRuns: RUNS },
    );
  });

  it("holds here what this device is to hold, and deletes nothing at the hub because something is not held", () => {
    fc.assert(
      fc.property(edits, edits, edits, edits, edits, (base, away, here, there, again) => {
        const world = agreed(base);
        const before = world.tree("remote");
        for (const each of away) world.editAway(each);
        world.settle(everything);
        expect(world.tree("remote")).toBe(before);
        for (const each of here) world.editLocal(each);
        for (const each of there) world.editRemote(each);
        for (const each of again) world.editAway(each);
        world.settle(everything);
        expect(world.tree("local")).toBe(world.tree("remote", "held"));
      }),
      { numRuns: RUNS },
    );
  });

  it("deletes nothing when a node is held no more and held again, whatever the order and whatever was seen between", () => {
    fc.assert(
      fc.property(edits, edits, fc.array(fc.tuple(edit, fc.boolean()), { maxLength: 10 }), (base, there, changes) => {
        const world = agreed(base);
        for (const each of there.filter(({ kind }) => kind !== "delete")) world.editRemote(each);
        const values = new Set(world.values("remote"));
        for (const [each, settles] of changes) {
          world.editAway(each);
          if (settles) world.settle(everything);
        }
        world.settle(everything);
        expect(new Set(world.values("remote"))).toEqual(values);
      }),
      { numRuns: RUNS },
    );
  });

  it("brings the hub's tree here when only the hub changed, and this one there when only this one did", () => {
    fc.assert(
      fc.property(edits, edits, (base, changes) => {
        const pulled = agreed(base);
        for (const each of changes) pulled.editRemote(each);
        const there = pulled.tree("remote");
        pulled.settle(everything);
        expect(pulled.tree("local")).toBe(there);

        const pushed = agreed(base);
        for (const each of changes) pushed.editLocal(each);
        const here = pushed.tree("local");
        pushed.settle(everything);
        expect(pushed.tree("remote")).toBe(here);
      }),
      { numRuns: RUNS },
    );
  });
});
