import { type Conflict, type LocalPath, type Resolution, TwinfoldError } from "@twinfold/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createTwins, describe as describeTree, type Device, texts, type Twins } from "./twins.js";

const RUNS = Number(process.env.RUNS ?? 60);
const NAMES = ["laptop", "phone", "desk", "tablet"];
const NOTES = "notes.txt" as LocalPath;

async function textOf(version: Conflict["base"]): Promise<string | undefined> {
  if (version === undefined) return undefined;
  let text = "";
  const decoder = new TextDecoder();
  for await (const piece of version.read()) text += decoder.decode(piece, { stream: true });
  return text;
}

/** Two devices that have changed a file apart; the laptop was first. */
async function apart(name: string = NOTES): Promise<{ readonly twins: Twins; readonly laptop: Device; readonly phone: Device }> {
  const twins = await createTwins(["laptop", "phone"]);
  const [laptop, phone] = twins.devices as [Device, Device];
  laptop.tree.write(name, "common");
  await twins.settle();
  laptop.tree.write(name, "from the laptop");
  phone.tree.write(name, "from the phone");
  await laptop.sync();
  return { twins, laptop, phone };
}

async function inConflict() {
  const { twins, laptop, phone } = await apart();
  await twins.settle();
  const [conflict] = (await phone.replica.conflicts()) as [Conflict];
  return { twins, laptop, phone, copy: conflict.copy };
}

