import { createMemoryReplicaStore, createReplica, type NameRules } from "@twinfold/core";
import { describe, expect, it } from "vitest";
import { createTwins, type Device, texts, type Twins } from "./twins.js";

const WINDOWS: Partial<NameRules> = { foldsCase: true, reserved: "windows" };
const FOLDING: Partial<NameRules> = { foldsCase: true, foldsNormalization: true };

async function linuxAnd(names: Partial<NameRules>): Promise<Twins & { readonly linux: Device; readonly other: Device }> {
  const twins = await createTwins(["linux", "other"], { names: { other: names } });
  const [linux, other] = twins.devices as [Device, Device];
  return Object.assign(twins, { linux, other });
}

async function meet(twins: Twins): Promise<void> {
  for (let round = 0; round < 3; round++) {
    for (const device of twins.devices) expect(await device.sync()).toMatchObject({ inSync: true, skipped: [], conflicts: 0 });
  }
}

describe("a node that is shown under an alias because of its twin", () => {
  it("keeps its name when the twin goes and somebody makes something new of that name here: that takes a conflict name", async () => {
    const twins = await linuxAnd(FOLDING);
    const { linux, other } = twins;
    linux.tree.write("A/inner", "in a directory");
    await meet(twins);
    linux.tree.write("a", "the twin");
    await meet(twins);
    other.tree.rm("A");
    other.tree.write("a", "new");
    for (let round = 0; round < 3; round++)
      for (const device of twins.devices) expect(await device.sync()).toMatchObject({ inSync: true, skipped: [] });
    const found = texts(linux.tree);
    expect(found.a).toBe("the twin");
    expect(Object.values(found).sort()).toEqual(["new", "the twin"]);
  });
});

