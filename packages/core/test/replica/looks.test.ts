import type { LocalListing, LocalPath, LocalTree, ReplicaStore } from "@twinfold/core";
import { createReplica, TwinfoldError } from "@twinfold/core";
import { describe, expect, it } from "vitest";
import { createTwins, type Device, texts, type Twins } from "./twins.js";

const at = (path: string) => path as LocalPath;

interface Pair {
  readonly twins: Twins;
  readonly laptop: Device;
  readonly phone: Device;
}

async function pair(options?: Parameters<typeof createTwins>[1]): Promise<Pair> {
  const twins = await createTwins(["laptop", "phone"], options);
  const [laptop, phone] = twins.devices as [Device, Device];
  return { twins, laptop, phone };
}

/** Until each has what the other has for it, and remembers it. */
async function meet({ laptop, phone }: Omit<Pair, "twins">): Promise<void> {
  for (let round = 0; round < 5; round++) for (const device of [laptop, phone]) await device.sync();
}

const FILES = ["top", "a/1", "a/2", "a/deep/3", "b/4"];
/** The root, `a`, `a/deep` and `b`. */
const DIRECTORIES = 4;

async function remembering(options?: Parameters<typeof createTwins>[1]): Promise<Pair> {
  const made = await pair(options);
  for (const path of FILES) made.laptop.tree.write(path, path);
  await meet(made);
  expect(await made.laptop.sync()).toMatchObject({ directoriesUnchanged: DIRECTORIES });
  return made;
}

/** Counts the directories whose rows are read. */
function countReads(device: Device): { readonly count: () => number } {
  const store = device.store as { -readonly [Key in keyof ReplicaStore]: ReplicaStore[Key] };
  const { localChildren } = store;
  let count = 0;
  store.localChildren = (...args) => {
    count += 1;
    return localChildren(...args);
  };
  return { count: () => count };
}