describe("a conflict", () => {
  it("is told by explain, of the file and of its copy, and of nothing else", async () => {
    const { laptop, copy } = await inConflict();
    laptop.tree.write("other.txt", "alone");
    await laptop.sync();
    const explained = async (path: string) => (await laptop.replica.explain(path as LocalPath)).explanation;
    expect(await explained(NOTES)).toContain("a conflict copy stands beside it");
    expect(await explained(copy)).toContain(`It is a conflict copy of "${NOTES}"`);
    expect(await explained("other.txt")).not.toContain("conflict");
  });

  it("is one copy fewer than there are versions, of one name and one node on every device, and none of equal versions", async () => {
    const edits = fc.array(fc.nat(3), { minLength: 2, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(edits, fc.boolean(), fc.integer(), async (versions, hasBase, seed) => {
        const twins = await createTwins(NAMES.slice(0, versions.length), { seed });
        if (hasBase) {
          (twins.devices[0] as Device).tree.write(NOTES, "common");
          await twins.settle();
        }
        for (const [index, version] of versions.entries()) (twins.devices[index] as Device).tree.write(NOTES, `version ${version}`);
        await twins.settle();
        const distinct = new Set(versions.map((version) => `version ${version}`));
        for (const device of twins.devices) {
          expect(Object.values(texts(device.tree)).sort()).toEqual([...distinct].sort());
          const conflicts = await device.replica.conflicts();
          expect(conflicts).toHaveLength(distinct.size - 1);
          // The copy's id is computed from the file's id, what both were made from and what was lost: proven means that it is that id.
          for (const conflict of conflicts) {
            expect(conflict).toMatchObject({ path: NOTES, proven: true });
            expect(await textOf(conflict.base)).toBe(hasBase ? "common" : undefined);
          }
        }
      }),
      { numRuns: RUNS },
    );
  }, 120_000);

  it("makes no copies of copies: a copy that is changed on two devices makes one more copy of the first file", async () => {
    const { twins, laptop, phone, copy } = await inConflict();
    laptop.tree.write(copy, "laptop's idea of the copy");
    phone.tree.write(copy, "phone's idea of the copy");
    await twins.settle();
    expect(Object.keys(texts(laptop.tree))).toEqual([copy.replace(".txt", " 2.txt"), copy, NOTES]);
    expect((await laptop.replica.conflicts()).map(({ path, proven }) => [path, proven])).toEqual([
      [copy, true],
      [NOTES, true],
    ]);
  });

  it("leaves the same copy when its device died at whichever write, and tried again", async () => {
    const { twins: calm } = await inConflict();
    const expected = describeTree((calm.devices[0] as Device).tree);
    for (let survived = 0, ended = false; !ended; survived++) {
      const { twins, phone } = await apart();
      const write = phone.store.write.bind(phone.store);
      let left = survived;
      phone.store.write = async (...args) => {
        left -= 1;
        if (left < 0) throw new Error("the process died");
        await write(...args);
      };
      ended = await phone.sync().then(
        () => true,
        () => false,
      );
      phone.store.write = write;
      await phone.restart();
      await twins.settle();
      for (const device of twins.devices) {
        expect(describeTree(device.tree)).toBe(expected);
        expect(await device.replica.conflicts()).toMatchObject([{ path: NOTES, proven: true }]);
      }
    }
  });

  it("says on each device which version is its own, and gives the bytes of both and of what they were made from", async () => {
    const { laptop, phone, copy } = await inConflict();
    const [here] = (await phone.replica.conflicts()) as [Conflict];
    const [there] = (await laptop.replica.conflicts()) as [Conflict];
    for (const conflict of [here, there]) expect(conflict).toMatchObject({ path: NOTES, copy, proven: true, device: "phone" });
    expect([await textOf(here.mine), await textOf(here.theirs), await textOf(here.base)]).toEqual(["from the phone", "from the laptop", "common"]);
    expect([await textOf(there.mine), await textOf(there.theirs), await textOf(there.base)]).toEqual(["from the laptop", "from the phone", "common"]);
  });

  it("knows its file also after that was renamed and moved, by the copy's id", async () => {
    const { twins, laptop, phone, copy } = await inConflict();
    phone.tree.rename(NOTES, "letters/to ada.txt");
    await twins.settle();
    phone.tree.write("notes.txt", "another file of that name");
    await twins.settle();
    expect(await laptop.replica.conflicts()).toMatchObject([{ path: "letters/to ada.txt", copy, proven: true }]);
  });

  it.each(["n".repeat(250), `${"長".repeat(80)}.txt`, `${"🜁".repeat(62)}.md`])(
    "knows its file also where the copy's name was cut: %s",
    async (name) => {
      const { twins, laptop, phone } = await apart(name);
      await twins.settle();
      const [conflict] = (await phone.replica.conflicts()) as [Conflict];
      expect(conflict).toMatchObject({ path: name, proven: true });
      expect([await textOf(conflict.mine), await textOf(conflict.theirs)]).toEqual(["from the phone", "from the laptop"]);
      await phone.replica.resolveConflict(name as LocalPath, "mine");
      await twins.settle();
      expect(texts(laptop.tree)).toEqual({ [name]: "from the phone" });
    },
  );

  it.each([1, 2, 3, 4])(
    "is of the file, not of another copy, where the names of several copies were cut and the hub is out of reach: ids of seed %i",
    async (seed) => {
      const name = "n".repeat(250);
      let isDown = false;
      const twins = await createTwins(["laptop", "phone", "desk"], {
        seed,
        wrapTransport: (transport) => ({
          ...transport,
          versions: (...args) => (isDown ? Promise.reject(new TwinfoldError("ERR_UNREACHABLE", "the network is down")) : transport.versions(...args)),
        }),
      });
      twins.devices[0]?.tree.write(name, "common");
      await twins.settle();
      for (const device of twins.devices) device.tree.write(name, `from the ${device.name}`);
      await twins.settle();
      isDown = true;
      for (const { replica } of twins.devices) expect((await replica.conflicts()).map(({ path }) => path)).toEqual([name, name]);
    },
  );

  it("is told also while the hub is out of reach, by the names alone", async () => {
    let isCut = false;
    const twins = await createTwins(["laptop", "phone"], {
      wrapTransport: (transport) => ({
        ...transport,
        versions: async (...asked) => {
          if (isCut) throw new TwinfoldError("ERR_UNREACHABLE", "the network is cut");
          return await transport.versions(...asked);
        },
      }),
    });
    const [laptop, phone] = twins.devices as [Device, Device];
    laptop.tree.write(NOTES, "common");
    await twins.settle();
    laptop.tree.write(NOTES, "from the laptop");
    phone.tree.write(NOTES, "from the phone");
    await twins.settle();
    isCut = true;
    expect(await laptop.replica.conflicts()).toMatchObject([{ path: NOTES, proven: false, device: "phone", base: undefined }]);
  });
});

describe("resolving a conflict", () => {
  const cases: ReadonlyArray<[string, Resolution, Readonly<Record<string, string>>, readonly string[]]> = [
    ["mine", "mine", { "notes.txt": "from the phone" }, ["from the laptop", "from the phone"]],
    ["theirs", "theirs", { "notes.txt": "from the laptop" }, ["from the phone"]],
    ["both", "both", { "notes (from phone).txt": "from the phone", "notes.txt": "from the laptop" }, []],
    ["bytes", new TextEncoder().encode("agreed"), { "notes.txt": "agreed" }, ["from the laptop", "from the phone"]],
  ];
  it.each(cases)("keeps %s, and what is given up is in the trash and in the revisions", async (_, keep, files, trashed) => {
    for (const atCopy of [true, false]) {
      const { twins, laptop, phone, copy } = await inConflict();
      await phone.replica.resolveConflict(atCopy ? copy : NOTES, keep);
      await twins.settle();
      for (const device of twins.devices) {
        expect(texts(device.tree)).toEqual(files);
        expect(await device.replica.conflicts()).toEqual([]);
      }
      const inTrash = phone.tree.trashed().map(({ entry }) => entry.kind === "file" && new TextDecoder().decode(entry.bytes));
      for (const text of trashed) expect(inTrash).toContain(text);
      const sizes = (await laptop.replica.revisions(NOTES)).map(({ sizeBytes }) => sizeBytes);
      expect(sizes).toContain("from the laptop".length);
    }
  });

  it("on the device that made the other version keeps that one as its own", async () => {
    const { twins, laptop } = await inConflict();
    await laptop.replica.resolveConflict(NOTES, "mine");
    await twins.settle();
    for (const device of twins.devices) expect(texts(device.tree)).toEqual({ [NOTES]: "from the laptop" });
  });

  it("can be done again when the process died in between: until the end both versions are in the folder or in the trash", async () => {
    const { twins, phone, copy } = await inConflict();
    const remove = phone.tree.remove.bind(phone.tree);
    phone.tree.remove = async () => {
      throw new Error("the process died");
    };
    await expect(phone.replica.resolveConflict(copy, "mine")).rejects.toThrow("died");
    phone.tree.remove = remove;
    await phone.restart();
    await twins.settle();
    expect(texts(phone.tree)).toEqual({ [copy]: "from the phone", [NOTES]: "from the phone" });
    await phone.replica.resolveConflict(copy, "mine");
    await twins.settle();
    expect(texts(phone.tree)).toEqual({ [NOTES]: "from the phone" });
  });

  it("takes nothing away that was written to meanwhile", async () => {
    const { phone, copy } = await inConflict();
    phone.tree.write(copy, "a new thought");
    await expect(phone.replica.resolveConflict(copy, "theirs")).rejects.toMatchObject({ code: "ERR_LOCAL_CHANGED" });
    expect(texts(phone.tree)).toEqual({ [copy]: "a new thought", [NOTES]: "from the laptop" });
  });

  it.each(["laptop", "phone"] as const)(
    "keeps the copy when the file was removed since the last look, whoever's is to be kept on the %s",
    async (name) => {
      const world = await inConflict();
      const { tree, replica } = world[name];
      const keepsOriginal = name === "laptop" ? "mine" : "theirs"; // the copy is the phone's
      tree.rm(NOTES);
      await expect(replica.resolveConflict(NOTES, keepsOriginal)).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });
      expect(texts(tree)).toEqual({ [world.copy]: "from the phone" });
      expect(await replica.resolveConflict(NOTES, "both")).toMatchObject({ kept: ["notes (from phone).txt"] });
    },
  );

  it("needs a conflict, and one copy", async () => {
    const twins = await createTwins(["laptop", "phone", "desk"]);
    const [laptop, phone] = twins.devices as [Device, Device];
    laptop.tree.write("other.txt", "other");
    for (const device of twins.devices) device.tree.write(NOTES, device.name);
    await twins.settle();
    await expect(phone.replica.resolveConflict("other.txt" as LocalPath, "both")).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });
    await expect(phone.replica.resolveConflict(NOTES, "both")).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
  });
});
