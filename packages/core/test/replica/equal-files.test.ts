import { expect, it } from "vitest";
import { createTwins, describe as describeTree, type Device } from "./twins.js";

it("makes many files with one content out of the first one, without a plan and a scan for each", async () => {
  let lists = 0;
  const twins = await createTwins(["laptop", "phone"], {
    wrapTree: (tree, name) =>
      name === "laptop"
        ? tree
        : {
            ...tree,
            list: (path) => {
              lists += 1;
              return tree.list(path);
            },
          },
  });
  const [laptop, phone] = twins.devices as [Device, Device];
  for (let number = 0; number < 100; number++) {
    laptop.tree.write(`empty/${number}`, "");
    laptop.tree.write(`equal/${number}`, "the same words", { executable: number % 2 === 0 });
  }
  await laptop.sync();
  expect(await phone.sync()).toMatchObject({ inSync: true, skipped: [], filesDownloaded: 200, chunksDownloaded: 1 });
  expect(describeTree(phone.tree)).toBe(describeTree(laptop.tree));
  expect(lists).toBeLessThan(10);
});
