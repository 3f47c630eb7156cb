import { describe, expect, it } from "vitest";
import { createTwins, type Device, texts } from "./twins.js";

describe("a hub that was put back to an older copy of its data, with no word to anyone", () => {
  it("gets back what it lost: files made, edited, renamed and deleted since the copy all survive on every device", async () => {
    const twins = await createTwins(["laptop", "phone"]);
    const [laptop, phone] = twins.devices as [Device, Device];
    laptop.tree.write("kept.txt", "kept");
    laptop.tree.write("edited.txt", "first");
    laptop.tree.write("renamed.txt", "renamed");
    await twins.settle();
    const backup = twins.backUpHub();

    laptop.tree.write("edited.txt", "second");
    phone.tree.write("new on the phone.txt", "phone");
    laptop.tree.rename("renamed.txt", "new name.txt");
    await twins.settle();
    twins.restoreHub(backup);
    phone.tree.write("after.txt", "after");
    laptop.tree.write("also after.txt", "also");
    await twins.settle();

    const files = texts(laptop.tree);
    expect(files).toEqual(texts(phone.tree));
    expect(Object.values(files).sort()).toEqual(["after", "also", "kept", "phone", "renamed", "second"]);
    expect(files["edited.txt"]).toBe("second");
    expect(files["new name.txt"]).toBe("renamed");
  });

  it("is noticed also when it has passed the old place in the meantime", async () => {
    const twins = await createTwins(["laptop", "phone"]);
    const [laptop, phone] = twins.devices as [Device, Device];
    laptop.tree.write("a.txt", "a");
    await twins.settle();
    const backup = twins.backUpHub();
    laptop.tree.write("b.txt", "b");
    await laptop.sync();
    twins.restoreHub(backup);
    for (const name of ["c", "d", "e"]) phone.tree.write(`${name}.txt`, name);
    await phone.sync();
    await twins.settle();
    expect(texts(laptop.tree)).toEqual({ "a.txt": "a", "b.txt": "b", "c.txt": "c", "d.txt": "d", "e.txt": "e" });
    expect(texts(phone.tree)).toEqual(texts(laptop.tree));
  });

  it("is noticed also by a commit that comes just where the device stood before", async () => {
    let beforeCommit = async (): Promise<void> => {};
    const twins = await createTwins(["laptop", "phone", "desk"], {
      wrapTransport: (transport, device) => ({
        ...transport,
        commit: async (...args) => {
          if (device === "phone") await beforeCommit();
          return await transport.commit(...args);
        },
      }),
    });
    const [laptop, phone, desk] = twins.devices as [Device, Device, Device];
    laptop.tree.write("kept.txt", "kept");
    await twins.settle();
    const backup = twins.backUpHub();
    desk.tree.write("lost.txt", "lost");
    await desk.sync();
    // The phone has looked at the hub and has not yet sent what is new: meanwhile the hub is put back, and another device is faster.
    beforeCommit = async () => {
      beforeCommit = async () => {};
      twins.restoreHub(backup);
      laptop.tree.write("other.txt", "other");
      await laptop.sync();
    };
    phone.tree.symlink("new", "kept.txt");
    await phone.sync();
    await twins.settle();
    const names = ["kept.txt", "lost.txt", "new", "other.txt"];
    expect(twins.devices.map(({ tree }) => [...tree.files().keys()].sort())).toEqual([names, names, names]);
  });
});

describe("a hub that lost rows of content that it had", () => {
  it.each(["manifest", "possessed"] as const)(
    "is sent the content of a copy when the %s row is gone: that it had it was taken for granted once",
    async (table) => {
      let isLost = false;
      const refused: string[] = [];
      const twins = await createTwins(["laptop", "phone"], {
        wrapHubStore: (store) => ({
          ...store,
          manifests: async (workspaceId, ids) =>
            isLost && table === "manifest" ? ids.map(() => undefined) : await store.manifests(workspaceId, ids),
          possessed: async (workspaceId, ids) => (isLost && table === "possessed" ? new Map() : await store.possessed(workspaceId, ids)),
          append: async (batches) => {
            if (batches.some(({ rows }) => rows.some((row) => row.table === table))) isLost = false;
            return await store.append(batches);
          },
        }),
        wrapTransport: (transport) => ({
          ...transport,
          commit: async (ask, options) => {
            const answer = await transport.commit(ask, options);
            if (answer.kind === "done") refused.push(...answer.verdicts.map(({ content }) => content).filter((verdict) => verdict !== "accepted"));
            return answer;
          },
        }),
      });
      const [laptop, phone] = twins.devices as [Device, Device];
      laptop.tree.write("first.txt", "the same words");
      await twins.settle();
      isLost = true;
      laptop.tree.write("copy.txt", "the same words");
      expect(await laptop.sync()).toMatchObject({ inSync: true, skipped: [] });
      expect(refused).toEqual([table === "manifest" ? "missing-manifest" : "missing-chunks"]);
      await twins.settle();
      expect(texts(phone.tree)).toEqual({ "first.txt": "the same words", "copy.txt": "the same words" });
    },
  );
});
