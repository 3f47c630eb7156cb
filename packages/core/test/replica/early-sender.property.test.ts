import fc from "fast-check";
import { describe as group, expect, it } from "vitest";
import { type LocalTree, type MemoryLocalTree, type Transport, TwinfoldError } from "@twinfold/core";
import { createTwins, describe, type Device, texts, type TwinsOptions } from "./twins.js";

/** As long as a look goes on before what it has found goes up, in ms. */
const SECOND = 1_000;

/** Two devices; each listing of the laptop's disk takes a second, and `onList` comes in between. */
async function slowPair(onList: (nth: number) => void | Promise<void> = () => {}, options: TwinsOptions = {}) {
  let listed = 0;
  const wrapTree = (tree: MemoryLocalTree, device: string): LocalTree => {
    if (device !== "laptop") return tree;
    return {
      ...tree,
      list: async (path) => {
        await twins.env.sleep(SECOND);
        await onList(++listed);
        return await tree.list(path);
      },
    };
  };
  const twins = await createTwins(["laptop", "phone"], { ...options, wrapTree });
  const [laptop, phone] = twins.devices as [Device, Device];
  return { twins, laptop, phone };
}

const DIRECTORIES = ["", "a", "a/b", "c", "d"];
const NAMES = ["x", "y", "z"];
const path = fc
  .tuple(fc.constantFrom(...DIRECTORIES), fc.constantFrom(...NAMES))
  .map(([directory, name]) => (directory === "" ? name : `${directory}/${name}`));
const directory = fc.constantFrom(...DIRECTORIES.slice(1), "e", "a/f", "c/g");

type Op =
  | { readonly kind: "write" | "remove"; readonly path: string }
  | { readonly kind: "rename" | "rename-directory"; readonly path: string; readonly to: string };

const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("write" as const), path }) },
  fc.record({ kind: fc.constant("remove" as const), path: fc.oneof(path, directory) }),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("rename" as const), path, to: path }) },
  fc.record({ kind: fc.constant("rename-directory" as const), path: directory, to: directory }),
);

/** Does it as far as a disk would, each write with bytes of its own. */
function act(tree: MemoryLocalTree, { kind, path, ...rest }: Op, text: string): void {
  try {
    if (kind === "write") tree.write(path, text);
    else if (kind === "remove") tree.rm(path);
    else if ("to" in rest && !tree.files().has(rest.to)) tree.rename(path, rest.to);
  } catch {
    // There is no such thing, or it is in the way.
  }
}