describe("a look that is remembered", () => {
  it("stands for the rows of a directory in which nothing has changed, also to the next process", async () => {
    const { laptop } = await remembering();
    const reads = countReads(laptop);
    for (let start = 0; start < 2; start++) {
      expect(await laptop.sync()).toMatchObject({ inSync: true, filesUploaded: 0, directoriesUnchanged: DIRECTORIES });
      await laptop.restart();
    }
    expect(reads.count()).toBe(0);
  });

  it("is of one directory: what changes in another is found, and nothing else is read", async () => {
    const { laptop, phone } = await remembering();
    laptop.tree.write("a/deep/3", "new");
    const reads = countReads(laptop);
    expect(await laptop.sync()).toMatchObject({ filesUploaded: 1, directoriesUnchanged: DIRECTORIES - 1 });
    expect(reads.count()).toBe(1);
    await phone.sync();
    expect(texts(phone.tree)).toMatchObject({ "a/deep/3": "new" });
  });

  const CHANGES: Readonly<Record<string, (device: Device) => void>> = {
    "a file is written": ({ tree }) => tree.write("a/1", "one"),
    "a file comes": ({ tree }) => tree.write("a/new", "new"),
    "a file goes": ({ tree }) => tree.rm("a/1"),
    "a file is renamed": ({ tree }) => tree.rename("a/1", "a/one"),
    "two files swap their names": ({ tree }) => {
      tree.rename("a/1", "a/passing");
      tree.rename("a/2", "a/1");
      tree.rename("a/passing", "a/2");
    },
    "a file is moved into another directory": ({ tree }) => tree.rename("a/1", "b/1"),
    "a file becomes executable": ({ tree }) => tree.chmod("a/1", true),
    "a file becomes a directory": ({ tree }) => {
      tree.rm("a/1");
      tree.write("a/1/inside", "new");
    },
    "a directory comes": ({ tree }) => tree.write("a/new/inside", "new"),
    "a directory is renamed": ({ tree }) => tree.rename("a", "c"),
    "a directory is moved with what is in it": ({ tree }) => tree.rename("a/deep", "b/deep"),
    "a directory goes": ({ tree }) => tree.rm("a"),
    "a directory goes and another one of its name comes": ({ tree }) => {
      tree.rm("a/deep");
      tree.write("a/deep/other", "new");
    },
  };

  for (const [what, change] of Object.entries(CHANGES)) {
    it(`keeps no change from being found: ${what}`, async () => {
      const { twins, laptop, phone } = await remembering();
      change(laptop);
      const expected = [...laptop.tree.files()].map(([path, entry]) => [path, entry.kind]);
      await twins.settle();
      expect([...phone.tree.files()].map(([path, entry]) => [path, entry.kind])).toEqual(expected);
      expect(texts(phone.tree)).toEqual(texts(laptop.tree));
      for (const device of [laptop, phone]) expect(await device.replica.check()).toMatchObject({ sound: true, pending: 0 });
    });
  }

  it("comes again after what the hub has brought was looked at once", async () => {
    const { laptop, phone } = await remembering();
    phone.tree.write("a/1", "from the phone");
    await phone.sync();
    await laptop.sync();
    expect(await laptop.sync()).toMatchObject({ directoriesUnchanged: DIRECTORIES - 1 });
    expect(await laptop.sync()).toMatchObject({ directoriesUnchanged: DIRECTORIES });
    expect(texts(laptop.tree)).toMatchObject({ "a/1": "from the phone" });
  });

  it("does not keep a rule from taking what it names, and from giving it back", async () => {
    const { laptop, phone } = await remembering();
    laptop.tree.write(".twinfoldignore", "3\n");
    await meet({ laptop, phone });
    expect(await laptop.replica.status()).toMatchObject({ ignored: 1, excluded: 1 });
    laptop.tree.write("a/deep/3", "nobody's business");
    await meet({ laptop, phone });
    expect(texts(phone.tree)).toMatchObject({ "a/deep/3": "a/deep/3" });
    laptop.tree.rm(".twinfoldignore");
    await meet({ laptop, phone });
    expect(Object.values(texts(phone.tree))).toContain("nobody's business");
  });

  it("does not outlive a rule that holds for it, when the process dies before the look below the rule", async () => {
    let fails = false;
    const wrapTree = (tree: LocalTree, device: string): LocalTree => ({
      ...tree,
      async list(path): Promise<LocalListing> {
        if (fails && device === "laptop" && path !== "") throw new TwinfoldError("ERR_UNREACHABLE", "the process dies here");
        return await tree.list(path);
      },
    });
    const { laptop, phone } = await remembering({ wrapTree });
    laptop.tree.write(".twinfoldignore", "3\n4\n");
    fails = true;
    await expect(laptop.sync()).rejects.toThrow("the process dies here");
    fails = false;
    await laptop.restart();
    await meet({ laptop, phone });
    expect(await laptop.replica.status()).toMatchObject({ ignored: 2, excluded: 2 });
  });

  it("counts what rules leave alone as a look at it does", async () => {
    const { laptop } = await remembering();
    for (const path of ["a/.DS_Store", "a/deep/x.swp", "b/.DS_Store"]) laptop.tree.write(path, "a system's own");
    await laptop.sync();
    await laptop.sync();
    expect(await laptop.sync()).toMatchObject({ directoriesUnchanged: DIRECTORIES });
    expect(await laptop.replica.status()).toMatchObject({ ignored: 3 });
  });

  it("is not believed when the link chooses otherwise", async () => {
    const { twins, laptop, phone } = await remembering();
    await laptop.restart({ only: ["b"] });
    laptop.tree.write("a/1", "not chosen");
    laptop.tree.write("b/4", "chosen");
    await meet({ laptop, phone });
    expect(texts(phone.tree)).toMatchObject({ "a/1": "a/1", "b/4": "chosen" });
    expect(await laptop.sync()).toMatchObject({ directoriesUnchanged: 2 });
    expect(await laptop.replica.status()).toMatchObject({ ignored: 2, excluded: 6 });
    await laptop.restart({});
    await twins.settle();
    expect(Object.values(texts(laptop.tree))).toContain("not chosen");
    expect(texts(phone.tree)).toEqual(texts(laptop.tree));
  });

  it("is not believed where a directory above has another name, by which a rule holds or holds no more", async () => {
    const { laptop, phone } = await pair();
    laptop.tree.write(".twinfoldignore", "/closed/*/3\n");
    for (const path of FILES) laptop.tree.write(path, path);
    await meet({ laptop, phone });
    laptop.tree.rename("a", "closed");
    await meet({ laptop, phone });
    expect(await laptop.replica.status()).toMatchObject({ excluded: 1 });
    laptop.tree.write("closed/deep/3", "while nobody looks");
    await meet({ laptop, phone });
    laptop.tree.rename("closed", "open");
    await meet({ laptop, phone });
    expect(Object.values(texts(phone.tree))).toContain("while nobody looks");
    expect(texts(phone.tree)).toEqual(texts(laptop.tree));
  });

  it("does not bring back what was freed, and is there again with what was got", async () => {
    const { laptop, phone } = await remembering();
    expect(await laptop.replica.free(at("a"))).toMatchObject({ files: 3 });
    await meet({ laptop, phone });
    expect(texts(laptop.tree)).toEqual({ top: "top", "b/4": "b/4" });
    await laptop.replica.get(at("a"));
    await meet({ laptop, phone });
    expect(texts(laptop.tree)).toEqual(texts(phone.tree));
    expect(await laptop.sync()).toMatchObject({ directoriesUnchanged: DIRECTORIES });
  });

  it("goes with the record of a copy that was to be freed, when the process died before the file went", async () => {
    let dies = false;
    const wrapTree = (tree: LocalTree): LocalTree => ({
      ...tree,
      remove: async (...args) => (dies ? await new Promise<never>(() => {}) : await tree.remove(...args)),
    });
    const { laptop, phone } = await remembering({ wrapTree });
    dies = true;
    void laptop.replica.free(at("a/1"));
    await expect.poll(async () => (await laptop.replica.explain(at("a/1"))).state).toBe("elsewhere");
    dies = false;
    await laptop.restart();
    await meet({ laptop, phone });
    expect(await laptop.replica.explain(at("a/1"))).toMatchObject({ state: "in-sync" });
    expect(texts(phone.tree)).toEqual(texts(laptop.tree));
  });

  it("is not believed after a stop of the machine, with which the disk may have lost what was written a short time before", async () => {
    const { twins, laptop } = await remembering();
    const read = new Set<string>();
    const { workspaceId, env } = twins;
    const { tree, store, transport } = laptop;
    const reading: LocalTree = {
      ...tree,
      async cut(path, ...rest) {
        read.add(path);
        return await tree.cut(path, ...rest);
      },
    };
    for (const [bootId, files] of [
      [env.bootId, []],
      ["another boot", FILES],
      ["another boot", []],
    ] as const) {
      read.clear();
      const replica = await createReplica({ workspaceId, tree: reading, store, transport, env: { ...env, bootId } });
      await replica.sync();
      await replica.close();
      expect([...read].sort()).toEqual([...files].sort());
    }
  });

  it("is not believed of a folder that was put back: nothing in it is deleted for its absence", async () => {
    const { laptop, phone } = await remembering();
    laptop.tree.replaceRoot();
    laptop.tree.write("a/1", "a/1");
    await meet({ laptop, phone });
    expect(Object.keys(texts(laptop.tree)).sort()).toEqual([...FILES].sort());
    expect(texts(phone.tree)).toEqual(texts(laptop.tree));
  });

  it("does not hide that the hub went back: what it lost comes back from the folder", async () => {
    const { twins, laptop, phone } = await remembering();
    const backup = twins.backUpHub();
    laptop.tree.write("a/1", "after the backup");
    await meet({ laptop, phone });
    twins.restoreHub(backup);
    await meet({ laptop, phone });
    expect(texts(laptop.tree)).toMatchObject({ "a/1": "after the backup" });
    expect(texts(phone.tree)).toEqual(texts(laptop.tree));
  });

  it("is not of a file that was read so soon after it was written that another write leaves no trace", async () => {
    const SLOW_NS = 2_000_000_000n;
    const slow = (ns: bigint) => ns - (ns % SLOW_NS);
    // As FAT keeps times.
    const wrapTree = (tree: LocalTree): LocalTree => {
      const slowed = <Stat extends { readonly mtimeNs: bigint; readonly ctimeNs: bigint }>(stat: Stat): Stat => ({
        ...stat,
        mtimeNs: slow(stat.mtimeNs),
        ctimeNs: slow(stat.ctimeNs),
      });
      return {
        ...tree,
        async list(path) {
          const { entries, problems } = await tree.list(path);
          return { entries: entries.map(({ name, stat }) => ({ name, stat: slowed(stat) })), problems };
        },
        async stat(path) {
          const stat = await tree.stat(path);
          return stat && slowed(stat);
        },
        async cut(path, _expected, options) {
          const stat = await tree.stat(path);
          if (stat === undefined) throw new TwinfoldError("ERR_NOT_FOUND", "it is gone");
          return await tree.cut(path, stat, options);
        },
        async *read(path, _expected, options) {
          const stat = await tree.stat(path);
          if (stat !== undefined) yield* tree.read(path, stat, options);
        },
      };
    };
    const { twins, laptop, phone } = await pair({ wrapTree: (tree, device) => (device === "laptop" ? wrapTree(tree) : tree) });
    const tick = () => Math.floor(twins.env.nowMs() / 2_000);
    const first = tick();
    laptop.tree.write("a/1", "one");
    for (let pass = 0; pass < 3; pass++) await laptop.sync();
    laptop.tree.write("a/1", "two");
    expect(tick(), "of both writes").toBe(first);
    await twins.env.sleep(10_000);
    await laptop.sync();
    await phone.sync();
    expect(texts(phone.tree)).toEqual({ "a/1": "two" });
  });

  it("is of no directory with an ignore file, an alias, or a name that is told at every pass", async () => {
    const { laptop, phone } = await pair({ names: { laptop: { foldsCase: true } } });
    for (const path of ["rules/.twinfoldignore", "rules/x", "pipes/x", "plain/x"]) laptop.tree.write(path, path);
    laptop.tree.makeOther("pipes/pipe");
    phone.tree.write("twins/x", "small");
    phone.tree.write("twins/X", "large");
    await meet({ laptop, phone });
    const report = await laptop.sync();
    expect(report).toMatchObject({ directoriesUnchanged: 2, aliased: [{}], skipped: [{ path: "pipes/pipe" }] });
    expect(await laptop.sync()).toMatchObject({ skipped: report.skipped, aliased: report.aliased });
  });
});
