import { type LocalTree, type MemoryLocalTree, type Staging, TwinfoldError } from "@twinfold/core";
import { expect, it } from "vitest";
import { createTwins, type Device, texts } from "./twins.js";

/** What fails once, when it is set: a placement that was carried out all the same, or the listing of a directory. */
interface Failures {
  placing: boolean;
  listing: string | undefined;
}

function failing(tree: MemoryLocalTree, failures: Failures): LocalTree {
  return {
    ...tree,
    async stage(key) {
      const staging = await tree.stage(key);
      return new Proxy(staging, {
        get(target, name) {
          const found: unknown = Reflect.get(target, name);
          if (name !== "place") return typeof found === "function" ? (found.bind(target) as unknown) : found;
          return async (...args: Parameters<Staging["place"]>) => {
            const outcome = await target.place(...args);
            if (!failures.placing) return outcome;
            failures.placing = false;
            throw new TwinfoldError("ERR_NO_SPACE", "the disk is full");
          };
        },
      });
    },
    async list(path) {
      if (path !== failures.listing) return await tree.list(path);
      failures.listing = undefined;
      throw new TwinfoldError("ERR_NO_SPACE", "the disk is full");
    },
  };
}

async function pair() {
  const failures: Failures = { placing: false, listing: undefined };
  const wrapTree = (tree: MemoryLocalTree, device: string): LocalTree => (device === "laptop" ? failing(tree, failures) : tree);
  const twins = await createTwins(["laptop", "phone"], { wrapTree });
  const [laptop, phone] = twins.devices as [Device, Device];
  return { twins, laptop, phone, failures };
}

it.each([undefined, "dir"])(
  "a file that was placed and not noted does not come back after it was deleted elsewhere; the scan broke off in: %s",
  async (listing) => {
    const { twins, laptop, phone, failures } = await pair();
    laptop.tree.write("dir/a", "first");
    await twins.settle();
    phone.tree.write("new", "of the phone");
    await phone.sync();
    failures.placing = true;
    await expect(laptop.sync()).rejects.toMatchObject({ code: "ERR_NO_SPACE" });
    expect(texts(laptop.tree)).toHaveProperty("new");

    phone.tree.rm("new");
    for (let round = 0; round < 2; round++) await phone.sync();
    failures.listing = listing;
    if (listing !== undefined) await expect(laptop.sync()).rejects.toMatchObject({ code: "ERR_NO_SPACE" });
    await twins.settle();
    for (const { tree } of twins.devices) expect(texts(tree)).toEqual({ "dir/a": "first" });
  },
);

it("a new folder with one in it that cannot be listed stops nothing else", async () => {
  const twins = await createTwins(["laptop", "phone"], {
    wrapTree: (tree: MemoryLocalTree, device: string): LocalTree => ({
      ...tree,
      async list(path) {
        if (device === "laptop" && path === "new/unreadable") throw new TwinfoldError("ERR_LOCAL_FAILED", "the disk answered EIO");
        return await tree.list(path);
      },
    }),
  });
  const [laptop, phone] = twins.devices as [Device, Device];
  laptop.tree.write("readable", "text");
  laptop.tree.mkdir("new/unreadable");
  expect(await laptop.sync()).toMatchObject({ filesUploaded: 1, skipped: [{ path: "new/unreadable", reason: "the disk answered EIO" }] });
  await phone.sync();
  expect(texts(phone.tree)).toEqual({ readable: "text" });
});
