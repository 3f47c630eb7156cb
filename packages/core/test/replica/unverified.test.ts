import {
  createReplica,
  type FileSynced,
  isConflictName,
  type LocalPath,
  type LocalStat,
  type LocalTree,
  type MemoryLocalTree,
  parsePath,
} from "@twinfold/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createTwins, type Device, texts, type Twins } from "./twins.js";

const PATHS = ["a", "b", "folder/c", "folder/d"];
const TEXTS = Object.fromEntries(PATHS.map((path) => [path, `the text of ${path}`]));

/** What a loss of power may leave of a file that the disk did not have. */
const REMAINS = {
  whole: async () => {},
  absent: async (tree, path) => tree.rm(path),
  empty: async (tree, path) => rest(tree, path, ""),
  torn: async (tree, path) => rest(tree, path, "the t\0\0\0"),
} satisfies Record<string, (tree: MemoryLocalTree, path: string) => Promise<void>>;

/** Other bytes, under the modification time that the file had. */
async function rest(tree: MemoryLocalTree, path: string, text: string): Promise<void> {
  const at = parsePath(path);
  const { mtimeNs, executable } = (await tree.stat(at)) as LocalStat;
  tree.write(path, text);
  await tree.setAttributes(at, (await tree.stat(at)) as LocalStat, { mtimeNs, executable });
}

type Sync = (tree: LocalTree, paths: readonly LocalPath[]) => Promise<readonly FileSynced[]>;

/** A laptop whose files the hub has, and a phone that is to get them and whose disk answers `sync` so. */
async function laptopAndPhone(sync: Sync): Promise<{ readonly twins: Twins; readonly laptop: Device; readonly phone: Device }> {
  const twins = await createTwins(["laptop", "phone"], {
    wrapTree: (tree, name) => (name === "phone" ? { ...tree, sync: async (paths) => await sync(tree, paths) } : tree),
  });
  const [laptop, phone] = twins.devices as [Device, Device];
  for (const [path, text] of Object.entries(TEXTS)) laptop.tree.write(path, text);
  await laptop.sync();
  return { twins, laptop, phone };
}

/** The phone as it starts in the next boot of its machine, or in the same one. */
async function startAgain({ twins, phone }: { readonly twins: Twins; readonly phone: Device }, bootId: string): Promise<void> {
  const { tree, store, transport, name } = phone;
  const { workspaceId, env } = twins;
  phone.replica = await createReplica({ workspaceId, tree, store, transport, env: { ...env, bootId }, deviceName: name });
}

const dies: Sync = async () => {
  throw new Error("the machine stops");
};
const isDurable: Sync = async (tree, paths) => await tree.sync(paths);

describe("small files that are put in place without waiting for the disk", () => {
  it("come again, whatever a loss of power leaves of them before the disk has them", async () => {
    const remains = fc.constantFrom(...Object.keys(REMAINS)) as fc.Arbitrary<keyof typeof REMAINS>;
    await fc.assert(
      fc.asyncProperty(fc.tuple(remains, remains, remains, remains), async (left) => {
        const world = await laptopAndPhone(dies);
        await expect(world.phone.sync()).rejects.toThrow("the machine stops");
        expect(texts(world.phone.tree)).toEqual(TEXTS);
        for (const [index, path] of PATHS.entries()) await REMAINS[left[index] ?? "whole"](world.phone.tree, path);

        await startAgain(world, "the next boot");
        expect(await world.phone.sync()).toMatchObject({ inSync: true, filesUploaded: 0, filesDeleted: 0, conflicts: 0 });
        expect(texts(world.phone.tree)).toEqual(TEXTS);
        expect(await world.laptop.sync()).toMatchObject({ inSync: true, filesDownloaded: 0, filesDeleted: 0 });
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    ["the machine has run on", dies, "boot"],
    ["the disk had them", isDurable, "the next boot"],
  ] as const)("are deleted when they are gone and %s", async (_why, sync, bootId) => {
    const world = await laptopAndPhone(sync);
    await world.phone.sync().catch(() => {});
    world.phone.tree.rm("a");
    await startAgain(world, bootId);
    expect(await world.phone.sync()).toMatchObject({ inSync: true });
    await world.laptop.sync();
    expect(Object.keys(texts(world.laptop.tree))).toEqual(["b", "folder/c", "folder/d"]);
  });

  it("come again with their folder when somebody removed that, in which the disk had lost them", async () => {
    const world = await laptopAndPhone(dies);
    await world.phone.sync().catch(() => {});
    world.phone.tree.rm("folder");
    await startAgain(world, "the next boot");
    await world.phone.sync();
    await world.laptop.sync();
    await world.phone.sync();
    expect([texts(world.phone.tree), texts(world.laptop.tree)]).toEqual([TEXTS, TEXTS]);
  });

  it("are kept beside what somebody has written in their place since: nobody can tell whether the other was seen", async () => {
    const world = await laptopAndPhone(dies);
    await world.phone.sync().catch(() => {});
    world.phone.tree.write("a", "written by hand");
    await startAgain(world, "the next boot");
    await world.phone.sync();
    await world.laptop.sync();
    const { a, ...others } = texts(world.laptop.tree);
    expect(a).toBe("the text of a");
    expect(
      Object.entries(others)
        .filter(([, text]) => text === "written by hand")
        .map(([path]) => isConflictName(path)),
    ).toEqual([true]);
  });

  it("come again, and are waited for, when their fsync fails", async () => {
    let failures = 1;
    const { phone } = await laptopAndPhone(async (tree, paths) => {
      const synced = await tree.sync(paths);
      return synced.map((outcome, index) => (paths[index] === "b" && failures-- > 0 ? "lost" : outcome));
    });
    expect(await phone.sync()).toMatchObject({ inSync: true, filesDownloaded: 5, filesUnverified: 4 });
    expect(texts(phone.tree)).toEqual(TEXTS);
  });

  it("are 1,024 at most: while the disk has none of them, it is waited for with each that is more", async () => {
    const { laptop, phone } = await laptopAndPhone(async (_tree, paths) => paths.map(() => "unreachable"));
    for (let number = PATHS.length; number < 1_100; number++) laptop.tree.write(`many/${number}`, `the text of ${number}`);
    await laptop.sync();
    expect(await phone.sync()).toMatchObject({ inSync: true, filesDownloaded: 1_100, filesUnverified: 1_024 });
  });

  it("are durable before a pass says that all is in sync", async () => {
    const synced: LocalPath[] = [];
    const { phone } = await laptopAndPhone(async (tree, paths) => {
      synced.push(...paths);
      return await tree.sync(paths);
    });
    expect(await phone.sync()).toMatchObject({ inSync: true, filesUnverified: PATHS.length });
    expect(synced.toSorted()).toEqual(PATHS);
  });
});