describe("a node whose name a disk cannot hold", () => {
  it("is shown there under an alias, and said, and stays what it is", async () => {
    const twins = await linuxAnd(WINDOWS);
    const { linux, other } = twins;
    for (const name of ["CON", "what?.txt", "dot.", "plain.txt"]) linux.tree.write(name, name);
    linux.tree.write("aux/inner:1", "deep");
    await meet(twins);

    expect(texts(other.tree)).toEqual({
      "%43ON": "CON",
      "what%3F.txt": "what?.txt",
      "dot%2E": "dot.",
      "plain.txt": "plain.txt",
      "%61ux/inner%3A1": "deep",
    });
    expect(Object.keys(texts(linux.tree)).sort()).toEqual(["CON", "aux/inner:1", "dot.", "plain.txt", "what?.txt"]);
    const { aliased } = await other.sync();
    expect(aliased.map(({ path }) => path)).toEqual(["%43ON", "%61ux", "%61ux/inner%3A1", "dot%2E", "what%3F.txt"]);
    expect(aliased[4]?.reason).toBe('its name is "what?.txt", which this disk cannot hold: it contains "?"');
    expect((await other.replica.status()).aliased).toEqual(aliased);
    await other.restart();
    expect((await other.replica.status()).aliased, "told by a process that has not looked at the folder").toEqual(aliased);
    expect((await linux.sync()).aliased).toEqual([]);
    for (const path of ["what%3F.txt", "what?.txt"]) {
      expect((await other.replica.explain(path as never)).explanation).toContain('This disk shows it as "what%3F.txt"');
    }
  });

  it("is edited, moved and deleted under its alias like any other", async () => {
    const twins = await linuxAnd(WINDOWS);
    const { linux, other } = twins;
    linux.tree.write("what?.txt", "one");
    linux.tree.write("a:b/inner", "two");
    linux.tree.mkdir("folder");
    await meet(twins);

    other.tree.write("what%3F.txt", "edited");
    other.tree.write("a%3Ab/new", "three");
    await meet(twins);
    expect(texts(linux.tree)).toEqual({ "what?.txt": "edited", "a:b/inner": "two", "a:b/new": "three" });

    other.tree.rename("what%3F.txt", "folder/what%3F.txt");
    await meet(twins);
    expect(texts(linux.tree)).toEqual({ "folder/what?.txt": "edited", "a:b/inner": "two", "a:b/new": "three" });

    other.tree.rm("a%3Ab");
    await meet(twins);
    expect(texts(linux.tree)).toEqual({ "folder/what?.txt": "edited" });
    expect(linux.tree.files().has("a:b")).toBe(false);
  });

  it("gets the name that a person gives it there", async () => {
    const twins = await linuxAnd(WINDOWS);
    twins.linux.tree.write("what?.txt", "one");
    await meet(twins);
    twins.other.tree.rename("what%3F.txt", "answer.txt");
    await meet(twins);
    for (const device of twins.devices) expect(texts(device.tree)).toEqual({ "answer.txt": "one" });
    expect((await twins.other.sync()).aliased).toEqual([]);
  });

  it("gets another alias when it is renamed elsewhere, and none when it needs none", async () => {
    const twins = await linuxAnd(WINDOWS);
    twins.linux.tree.write("what?.txt", "one");
    await meet(twins);
    twins.linux.tree.rename("what?.txt", "why?.txt");
    await meet(twins);
    expect(texts(twins.other.tree)).toEqual({ "why%3F.txt": "one" });
    twins.linux.tree.rename("why?.txt", "because.txt");
    await meet(twins);
    expect(texts(twins.other.tree)).toEqual({ "because.txt": "one" });
    expect((await twins.other.sync()).aliased).toEqual([]);
  });

  it("makes room for a node that really has the name of its alias", async () => {
    const twins = await linuxAnd(WINDOWS);
    twins.linux.tree.write("what?.txt", "one");
    await meet(twins);
    twins.linux.tree.write("what%3F.txt", "two");
    await meet(twins);
    const shown = texts(twins.other.tree);
    expect(shown["what%3F.txt"]).toBe("one");
    expect(Object.entries(shown).find(([, text]) => text === "two")?.[0]).toMatch(/^what%3F \(alias [0-9a-f]{8}\)\.txt$/);
  });

  it("keeps a conflict copy under a name that the disk can hold", async () => {
    const twins = await linuxAnd(WINDOWS);
    twins.linux.tree.write("what?.txt", "one");
    await meet(twins);
    twins.linux.tree.write("what?.txt", "theirs");
    twins.other.tree.write("what%3F.txt", "mine");
    await twins.linux.sync();
    expect(await twins.other.sync()).toMatchObject({ inSync: true, conflicts: 1 });
    await meet(twins);
    expect(Object.values(texts(twins.linux.tree)).sort()).toEqual(["mine", "theirs"]);
    expect(Object.keys(texts(twins.linux.tree)).sort()[0]).toMatch(/^what\? \(conflict, other, /);
    expect(Object.keys(texts(twins.other.tree)).sort()[0]).toMatch(/^what%3F \(conflict, other, /);
  });

  it("that is too long is shown with the end of its stem cut off", async () => {
    const twins = await linuxAnd({ maxNameBytes: 143 });
    const name = `${"long ".repeat(40)}.txt`;
    twins.linux.tree.write(name, "one");
    await meet(twins);
    const [shown = ""] = Object.keys(texts(twins.other.tree));
    expect(shown).toMatch(/^long long .* \(alias [0-9a-f]{32}\)\.txt$/);
    twins.other.tree.write(shown, "two");
    await meet(twins);
    expect(texts(twins.linux.tree)).toEqual({ [name]: "two" });
  });
});

describe("names that a disk takes for one", () => {
  it("stand there side by side, the second under an alias, whichever comes first", async () => {
    const twins = await linuxAnd(FOLDING);
    for (const name of ["README.md", "readme.md", "ReadMe.md"]) twins.linux.tree.write(name, name);
    twins.linux.tree.write("Folder/a", "upper");
    twins.linux.tree.write("folder/a", "lower");
    await meet(twins);

    const shown = texts(twins.other.tree);
    expect(Object.values(shown).sort()).toEqual(["README.md", "ReadMe.md", "lower", "readme.md", "upper"]);
    expect(Object.keys(shown).filter((path) => / \(alias [0-9a-f]{8}\)/.test(path))).toHaveLength(3);
    expect((await twins.other.sync()).aliased).toHaveLength(3);

    for (const path of Object.keys(shown)) twins.other.tree.write(path, `${shown[path]} edited`);
    await meet(twins);
    for (const name of ["README.md", "readme.md", "ReadMe.md"]) expect(texts(twins.linux.tree)[name]).toBe(`${name} edited`);
    expect(texts(twins.linux.tree)).toMatchObject({ "Folder/a": "upper edited", "folder/a": "lower edited" });
  });

  it("that came one after the other swap their names at the hub without a loss", async () => {
    const twins = await linuxAnd(FOLDING);
    twins.linux.tree.write("README.md", "upper");
    await meet(twins);
    twins.linux.tree.write("readme.md", "lower");
    await meet(twins);
    twins.linux.tree.rename("README.md", "other");
    twins.linux.tree.rename("readme.md", "README.md");
    twins.linux.tree.rename("other", "readme.md");
    await meet(twins);
    expect(texts(twins.linux.tree)).toEqual({ "README.md": "lower", "readme.md": "upper" });
    expect(Object.values(texts(twins.other.tree)).sort()).toEqual(["lower", "upper"]);
  });

  it("make no alias when the one goes as the other comes", async () => {
    const twins = await linuxAnd(FOLDING);
    twins.linux.tree.write("README.md", "upper");
    await meet(twins);
    twins.linux.tree.rm("README.md");
    twins.linux.tree.write("readme.md", "lower");
    await meet(twins);
    expect(texts(twins.other.tree)).toEqual({ "readme.md": "lower" });
  });
});

describe("a folder that is linked again after its metadata was lost", () => {
  it("knows its nodes by their aliases, and makes nothing twice", async () => {
    for (const names of [WINDOWS, FOLDING, { maxNameBytes: 143 }]) {
      const twins = await linuxAnd(names);
      for (const name of ["what?.txt", "CON", "README.md", "readme.md", `${"n".repeat(200)}.txt`, "a:/x?", "A:/y"])
        twins.linux.tree.write(name, name);
      await meet(twins);
      const [before, shown] = [texts(twins.linux.tree), texts(twins.other.tree)];
      expect(Object.keys(shown)).toHaveLength(7);

      twins.other.replica = await createReplica({
        workspaceId: twins.workspaceId,
        tree: twins.other.tree,
        store: createMemoryReplicaStore(),
        transport: twins.other.transport,
        env: twins.env,
        deviceName: "other",
      });
      await meet(twins);
      expect(texts(twins.other.tree)).toEqual(shown);
      expect(texts(twins.linux.tree)).toEqual(before);
    }
  });
});

describe("a disk that lists names in form D", () => {
  it("sees no rename and no new node in what it lists", async () => {
    const twins = await linuxAnd({ ...FOLDING, listsDecomposed: true });
    const name = "caf\u00e9/\u30ac.txt";
    twins.linux.tree.write(name, "one");
    await meet(twins);
    twins.other.tree.write(name.normalize("NFD"), "two");
    twins.other.tree.write("caf\u00e9/m\u00e4rz".normalize("NFD"), "new");
    await meet(twins);
    expect(texts(twins.linux.tree)).toEqual({ [name]: "two", "caf\u00e9/m\u00e4rz": "new" });
    expect(await twins.other.sync()).toMatchObject({ aliased: [], filesUploaded: 0, moved: 0 });
  });
});

const DISKS = { "one that tells case apart": {}, "one that folds case": { foldsCase: true }, "one that folds case and Unicode forms": FOLDING };
const KINDS = { file: "notes.txt", directory: "folder" } as const;

describe("inc-13-case-only-rename", () => {
  for (const [disk, names] of Object.entries(DISKS)) {
    for (const [kind, name] of Object.entries(KINDS)) {
      for (const by of ["linux", "other"] as const) {
        it(`of a ${kind} on ${by === "linux" ? "Linux" : "the other disk"} arrives everywhere, when the other disk is ${disk}`, async () => {
          const twins = await linuxAnd(names);
          const path = (spelling: string) => (kind === "file" ? spelling : `${spelling}/inner/deep.txt`);
          twins.linux.tree.write(path(name), "one");
          await meet(twins);
          twins[by].tree.rename(name, name.toUpperCase());
          await meet(twins);
          for (const device of twins.devices) expect(texts(device.tree)).toEqual({ [path(name.toUpperCase())]: "one" });
          twins[by].tree.write(path(name.toUpperCase()), "two");
          await meet(twins);
          for (const device of twins.devices) expect(texts(device.tree)).toEqual({ [path(name.toUpperCase())]: "two" });
          expect((await twins.other.sync()).aliased).toEqual([]);
        });
      }
    }
  }

  it("by both devices to different spellings leaves one file, with the hub's spelling", async () => {
    const twins = await linuxAnd(FOLDING);
    twins.linux.tree.write("notes.txt", "one");
    await meet(twins);
    twins.linux.tree.rename("notes.txt", "Notes.txt");
    twins.other.tree.rename("notes.txt", "NOTES.txt");
    for (let round = 0; round < 3; round++) for (const device of twins.devices) await device.sync();
    for (const device of twins.devices) expect(texts(device.tree)).toEqual({ "Notes.txt": "one" });
  });
});
