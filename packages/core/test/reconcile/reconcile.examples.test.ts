import { expect, it } from "vitest";
import { type Edit, PlannedWorld } from "./planned-world.js";

// Numbers count what is there, in the order in which it was made: in `where` the directories from 1 (0 is the root), in `which` the nodes
// from 0; names are the letters a to d.
const NOTHING = { which: 0, where: 0, name: 0, value: 0 };
const directory = (where: number, name: string): Edit => ({ ...NOTHING, kind: "directory", where, name: numberOf(name) });
const file = (where: number, name: string): Edit => ({ ...NOTHING, kind: "file", where, name: numberOf(name) });
const move = (which: number, where: number, name: string): Edit => ({ ...NOTHING, kind: "move", which, where, name: numberOf(name) });
const remove = (which: number): Edit => ({ ...NOTHING, kind: "delete", which });
/** Held no more, or held again. */
const hold = (which: number): Edit => ({ ...NOTHING, kind: "edit", which });

function numberOf(name: string): number {
  return "abcd".indexOf(name);
}

/** Each with what was agreed on, what this device stopped to hold after that, and what was then done on each side. */
interface Example {
  readonly base: readonly Edit[];
  readonly away?: readonly Edit[];
  readonly here: readonly Edit[];
  readonly there: readonly Edit[];
  /** What this device stops to hold in the end. */
  readonly awayAfter?: readonly Edit[];
  /** What both hold in the end. */
  readonly held: string;
  /** Whose changes are seen one at a time. */
  readonly slowly?: boolean;
}

const EXAMPLES: Readonly<Record<string, Example>> = {
  "brings back a directory that was deleted here when the move out of it is undone": {
    base: [directory(0, "a"), directory(0, "b"), directory(2, "a")],
    here: [move(2, 1, "b"), remove(1)], // b/a to a/b, and b is gone
    there: [move(0, 3, "a")], // a to b/a/a
    held: "b directory\nb/a directory\nb/a/a directory",
  },
  "brings back a directory that was deleted here also when the changes are seen one at a time": {
    base: [directory(0, "a"), directory(1, "a"), directory(0, "b")],
    here: [move(1, 3, "a"), remove(0)],
    there: [move(2, 2, "a")],
    held: "a directory\na/a directory\na/a/a directory",
    slowly: true,
  },
  "brings back a directory that was deleted here when what was moved out of it went into a new directory": {
    base: [directory(0, "a"), directory(0, "c"), directory(1, "a")],
    here: [directory(2, "a"), move(2, 4, "a"), remove(0)], // a/a to c/a/a, where c/a is new, and a is gone
    there: [move(1, 3, "a")], // c to a/a/a
    held: "a directory\na/a directory\na/a/a directory\na/a/a/a directory",
    slowly: true,
  },
  "lets a directory go that was moved there into what this device does not hold, below what was moved into it here": {
    base: [directory(0, "c"), directory(0, "b"), directory(2, "a")],
    away: [hold(2)], // b/a
    here: [move(1, 1, "b")], // b to c/b
    there: [move(0, 3, "a")], // c to b/a/a
    held: "b directory",
  },
  "lets a directory go also when its name is taken that the one in it has at the hub": {
    base: [directory(0, "b"), directory(0, "a"), directory(1, "b")],
    away: [hold(2)], // b/b
    here: [move(0, 2, "a"), file(0, "b")], // b to a/a, and a new file b
    there: [move(1, 3, "a"), directory(1, "a")], // a to b/b/a, and a new directory b/a
    held: "b 1 f2a69722\nb directory\nb/a directory",
  },
  "lets a directory go whose move here is undone when this device has stopped holding the one it came from": {
    base: [file(0, "a"), directory(0, "b"), directory(1, "b"), file(0, "d"), directory(0, "c")],
    here: [move(0, 1, "a"), move(2, 3, "a"), file(0, "a")], // a to b/a, b/b to c/a, and a new file a
    there: [file(1, "a"), move(4, 2, "a"), file(0, "c"), file(1, "c")], // c to b/b/a, and new files b/a, c and b/c
    awayAfter: [hold(1)], // b
    held: "a f2a69722\nc f2a69722\nd f2a69722",
  },
};

for (const [what, { base, away = [], here, there, awayAfter = [], held, slowly = false }] of Object.entries(EXAMPLES)) {
  it(what, () => {
    const world = new PlannedWorld();
    for (const each of base) world.editLocal(each);
    world.settle((dirty) => dirty);
    for (const each of away) world.editAway(each);
    world.settle((dirty) => dirty);
    for (const each of here) world.editLocal(each);
    for (const each of there) world.editRemote(each);
    for (const each of awayAfter) world.editAway(each);
    let round = 0;
    world.settle((dirty) => (slowly ? dirty.slice(round++ % dirty.length).slice(0, 1) : dirty));
    expect(world.tree("local")).toBe(held);
    expect(world.tree("remote", "held")).toBe(held);
  });
}
