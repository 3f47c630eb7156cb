import { createMemoryLocalTree, type MemoryLocalTree } from "@twinfold/core";
import { describe, expect, it } from "vitest";
import { createTwins, type Device, describe as describeTree, texts, type Twins, type TwinsMemory } from "./twins.js";

/*
 * Every sequence of a few operations by three devices that were in step and are then apart, on a tree of four nodes: two directories
 * with a file in each. Operations name nodes, not paths, so that a second one meets what the first has moved.
 * Devices differ only in the order in which they come back, so the first of them to come back is always the first.
 */

const NODES = { a: "a", b: "b", f: "a/f", g: "b/g" } as const;
type NodeName = keyof typeof NODES;
type Directory = "root" | "a" | "b";

interface Operation {
  readonly title: string;
  /** False: it cannot be done there any more. */
  act(person: Person): boolean;
}

/** Somebody at one device, who knows the nodes by what they were. */
class Person {
  readonly #paths = new Map<NodeName, string>(Object.entries(NODES) as Array<[NodeName, string]>);
  readonly #tree: MemoryLocalTree;
  readonly #payload: () => string;
  /** Texts that were written over, by the node that holds the newer one here: with that removed unseen, the older may live on elsewhere. */
  readonly replaced = new Map<NodeName, string[]>();

  constructor(tree: MemoryLocalTree, payload: () => string) {
    this.#tree = tree;
    this.#payload = payload;
  }