group("what goes up while the folder is looked at", () => {
  it("is what the person made, whatever they do between two directories of the look: nothing more, nothing twice, nothing lost", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(op, { maxLength: 10 }),
        fc.array(op, { maxLength: 10 }),
        fc.array(fc.record({ at: fc.integer({ min: 1, max: 8 }), op }), { maxLength: 6 }),
        async (before, apart, during) => {
          let isLive = false;
          let listed = 0;
          const { twins, laptop, phone } = await slowPair(() => {
            listed += 1;
            for (const [index, { at, op }] of during.entries()) if (isLive && listed === at) act(laptop.tree, op, `during ${index}`);
          });
          for (const [index, op] of before.entries()) act(laptop.tree, op, `before ${index}`);
          await twins.settle();
          await laptop.restart();
          for (const [index, op] of apart.entries()) act(laptop.tree, op, `apart ${index}`);
          listed = 0;
          isLive = true;
          await laptop.replica.sync({ confirm: true });
          isLive = false;
          const made = describe(laptop.tree);
          await laptop.replica.sync({ confirm: true });
          await phone.replica.sync({ confirm: true });
          await twins.settle();
          expect(describe(laptop.tree)).toBe(made);
          expect(describe(phone.tree)).toBe(made);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("meets what another device does meanwhile as ever: both come to hold the same, and each text is somewhere", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ kind: fc.constant("write" as const), path }), { maxLength: 10 }),
        fc.array(fc.record({ at: fc.integer({ min: 1, max: 8 }), op: fc.record({ kind: fc.constant("write" as const), path }) }), { maxLength: 6 }),
        async (mine, theirs) => {
          const { twins, laptop, phone } = await slowPair(async (nth) => {
            // What it has by then it would replace.
            const now = theirs.filter(({ at, op }) => at === nth && !phone.tree.files().has(op.path));
            for (const { op } of now) act(phone.tree, op, `theirs ${nth} ${op.path}`);
            if (now.length > 0) await phone.sync();
          });
          for (const op of mine) act(laptop.tree, op, `mine ${op.path}`);
          const written = new Set(Object.values(texts(laptop.tree)));
          await laptop.sync();
          await twins.settle();
          expect(describe(phone.tree)).toBe(describe(laptop.tree));
          const found = new Set(Object.values(texts(laptop.tree)));
          for (const text of written) expect(found).toContain(text);
        },
      ),
      { numRuns: 30 },
    );
  });

  it("is on the other device before the last directory was looked at", async () => {
    const seen: number[] = [];
    const { laptop, phone } = await slowPair(async () => {
      await phone.sync();
      seen.push(Object.keys(texts(phone.tree)).length);
    });
    for (const name of ["a", "b", "c", "d", "e", "f"]) for (let at = 0; at < 3; at++) laptop.tree.write(`${name}/${at}`, `${name} ${at}`);
    await laptop.sync();
    expect(seen.at(-1)).toBeGreaterThan(0);
    expect(seen.at(-1)).toBeLessThan(18);
  });

  it("is not a new directory that holds nothing but what rules leave alone", async () => {
    const names = new Set<string>();
    const { laptop, phone } = await slowPair(async () => {
      await phone.sync();
      for (const name of phone.tree.files().keys()) names.add(name);
    });
    laptop.tree.write(".twinfoldignore", "*.tmp\n");
    for (const name of ["a", "b", "c", "d"]) laptop.tree.write(`${name}/x.txt`, name);
    // It is looked at last.
    laptop.tree.write("0bare/x.tmp", "nobody's");
    await laptop.sync();
    await phone.sync();
    for (const name of phone.tree.files().keys()) names.add(name);
    expect([...names].filter((name) => name.startsWith("0bare"))).toEqual([]);
    expect(names.size).toBeGreaterThan(4);
  });

  it("waits for rules that the hub has and this device has not", async () => {
    const { laptop, phone } = await slowPair();
    phone.tree.write(".twinfoldignore", "*.tmp\n");
    await phone.sync();
    for (const name of ["a", "b", "c", "d"]) for (const end of ["txt", "tmp"]) laptop.tree.write(`${name}/x.${end}`, name);
    expect(await laptop.sync()).toMatchObject({ inSync: true, filesUploaded: 4 });
    await phone.sync();
    expect(Object.keys(texts(phone.tree))).toHaveLength(5);
  });

  it("ends with the connection, and the look goes on: the next pass has the rest", async () => {
    let isDown = true;
    let listed = 0;
    const wrapTransport = (transport: Transport, device: string): Transport => ({
      ...transport,
      commit: async (...asked) => {
        if (isDown && device === "laptop") throw new TwinfoldError("ERR_UNREACHABLE", "the network is down");
        return await transport.commit(...asked);
      },
    });
    const { twins, laptop, phone } = await slowPair(
      () => {
        listed += 1;
      },
      { wrapTransport },
    );
    for (const name of ["a", "b", "c", "d"]) laptop.tree.write(`${name}/x`, name);
    await expect(laptop.sync()).rejects.toMatchObject({ code: "ERR_UNREACHABLE" });
    expect(listed).toBe(5);
    isDown = false;
    await twins.settle();
    expect(describe(phone.tree)).toBe(describe(laptop.tree));
    expect(Object.keys(texts(laptop.tree))).toHaveLength(4);
  });
});
