import { type LocalTree, type MemoryLocalTree, TwinfoldError } from "@twinfold/core";
import { describe, expect, it } from "vitest";
import { createTwins, describe as describeTree, type Device, texts } from "./twins.js";

async function agreed(wrap: (tree: MemoryLocalTree) => Partial<LocalTree>) {
  const twins = await createTwins(["laptop", "phone"], {
    wrapTree: (tree, device) => (device === "laptop" ? { ...tree, ...wrap(tree) } : tree),
  });
  const [laptop, phone] = twins.devices as [Device, Device];
  laptop.tree.write("dir/a", "first");
  laptop.tree.write("dir/b", "second");
  await twins.settle();
  return { twins, laptop, phone };
}

describe("a disk that fails for a moment", () => {
  it("comes to rest when a removal happened and was reported as failed, and its directory is gone by then", async () => {
    let fails = true;
    const { twins, laptop, phone } = await agreed((tree) => ({
      async remove(path, expected) {
        const outcome = await tree.remove(path, expected);
        if (path !== "dir/a" || !fails) return outcome;
        fails = false;
        throw new TwinfoldError("ERR_LOCAL_FAILED", "cannot remove dir/a: the trash could not be written to the disk");
      },
    }));
    phone.tree.rm("dir");
    await phone.sync();
    await laptop.sync();

    const report = await laptop.sync();
    expect(fails).toBe(false);
    expect(report).toMatchObject({ inSync: true, skipped: [] });
    await twins.settle();
    expect([...laptop.tree.files().keys()]).toEqual([]);
  });

  it("says which folder it could not list, takes nothing in it for deleted, and goes on", async () => {
    let fails = false;
    const { twins, laptop, phone } = await agreed((tree) => ({
      async list(path) {
        if (path !== "dir" || !fails) return tree.list(path);
        throw new TwinfoldError("ERR_LOCAL_FAILED", 'cannot list the folder "dir": the disk answered EIO: check the disk and try again');
      },
    }));
    fails = true;
    laptop.tree.write("other", "goes on");
    expect(await laptop.sync()).toMatchObject({
      filesUploaded: 1,
      filesDeleted: 0,
      skipped: [{ path: "dir", reason: expect.stringContaining("EIO") }],
    });
    await phone.sync();
    expect([...phone.tree.files().keys()]).toEqual(["dir", "dir/a", "dir/b", "other"]);

    fails = false;
    expect(await laptop.sync()).toMatchObject({ inSync: true, skipped: [] });
    await twins.settle();
  });

  it("takes what is new for one node when the first look at it was broken off", async () => {
    let fails = true;
    const { twins, laptop, phone } = await agreed((tree) => ({
      async list(path) {
        if (path !== "fresh" || !fails) return tree.list(path);
        fails = false;
        throw new TwinfoldError("ERR_NO_SPACE", "cannot list fresh: the disk is full");
      },
    }));
    laptop.tree.write("fresh/d", "fourth");
    await expect(laptop.sync()).rejects.toMatchObject({ code: "ERR_NO_SPACE" });

    const report = await laptop.sync();
    expect(report).toMatchObject({ inSync: true, skipped: [] });
    await twins.settle();
    expect(describeTree(phone.tree)).toBe(describeTree(laptop.tree));
    expect(await laptop.replica.status()).toMatchObject({ nodes: laptop.tree.files().size });
  });

  it("goes on when a new directory goes between two looks at it", async () => {
    let looks = 0;
    const { twins, laptop, phone } = await agreed((tree) => ({
      async list(path) {
        if (path === "fresh" && ++looks === 2) tree.rm("fresh");
        return tree.list(path);
      },
    }));
    laptop.tree.write("dir/a", "edited");
    laptop.tree.mkdir("fresh");
    await laptop.sync();
    expect(looks).toBe(2);
    await twins.settle();
    expect(Object.values(texts(phone.tree))).toEqual(["edited", "second"]);
    expect([...phone.tree.files().keys()]).toEqual(["dir", "dir/a", "dir/b"]);
  });
});
