import { describe, expect, it } from "vitest";
import type { LocalPath, SyncReport } from "@twinfold/core";
import { createTwins, type Device, texts } from "./twins.js";

const at = (path: string) => path as LocalPath;

async function pair(options?: Parameters<typeof createTwins>[1]) {
  const twins = await createTwins(["laptop", "phone"], options);
  const [laptop, phone] = twins.devices as [Device, Device];
  return { twins, laptop, phone };
}

/** Syncs both in turn, a few times: what the devices hold may differ. */
async function meet(...devices: readonly Device[]): Promise<void> {
  for (let round = 0; round < 3; round++) for (const device of devices) expect(await device.sync()).toMatchObject({ inSync: true, skipped: [] });
}

describe("ignore rules", () => {
  it("leave new things alone, and come to the other device with what is synced", async () => {
    const { laptop, phone } = await pair();
    laptop.tree.write(".twinfoldignore", "*.log\nbuild/\n");
    laptop.tree.write("sub/.twinfoldignore", "!keep.log\n/only-here\n");
    for (const path of ["a.log", "build/out", "sub/keep.log", "sub/only-here", "sub/dir/only-here", "kept.txt", ".DS_Store"])
      laptop.tree.write(path, path);
    await meet(laptop, phone);
    expect(Object.keys(texts(phone.tree)).sort()).toEqual([
      ".twinfoldignore",
      "kept.txt",
      "sub/.twinfoldignore",
      "sub/dir/only-here",
      "sub/keep.log",
    ]);
    phone.tree.write("b.log", "of the phone");
    await meet(laptop, phone);
    expect(texts(laptop.tree)).not.toHaveProperty("b.log");
    expect(await laptop.replica.status()).toMatchObject({ ignored: 4, excluded: 0, elsewhere: 0 });
  });

  it.each(["src", "deep/down/src"])("that went with their directory, %s, still keep here what they left alone in it", async (src) => {
    const { laptop, phone } = await pair();
    laptop.tree.write(`${src}/.twinfoldignore`, ".env\n");
    laptop.tree.write(`${src}/a`, "source");
    await meet(laptop, phone);
    phone.tree.write(`${src}/.env`, "secret");
    phone.tree.write(`${src}/below/.env`, "secret too");
    await meet(phone);
    laptop.tree.rm(src.split("/")[0] ?? "");
    await meet(laptop, phone);
    expect([...laptop.tree.files().keys()]).toEqual([]);
    expect(texts(phone.tree)).toMatchObject({ [`${src}/.env`]: "secret", [`${src}/below/.env`]: "secret too" });
    expect(texts(phone.tree)).not.toHaveProperty(`${src}/a`);
  });

  it("that went with their directory go when they leave nothing alone in it", async () => {
    const { laptop, phone } = await pair();
    laptop.tree.write("src/.twinfoldignore", ".env\n");
    laptop.tree.write("src/a", "source");
    await meet(laptop, phone);
    laptop.tree.rm("src");
    await meet(laptop, phone);
    expect([...phone.tree.files().keys()]).toEqual([]);
  });

  it("come back with their directory when something new in it brings that back", async () => {
    const { laptop, phone } = await pair();
    laptop.tree.write("src/.twinfoldignore", ".env\n");
    laptop.tree.write("src/a", "source");
    await meet(laptop, phone);
    phone.tree.write("src/.env", "secret");
    phone.tree.write("src/new", "new");
    laptop.tree.rm("src");
    await meet(laptop, phone);
    expect(texts(laptop.tree)).toEqual({ "src/.twinfoldignore": ".env\n", "src/new": "new" });
    expect(texts(phone.tree)).toMatchObject({ "src/.env": "secret" });
  });

  it("hold below their directory too when the scan that read them was broken off", async () => {
    let onList = (_path: string): void => {};
    const { laptop, phone } = await pair({
      wrapTree: (tree) => ({
        ...tree,
        list: async (path) => {
          onList(path);
          return await tree.list(path);
        },
      }),
    });
    laptop.tree.write(".twinfoldignore", "*.log\n");
    laptop.tree.write("sub/deep/a.log", "ignored at first");
    laptop.tree.write("sub/deep/b.txt", "synced");
    await meet(laptop, phone);
    const stop = new AbortController();
    const reports: SyncReport[] = [];
    const paused = new Promise<void>((resolve) => {
      onList = (path) => {
        if (path !== "sub" || reports.length === 0) return;
        onList = () => {};
        laptop.replica.pause();
        resolve();
      };
    });
    const finished = new Promise<void>((resolve) => {
      laptop.replica.on("sync:finished", ({ report }) => {
        reports.push(report);
        if (reports.length === 1) laptop.tree.write(".twinfoldignore", "*.tmp\n");
        else resolve();
      });
    });
    const following = laptop.replica.follow({ signal: stop.signal });
    await paused;
    laptop.replica.resume();
    await finished;
    stop.abort();
    await following;
    expect(reports[1], "the first pass after the one that was broken off").toMatchObject({ filesUploaded: 2 });
    await phone.sync();
    expect(texts(phone.tree)).toMatchObject({ "sub/deep/a.log": "ignored at first" });
  });

  it("keep what they leave alone where it is when a file of its name comes, which has an alias there", async () => {
    const { laptop, phone } = await pair();
    laptop.tree.write(".twinfoldignore", "build/\n");
    laptop.tree.write("build/out", "ignored");
    laptop.tree.write("docs/build/out", "ignored too");
    phone.tree.write("build", "a file");
    phone.tree.write("docs", "another file");
    for (let round = 0; round < 3; round++)
      for (const device of [laptop, phone]) expect(await device.sync()).toMatchObject({ inSync: true, skipped: [] });
    expect(texts(phone.tree)).toMatchObject({ build: "a file", docs: "another file" });
    const here = texts(laptop.tree);
    expect(here).toMatchObject({ "build/out": "ignored", "docs/build/out": "ignored too" });
    const { aliased } = await laptop.sync();
    expect(aliased.map(({ path }) => here[path])).toEqual(["a file", "another file"]);

    laptop.tree.write(aliased[0]?.path ?? "", "edited under its alias");
    for (const device of [laptop, phone]) await device.sync();
    expect(texts(phone.tree).build).toBe("edited under its alias");

    laptop.tree.write(".twinfoldignore", "build/\nbuild\n");
    for (let round = 0; round < 3; round++) for (const device of [laptop, phone]) await device.sync();
    expect(Object.keys(texts(phone.tree)).sort(), "the alias is nobody's new file").toEqual([".twinfoldignore", "build", "docs"]);
  });

  it("can bring back what is ignored without a rule", async () => {
    const { laptop, phone } = await pair();
    laptop.tree.write(".twinfoldignore", "!.DS_Store\n");
    laptop.tree.write(".DS_Store", "wanted");
    await meet(laptop, phone);
    expect(texts(phone.tree)).toMatchObject({ ".DS_Store": "wanted" });
  });

  it("never delete, here or elsewhere, what was synced before they came; changes and removals stay on their side", async () => {
    const { laptop, phone } = await pair();
    for (const name of ["a", "b", "c", "d"]) laptop.tree.write(`build/${name}`, name);
    await meet(laptop, phone);
    laptop.tree.write(".twinfoldignore", "build/\n");
    phone.tree.write(".twinfoldignore", "build/\n");
    laptop.tree.write("build/a", "changed here");
    laptop.tree.rm("build/b");
    phone.tree.write("build/c", "changed there");
    phone.tree.rm("build/d");
    await meet(laptop, phone);
    expect(texts(laptop.tree)).toMatchObject({ "build/a": "changed here", "build/c": "c", "build/d": "d" });
    expect(texts(phone.tree)).toMatchObject({ "build/a": "a", "build/b": "b", "build/c": "changed there" });
    expect(await phone.replica.status()).toMatchObject({ ignored: 1, excluded: 5, pending: 0 });
  });

  it("let what they held meet again when they go: equal things without a word, edits with their old base, what is missing from the hub", async () => {
    const { twins, laptop, phone } = await pair();
    for (const name of ["same", "edited", "missing", "both"]) laptop.tree.write(`build/${name}`, name);
    await meet(laptop, phone);
    laptop.tree.write(".twinfoldignore", "build/\n");
    await meet(laptop, phone);
    laptop.tree.write("build/edited", "edited here");
    laptop.tree.write("build/both", "one side");
    laptop.tree.rm("build/missing");
    phone.tree.write("build/both", "other side");
    await meet(laptop, phone);
    phone.tree.rm(".twinfoldignore");
    await twins.settle();
    expect(texts(laptop.tree)).toMatchObject({ "build/same": "same", "build/edited": "edited here", "build/missing": "missing" });
    expect(Object.values(texts(laptop.tree)).sort()).toEqual(["edited here", "missing", "one side", "other side", "same"]);
  });

  it.each([
    ["goes", (tree: Device["tree"], rules: string) => tree.rm(rules)],
    ["gets another name", (tree: Device["tree"], rules: string) => tree.rename(rules, "old-rules")],
    ["moves into another directory", (tree: Device["tree"], rules: string) => tree.rename(rules, "other/.twinfoldignore")],
  ])("are gone within the pass that brings it that their file %s: in sync means that nothing of what they held is left to do", async (_, change) => {
    const { laptop, phone } = await pair();
    laptop.tree.write("dir/.twinfoldignore", "*.txt\n");
    laptop.tree.write("other/kept", "kept");
    await meet(laptop, phone);
    laptop.tree.write("dir/below/p.txt", "of the laptop");
    phone.tree.write("dir/below/q.txt", "of the phone");
    phone.tree.write("other/r.txt", "of the phone too");
    await meet(laptop, phone);
    change(laptop.tree, "dir/.twinfoldignore");
    await laptop.sync();
    expect(await phone.sync()).toMatchObject({ inSync: true, filesDownloaded: expect.toSatisfy((files: number) => files >= 1) });
    expect(texts(phone.tree)).toMatchObject({ "dir/below/p.txt": "of the laptop" });
    await laptop.sync();
    expect(texts(laptop.tree)).toMatchObject({ "dir/below/q.txt": "of the phone" });
  });

  it("hold through a restart, and when they change while no process runs", async () => {
    const { twins, laptop, phone } = await pair();
    laptop.tree.write("a.log", "log");
    laptop.tree.write("a.txt", "text");
    await meet(laptop, phone);
    laptop.tree.write(".twinfoldignore", "*.log\n");
    await laptop.sync();
    await laptop.restart();
    laptop.tree.rm("a.log");
    await meet(laptop, phone);
    expect(texts(phone.tree)).toHaveProperty(["a.log"]);
    laptop.tree.write(".twinfoldignore", "nothing\n");
    await laptop.restart();
    await twins.settle();
    expect(texts(laptop.tree)).toMatchObject({ "a.log": "log", "a.txt": "text" });
  });

  it("keep what they match away also when it comes from the hub", async () => {
    const { laptop, phone } = await pair();
    laptop.tree.write("dir/a.log", "log");
    laptop.tree.write("dir/b.txt", "text");
    await laptop.sync();
    phone.tree.write(".twinfoldignore", "*.log\n");
    await meet(phone);
    expect(Object.keys(texts(phone.tree))).toEqual([".twinfoldignore", "dir/b.txt"]);
  });

  it("come before what they keep away, on a device that is new", async () => {
    const { laptop, phone } = await pair();
    laptop.tree.write("deep/build/out", "out");
    await laptop.sync();
    laptop.tree.write("deep/.twinfoldignore", "build\n");
    await laptop.sync();
    await meet(phone);
    expect(Object.keys(texts(phone.tree))).toEqual(["deep/.twinfoldignore"]);
    expect(phone.tree.files().has("deep/build")).toBe(false);
  });

  it("keep ignored files and their directory on the disk when the directory is deleted elsewhere; nothing comes back", async () => {
    const { twins, laptop, phone } = await pair();
    laptop.tree.write(".twinfoldignore", "*.o\n");
    laptop.tree.write("src/a.c", "source");
    laptop.tree.write("src/inner/b.c", "source");
    await meet(laptop, phone);
    laptop.tree.write("src/a.o", "object");
    laptop.tree.write("src/inner/b.o", "object");
    laptop.tree.write("src/.DS_Store", "junk");
    phone.tree.rm("src");
    await meet(phone, laptop);
    await laptop.restart();
    await meet(laptop, phone);
    expect(texts(laptop.tree)).toEqual({ ".twinfoldignore": "*.o\n", "src/a.o": "object", "src/inner/b.o": "object" });
    expect([...phone.tree.files().keys()]).toEqual([".twinfoldignore"]);

    phone.tree.write("src/inner/new.c", "again");
    await meet(phone, laptop);
    expect(texts(laptop.tree)).toMatchObject({ "src/inner/new.c": "again", "src/inner/b.o": "object" });
    laptop.tree.rm("src/a.o");
    laptop.tree.rm("src/inner/b.o");
    await twins.settle();
  });

  it("take a directory away with what systems leave in it", async () => {
    const { twins, laptop, phone } = await pair();
    laptop.tree.write("photos/1.jpg", "one");
    await meet(laptop, phone);
    laptop.tree.write("photos/.DS_Store", "junk");
    phone.tree.rm("photos");
    await twins.settle();
    expect([...laptop.tree.files().keys()]).toEqual([]);
    expect(laptop.tree.trashed().map(({ path }) => path)).toContain("photos/.DS_Store");
  });

  it("let ignored things go along when their directory moves, from either side", async () => {
    const { laptop, phone } = await pair();
    laptop.tree.write(".twinfoldignore", "*.o\n");
    laptop.tree.write("src/a.c", "source");
    laptop.tree.write("src/a.o", "object");
    await meet(laptop, phone);
    phone.tree.rename("src", "source");
    await meet(phone, laptop);
    expect(texts(laptop.tree)).toMatchObject({ "source/a.c": "source", "source/a.o": "object" });
    laptop.tree.rename("source", "code");
    expect(await laptop.sync()).toMatchObject({ moved: 1, filesUploaded: 0, filesDeleted: 0 });
    await meet(laptop, phone);
    expect(texts(phone.tree)).toMatchObject({ "code/a.c": "source" });
  });

  it("say what they could not take, and are not lost while their file is written anew", async () => {
    const { laptop, phone } = await pair();
    laptop.tree.write(".twinfoldignore", `secret\n${"x".repeat(2000)}\n`);
    laptop.tree.write("secret", "mine");
    const report = await laptop.sync();
    expect(report.skipped).toEqual([{ path: ".twinfoldignore", reason: expect.stringContaining("line 2") as string }]);
    laptop.tree.write(".twinfoldignore", "");
    await laptop.replica.plan();
    await phone.sync();
    expect(texts(phone.tree)).not.toHaveProperty("secret");
  });

  it("are named by explain, with file, line and pattern, also for what nobody knows", async () => {
    const { laptop, phone } = await pair();
    laptop.tree.write("old.log", "log");
    await meet(laptop, phone);
    laptop.tree.write("sub/.twinfoldignore", "# notes\n*.log\n");
    laptop.tree.write(".twinfoldignore", "/old.log\n");
    laptop.tree.write("sub/a.log", "log");
    await meet(laptop, phone);
    expect(await laptop.replica.explain(at("sub/a.log"))).toMatchObject({
      state: "ignored",
      explanation: expect.stringContaining('line 2 of sub/.twinfoldignore, the pattern "*.log"') as string,
    });
    expect(await laptop.replica.explain(at("old.log"))).toMatchObject({
      state: "excluded",
      explanation: expect.stringContaining('line 1 of .twinfoldignore, the pattern "/old.log"') as string,
    });
    expect(await laptop.replica.explain(at("sub/not/there.log"))).toMatchObject({ state: "ignored" });
    expect(await laptop.replica.explain(at("Thumbs.db"))).toMatchObject({
      state: "ignored",
      explanation: expect.stringContaining("without a rule") as string,
    });
    expect(await laptop.replica.explain(at("nothing"))).toMatchObject({ state: "unknown" });
  });
});
