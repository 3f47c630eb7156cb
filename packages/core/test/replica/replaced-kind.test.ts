import { describe, expect, it } from "vitest";
import { createTwins, describe as describeTree, type Device } from "./twins.js";

async function agreed() {
  const twins = await createTwins(["laptop", "phone"]);
  const [laptop, phone] = twins.devices as [Device, Device];
  laptop.tree.write("file", "a file");
  laptop.tree.write("dir/inner", "inside");
  laptop.tree.symlink("link", "file");
  await twins.settle();
  return { twins, laptop, phone };
}

describe("a name that holds another kind of thing than before", () => {
  it("brings a directory where a file was", async () => {
    const { twins, laptop, phone } = await agreed();
    laptop.tree.rm("file");
    laptop.tree.write("file/inner", "new");
    const report = await laptop.sync();
    await twins.settle();
    expect(report).toMatchObject({ inSync: true, skipped: [] });
    expect(describeTree(phone.tree)).toBe(describeTree(laptop.tree));
    expect(phone.tree.files().get("file")).toMatchObject({ kind: "directory" });
  });

  it("brings a file where a directory was", async () => {
    const { twins, laptop, phone } = await agreed();
    laptop.tree.rm("dir");
    laptop.tree.write("dir", "now a file");
    const report = await laptop.sync();
    await twins.settle();
    expect(report).toMatchObject({ inSync: true, skipped: [] });
    expect(describeTree(phone.tree)).toBe(describeTree(laptop.tree));
    expect(phone.tree.files().get("dir")).toMatchObject({ kind: "file" });
  });

  it("brings a symlink where a file was, and a file where a symlink was", async () => {
    const { twins, laptop, phone } = await agreed();
    laptop.tree.rm("file");
    laptop.tree.symlink("file", "dir");
    laptop.tree.rm("link");
    laptop.tree.write("link", "now a file");
    const report = await laptop.sync();
    await twins.settle();
    expect(report).toMatchObject({ inSync: true, skipped: [] });
    expect(describeTree(phone.tree)).toBe(describeTree(laptop.tree));
  });

  it("keeps both when one side made a directory of it and the other edited it", async () => {
    const { twins, laptop, phone } = await agreed();
    laptop.tree.rm("file");
    laptop.tree.write("file/inner", "new");
    phone.tree.write("file", "edited");
    await twins.settle();
    expect(describeTree(phone.tree)).toBe(describeTree(laptop.tree));
    const texts = [...laptop.tree.files().values()].flatMap((entry) => (entry.kind === "file" ? [new TextDecoder().decode(entry.bytes)] : []));
    expect(texts.sort()).toEqual(["edited", "inside", "new"]);
  });

  it.each(["file", "dir", "link"])("is one node, whichever write of the metadata a process dies at: %s", async (name) => {
    for (let nth = 1, died = true; died; nth++) {
      const { twins, laptop, phone } = await agreed();
      laptop.tree.rm(name);
      if (name === "dir") laptop.tree.write(name, "now a file");
      else laptop.tree.write(`${name}/inner`, "new");
      const wanted = describeTree(laptop.tree);
      const { write } = laptop.store;
      let writes = 0;
      Object.assign(laptop.store, {
        write: async (...args: Parameters<typeof write>) => {
          if (++writes >= nth) throw new Error("the process died");
          await write.apply(laptop.store, args);
        },
      });
      died = await laptop.sync().then(
        () => false,
        () => true,
      );
      Object.assign(laptop.store, { write });
      await laptop.restart();
      await twins.settle();
      expect(await laptop.sync(), `died at write ${nth}`).toMatchObject({ inSync: true, skipped: [] });
      expect([describeTree(laptop.tree), describeTree(phone.tree)], `died at write ${nth}`).toEqual([wanted, wanted]);
    }
  });

  it("renames by case alone", async () => {
    const { twins, laptop, phone } = await agreed();
    laptop.tree.rename("file", "File");
    const report = await laptop.sync();
    await twins.settle();
    expect(report).toMatchObject({ inSync: true, moved: 1, filesUploaded: 0 });
    expect(describeTree(phone.tree)).toBe(describeTree(laptop.tree));
  });
});
