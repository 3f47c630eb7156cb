import { createMemoryLocalTree, isTwinfoldError, type LocalPath, type LocalStat, type LocalTree, parsePath } from "@twinfold/core";
import type { LocalEdit } from "@twinfold/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openDisk } from "./disk-edit.js";
import { DISKS } from "./temporary-folder.js";

const [, BASE] = DISKS.at(-1) as (typeof DISKS)[number];

interface Side {
  readonly tree: LocalTree;
  readonly edit: LocalEdit;
  /** Stats that were seen earlier, and may be outdated: what an engine works with. */
  readonly seen: Map<string, LocalStat | undefined>;
}

const path = fc.constantFrom("a", "b", "ü", "d", "d/a", "d/e", "d/e/a", "d/e/f").map(parsePath);
const text = fc.constantFrom("", "one", "twelve bytes");
/** Distinct in microseconds, and beyond what double-precision milliseconds can hold. */
const mtimeNs = fc.bigInt({ min: -(10n ** 18n), max: 2n * 10n ** 18n });
const attributes = fc.record({ executable: fc.boolean(), mtimeNs });

/** One thing that the engine or the person does, and what of its outcome both sides must agree on. */
type Step = (side: Side) => Promise<unknown>;

const step: fc.Arbitrary<{ readonly title: string; readonly run: Step }> = fc.oneof(
  fc.record({ on: path }).map(({ on }) => ({ title: `look ${on}`, run: look(on) })),
  fc.record({ on: path, bytes: text, attributes }).map(({ on, bytes, attributes: set }) => ({
    title: `place ${on}`,
    run: async ({ tree, seen }: Side) => {
      const staging = await tree.stage("key");
      try {
        await staging.truncate(0);
        await staging.append(new TextEncoder().encode(bytes));
        return summary(await staging.place(on, seen.get(on), set));
      } finally {
        await staging.close();
      }
    },
  })),
  fc.record({ on: path }).map(({ on }) => ({ title: `mkdir ${on}`, run: async ({ tree }: Side) => summary(await tree.makeDirectory(on)) })),
  fc.record({ on: path, target: fc.constantFrom("a", "../x") }).map(({ on, target }) => ({
    title: `symlink ${on}`,
    run: async ({ tree, seen }: Side) => summary(await tree.makeSymlink(on, target, seen.get(on))),
  })),
  fc.record({ on: path, to: path }).map(({ on, to }) => ({
    title: `move ${on} to ${to}`,
    run: async ({ tree, seen }: Side) => withStat(seen, on, async (stat) => summary(await tree.move(on, to, stat))),
  })),
  fc.record({ on: path, attributes }).map(({ on, attributes: set }) => ({
    title: `set attributes of ${on}`,
    run: async ({ tree, seen }: Side) => withStat(seen, on, async (stat) => summary(await tree.setAttributes(on, stat, set))),
  })),
  fc.record({ on: path }).map(({ on }) => ({
    title: `remove ${on}`,
    run: async ({ tree, seen }: Side) => withStat(seen, on, async (stat) => tree.remove(on, stat)),
  })),
  fc.record({ on: fc.constantFrom("a", "b", "g/h"), bytes: text, executable: fc.boolean() }).map(({ on, bytes, executable }) => ({
    title: `person writes ${on}`,
    run: async ({ tree, edit }: Side) => {
      if (((await tree.stat(parsePath(on)))?.kind ?? "file") === "file") await edit.write(on, bytes, { executable });
    },
  })),
  fc.record({ on: path }).map(({ on }) => ({
    title: `person removes ${on}`,
    run: async ({ tree, edit }: Side) => {
      if ((await tree.stat(on)) !== undefined) await edit.rm(on);
    },
  })),
);

function look(on: LocalPath): Step {
  return async ({ tree, seen }) => {
    seen.set(on, await tree.stat(on));
  };
}

async function withStat(seen: Side["seen"], on: string, run: (stat: LocalStat) => Promise<unknown>): Promise<unknown> {
  const stat = seen.get(on);
  return stat === undefined ? "never seen" : run(stat);
}

/** All of an outcome but inode and ctime, which no two disks share, and the times of what has none of ours. */
function summary(outcome: { readonly kind: string; readonly stat?: LocalStat }): unknown {
  const { kind, stat } = outcome;
  if (stat === undefined) return kind;
  return [kind, stat.kind, stat.kind === "directory" ? 0 : stat.sizeBytes, stat.executable];
}

async function state({ edit, tree }: Side): Promise<unknown> {
  const files = [...(await edit.files())].map(([on, entry]) => [on, entry.kind === "file" ? { ...entry, mtimeNs: 0n } : entry]);
  const trashed = (await edit.trashed()).map(({ path: from, entry }) => [from, entry.kind === "file" ? { ...entry, mtimeNs: 0n } : entry]);
  const listed = (await tree.list(parsePath(""))).entries.map(({ name, stat }) => [name, stat.kind]).sort();
  return { files, trashed, listed };
}

async function outcomeOf(run: Step, side: Side): Promise<unknown> {
  try {
    return await run(side);
  } catch (error) {
    if (isTwinfoldError(error)) return error.code;
    throw error;
  }
}

describe("createFsLocalTree", () => {
  it("does with a disk what the tree in memory does with itself, whatever the order of operations and edits", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const disk = await openDisk(BASE);
        const memory = createMemoryLocalTree();
        const sides: Side[] = [
          { tree: disk.tree, edit: disk.edit, seen: new Map() },
          { tree: memory, edit: memory, seen: new Map() },
        ];
        const done: string[] = [];
        for (const { title, run } of steps) {
          done.push(title);
          const [onDisk, inMemory] = [await outcomeOf(run, sides[0] as Side), await outcomeOf(run, sides[1] as Side)];
          expect(onDisk, done.join(", ")).toEqual(inMemory);
          expect(await state(sides[0] as Side), done.join(", ")).toEqual(await state(sides[1] as Side));
        }
      }),
      { numRuns: 200 },
    );
  });

  it("keeps any mtime to the microsecond below", async () => {
    const { tree } = await openDisk(BASE);
    await fc.assert(
      fc.asyncProperty(mtimeNs, async (time) => {
        const staging = await tree.stage("key");
        const placed = await staging.place(parsePath("a"), await tree.stat(parsePath("a")), { executable: false, mtimeNs: time });
        const kept = placed.kind === "done" ? placed.stat.mtimeNs : undefined;
        expect(kept).toBe(((time - (((time % 1000n) + 1000n) % 1000n)) / 1000n) * 1000n);
      }),
    );
  });
});