  move(node: NodeName, directory: Directory, name: string): boolean {
    const from = this.#paths.get(node);
    const parent = this.#pathOf(directory);
    if (from === undefined || parent === undefined) return false;
    const to = parent === "" ? name : `${parent}/${name}`;
    if (`${to}/`.startsWith(`${from}/`) || this.#tree.files().has(to)) return false;
    this.#rename(from, to);
    return true;
  }

  swap(one: NodeName, other: NodeName): boolean {
    const [first, second] = [this.#paths.get(one), this.#paths.get(other)];
    if (first === undefined || second === undefined || `${first}/`.startsWith(`${second}/`) || `${second}/`.startsWith(`${first}/`)) return false;
    this.#rename(first, "passing");
    this.#rename(second, first);
    this.#rename("passing", second);
    return true;
  }

  remove(node: NodeName): boolean {
    const path = this.#paths.get(node);
    if (path === undefined) return false;
    this.#tree.rm(path);
    for (const [name, at] of this.#paths) {
      if (!`${at}/`.startsWith(`${path}/`)) continue;
      this.#paths.delete(name);
      this.replaced.delete(name);
    }
    return true;
  }

  edit(node: NodeName): boolean {
    const path = this.#paths.get(node);
    if (path === undefined) return false;
    this.replaced.set(node, [...(this.replaced.get(node) ?? []), texts(this.#tree)[path] ?? ""]);
    this.#tree.write(path, this.#payload());
    return true;
  }

  create(directory: Directory, name: string): boolean {
    const parent = this.#pathOf(directory);
    const path = parent === "" ? name : `${parent}/${name}`;
    if (parent === undefined || this.#tree.files().has(path)) return false;
    this.#tree.write(path, this.#payload());
    return true;
  }

  /** A file makes room for a directory of its name, with a file inside. */
  becomeDirectory(node: NodeName): boolean {
    const path = this.#paths.get(node);
    if (path === undefined) return false;
    this.remove(node);
    this.#tree.write(`${path}/inner`, this.#payload());
    return true;
  }

  #pathOf(directory: Directory): string | undefined {
    return directory === "root" ? "" : this.#paths.get(directory);
  }

  #rename(from: string, to: string): void {
    this.#tree.rename(from, to);
    for (const [name, at] of this.#paths) {
      if (`${at}/`.startsWith(`${from}/`)) this.#paths.set(name, to + at.slice(from.length));
    }
  }
}

function allOperations(): readonly Operation[] {
  const found: Operation[] = [];
  const add = (title: string, act: Operation["act"]): void => void found.push({ title, act });
  for (const node of Object.keys(NODES) as NodeName[]) {
    for (const directory of ["root", "a", "b"] as const) {
      for (const name of [node, "x"]) add(`move ${node} to ${directory}/${name}`, (person) => person.move(node, directory, name));
    }
    add(`remove ${node}`, (person) => person.remove(node));
  }
  add("swap a and b", (person) => person.swap("a", "b"));
  add("swap f and g", (person) => person.swap("f", "g"));
  for (const node of ["f", "g"] as const) add(`edit ${node}`, (person) => person.edit(node));
  for (const directory of ["root", "a", "b"] as const) add(`create ${directory}/x`, (person) => person.create(directory, "x"));
  add("f becomes a directory", (person) => person.becomeDirectory("f"));
  return found;
}

const OPERATIONS = allOperations();
const DEVICES = ["one", "two", "three"];

/** Which device does the first, the second, the third operation. */
const SHARES: Readonly<Record<number, ReadonlyArray<readonly number[]>>> = {
  1: [[0]],
  2: [
    [0, 0],
    [0, 1],
  ],
  3: [
    [0, 0, 0],
    [0, 0, 1],
    [0, 1, 1],
    [0, 1, 2],
  ],
};

function plant(tree: MemoryLocalTree): void {
  tree.write(NODES.f, "f as it was");
  tree.write(NODES.g, "g as it was");
}

/** Twins that have nothing to do. That they came to it is half the work of a sequence, and always the same: it is done once. */
async function inStep(): Promise<Twins> {
  memory ??= await (async () => {
    const twins = await createTwins(DEVICES, { plant });
    await twins.settle();
    return twins.remember();
  })();
  return await createTwins(DEVICES, { from: memory, plant });
}
let memory: TwinsMemory | undefined;

/** False: an operation of the sequence cannot be done, so that it is a shorter one. */
function act(trees: readonly MemoryLocalTree[], operations: readonly Operation[], share: readonly number[]): readonly Person[] | undefined {
  let written = 0;
  const people = trees.map((tree) => new Person(tree, () => `written ${written++}`));
  for (const [index, operation] of operations.entries()) if (!operation.act(people[share[index] ?? 0] as Person)) return undefined;
  return people;
}

/** False: the sequence cannot be done. */
async function run(operations: readonly Operation[], share: readonly number[]): Promise<boolean> {
  const bare = DEVICES.map(() => createMemoryLocalTree());
  for (const tree of bare) plant(tree);
  if (act(bare, operations, share) === undefined) return false;
  const twins = await inStep();
  const people = act(
    twins.devices.map((device) => device.tree),
    operations,
    share,
  );
  const alone = new Set(share).size === 1 ? describeTree((twins.devices[0] as Device).tree) : undefined;
  const before = twins.devices.map((device) => Object.values(texts(device.tree)));
  await twins.settle();

  const [first, ...others] = twins.devices.map((device) => describeTree(device.tree));
  for (const other of others) expect(other).toBe(first);
  if (alone !== undefined) expect(first).toBe(alone);
  const kept = Object.values(texts((twins.devices[0] as Device).tree));
  expect(new Set(kept).size, "no text is there twice").toBe(kept.length);
  const replaced = new Set(people?.flatMap((person) => [...person.replaced.values()].flat()));
  for (const text of kept) expect(replaced.has(text), `${text} was written over and is back`).toBe(false);
  // What everybody still had, and what somebody wrote and kept, is there.
  const wanted = before.flat().filter((text) => !replaced.has(text) && (text.startsWith("written") || before.every((list) => list.includes(text))));
  for (const text of wanted) expect(kept).toContain(text);
  return true;
}

/** All sequences of `length` operations, each as the digits of a number. */
function sequence(number: number, length: number): readonly Operation[] {
  return Array.from({ length }, (_, digit) => OPERATIONS[Math.floor(number / OPERATIONS.length ** digit) % OPERATIONS.length] as Operation);
}

/** 2 takes half a minute, 3 takes some. `SHARD=1/2` does the second half of the sequences. */
const LENGTH = Number(process.env.EXHAUSTIVE ?? (process.env.CI === "true" ? 2 : 1));
const [SHARD = 0, SHARDS = 1] = (process.env.SHARD ?? "0/1").split("/").map(Number);

describe("three devices that were apart", () => {
  it("begin in step, by what each remembers of the folder it has", async () => {
    const twins = await inStep();
    for (const device of twins.devices) {
      expect((await device.replica.plan()).steps).toEqual([]);
      expect(await device.replica.status()).toMatchObject({ pending: 0, nodes: Object.keys(NODES).length });
    }
  });

  for (let length = 1; length <= LENGTH; length++) {
    it(`converge and lose nothing, whatever ${length} of ${OPERATIONS.length} operations they did`, async () => {
      let done = 0;
      for (const share of SHARES[length] ?? []) {
        for (let number = SHARD; number < OPERATIONS.length ** length; number += SHARDS) {
          const operations = sequence(number, length);
          // Weak references are let go of only between tasks, and all that a virtual clock waits for is one task.
          await new Promise(setImmediate);
          try {
            if (await run(operations, share)) done += 1;
          } catch (error) {
            const said = operations.map(({ title }, index) => `device ${share[index]}: ${title}`).join("; ");
            throw new Error(`after ${said}: ${(error as Error).message}`, { cause: error });
          }
        }
      }
      console.log(`${done} sequences of ${length}`);
      expect(done).toBeGreaterThan(0);
    }, 1_800_000);
  }
});
