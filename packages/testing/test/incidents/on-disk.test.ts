import { parsePath } from "@twinfold/core";
import { describe, expect, it } from "vitest";
import { diskError } from "../../src/hooked-file-system.js";
import { createDiskTwins, type DiskDevice, ROOT } from "./disk-twins.js";

/* What has gone wrong in other products between a folder and its disk: docs/explanation/incidents.md says which report each test answers. */

async function pair(options?: Parameters<typeof createDiskTwins>[1]) {
  const twins = await createDiskTwins(["laptop", "phone"], options);
  const [laptop, phone] = twins.devices as [DiskDevice, DiskDevice];
  return { twins, laptop, phone };
}

/** Runs `act` before the disk call of that number, counted from 1. Says whether it came to that. */
function beforeCall(device: DiskDevice, number: number, act: () => void): () => boolean {
  let calls = 0;
  device.before = () => {
    calls += 1;
    if (calls === number) act();
  };
  return () => {
    device.before = () => {};
    return calls >= number;
  };
}

const AT_FIRST = { "a.txt": "a", "dir/b.txt": "b", "dir/deep/c.txt": "c" };

describe("a disk that is unplugged", () => {
  it.each(["empty", "absent", "unreadable"] as const)("inc-01 and leaves the folder %s, before any call, deletes nothing anywhere", async (how) => {
    let failures = 0;
    for (let at = 1, happened = true; happened; at++) {
      const { twins, laptop, phone } = await pair();
      for (const [path, text] of Object.entries(AT_FIRST)) laptop.write(path, text);
      await twins.settle();
      laptop.write("dir/b.txt", "edited");
      const took = beforeCall(laptop, at, () => laptop.disk.unmount(ROOT, how));
      const failed = await laptop.sync().then(
        () => undefined,
        (error: { readonly code: string }) => error.code,
      );
      happened = took();
      if (failed !== undefined) expect(failed, `before call ${at}`).toMatch(/^ERR_ROOT_/);
      failures += failed === undefined ? 0 : 1;
      expect(await phone.sync(), `before call ${at}`).toMatchObject({ filesDeleted: 0 });
      if (happened) laptop.disk.mount(ROOT);
      await twins.settle();
      for (const device of twins.devices) expect(device.texts(), `before call ${at}`).toEqual({ ...AT_FIRST, "dir/b.txt": "edited" });
    }
    expect(failures).toBeGreaterThan(40);
  });

  it("inc-02 and whose marker somebody makes or copies into an empty folder of its name deletes nothing: the files come back", async () => {
    const { twins, laptop, phone } = await pair();
    for (const [path, text] of Object.entries(AT_FIRST)) laptop.write(path, text);
    await twins.settle();
    laptop.disk.people.rename(ROOT, "/home/elsewhere");
    laptop.disk.people.mkdir(ROOT);
    await expect(laptop.sync()).rejects.toMatchObject({ code: "ERR_ROOT_MISSING" });
    laptop.write(".twinfold/root.json", "");
    await expect(laptop.sync()).rejects.toMatchObject({ code: "ERR_ROOT_FOREIGN" });
    laptop.disk.people.rm(`${ROOT}/.twinfold`);
    laptop.disk.people.copy("/home/elsewhere/.twinfold", `${ROOT}/.twinfold`);
    expect(await laptop.sync()).toMatchObject({ inSync: true, filesDeleted: 0, filesDownloaded: 3 });
    await twins.settle();
    for (const device of [laptop, phone]) expect(device.texts()).toEqual(AT_FIRST);
  });
});

describe("a power loss", () => {
  it("inc-06 inc-47 at whichever disk call of a download leaves each file that was there old or new, and uploads no empty or torn one", async () => {
    const before = { "edited.txt": "old ".repeat(3_000), "removed.txt": "removed" };
    const after = { "edited.txt": "new ".repeat(4_000), "new.txt": "new" };
    for (let at = 1, happened = true; happened; at++) {
      const { twins, laptop, phone } = await pair({ seed: at });
      for (const [path, text] of Object.entries(before)) laptop.write(path, text);
      await twins.settle();
      phone.disk.people.sync();
      for (const [path, text] of Object.entries(after)) laptop.write(path, text);
      laptop.disk.people.rm(`${ROOT}/removed.txt`);
      await laptop.sync();
      const took = beforeCall(phone, at, () => phone.disk.losePower());
      await phone.sync().catch(() => {});
      happened = took();
      await phone.losePower(); // which the machine starts after, in another boot
      const known = new Set<string>([...Object.values(before), ...Object.values(after)]);
      for (const [path, text] of Object.entries(phone.texts())) {
        // A small new file does not wait for the disk: what is left of it is found by the look that comes next.
        if (path !== "new.txt") expect(known.has(text), `${path} after call ${at}: ${text.slice(0, 20)}`).toBe(true);
      }
      expect(await phone.sync(), `after call ${at}`).toMatchObject({ filesUploaded: 0, conflicts: 0 });
      await twins.settle();
      for (const device of twins.devices) expect(device.texts(), `after call ${at}`).toEqual(after);
    }
  });
});

describe("what a program has written and not made durable", () => {
  const now = {
    "new.txt": "new ".repeat(3_000),
    "edited.txt": "edited ".repeat(3_000),
    "cut.txt": "cut",
    "saved.txt": "saved ".repeat(2_000),
    "a name.txt": "moved",
  };

  async function written(
    seed: number,
    { prepare, ...options }: Parameters<typeof pair>[0] & { readonly prepare?: (laptop: DiskDevice) => void } = {},
  ) {
    const { twins, laptop, phone } = await pair({ seed, ...options });
    prepare?.(laptop);
    const before = { "edited.txt": "old ".repeat(4_000), "cut.txt": "long ".repeat(4_000), "saved.txt": "unsaved", "another name.txt": "moved" };
    for (const [path, text] of Object.entries(before)) laptop.write(path, text);
    await twins.settle();
    for (const { disk } of twins.devices) disk.people.sync();
    await twins.env.sleep(3_600_000);
    laptop.write("new.txt", now["new.txt"]);
    laptop.disk.people.writeInPlace(`${ROOT}/edited.txt`, 0, new TextEncoder().encode(now["edited.txt"]));
    laptop.disk.people.truncate(`${ROOT}/cut.txt`, 0);
    laptop.disk.people.append(`${ROOT}/cut.txt`, now["cut.txt"]);
    laptop.write("saved.txt.tmp", now["saved.txt"]);
    laptop.disk.people.rename(`${ROOT}/saved.txt.tmp`, `${ROOT}/saved.txt`);
    laptop.disk.people.rename(`${ROOT}/another name.txt`, `${ROOT}/a name.txt`);
    return { twins, laptop, phone };
  }

  /** Texts by path, each by its beginning and its length. */
  const short = (texts: Record<string, string>) =>
    Object.fromEntries(Object.entries(texts).map(([path, text]) => [path, `${text.slice(0, 8)}… ${text.length}`]));

  it("is on every device when the power goes after the server has it, and the older versions are in nobody's way", async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const { twins, laptop } = await written(seed);
      await laptop.sync();
      await laptop.losePower();
      await twins.settle();
      for (const device of twins.devices) expect(short(device.texts()), `seed ${seed}`).toEqual(short(now));
    }
  });

  it("is on every device also when something in the folder could never be read", async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const { twins, laptop } = await written(seed, {
        prepare(device) {
          device.write("unreadable.txt", "a secret");
          device.before = ({ operation, path }) => {
            if (operation === "open" && path.endsWith("/unreadable.txt")) throw diskError("EACCES");
          };
        },
      });
      await laptop.sync();
      await laptop.losePower();
      await twins.settle();
      for (const device of twins.devices) expect(short(device.texts()), `seed ${seed}`).toMatchObject(short(now));
    }
  });

  it("is on every device also when the disk cannot be read at the first look after the power has come again", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { twins, laptop } = await written(seed);
      await laptop.sync();
      await laptop.losePower();
      laptop.before = ({ operation, path }) => {
        if (operation === "file.read" && path.startsWith(`${ROOT}/`) && !path.includes(".twinfold")) throw diskError("EIO");
      };
      await laptop.sync();
      laptop.before = () => {};
      await twins.settle();
      for (const device of twins.devices) expect(short(device.texts()), `seed ${seed}`).toEqual(short(now));
    }
  });

  it("costs nothing of what is written after the power has come again while the clock is behind: both versions stay", async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const { twins, laptop, phone } = await written(seed, { timeGranularityMs: 1 });
      await laptop.sync();
      for (const { disk } of twins.devices) disk.people.sync();
      await laptop.losePower();
      laptop.clock.aheadMs = -86_400_000;
      laptop.disk.people.writeInPlace(`${ROOT}/edited.txt`, 0, new TextEncoder().encode("after all "));
      const mine = laptop.read("edited.txt");
      laptop.clock.aheadMs = 0;
      await twins.settle();
      for (const device of [laptop, phone]) {
        const texts = Object.values(device.texts());
        expect(
          texts.filter((text) => text === mine),
          `seed ${seed}`,
        ).toHaveLength(1);
        expect(
          texts.filter((text) => text === now["edited.txt"]),
          `seed ${seed}`,
        ).toHaveLength(1);
      }
    }
  });

  it("and is edited after the power has come again is that edit on every device", async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const { twins, laptop } = await written(seed);
      await laptop.sync();
      await laptop.losePower();
      await twins.env.sleep(60_000);
      for (const path of Object.keys(now)) laptop.write(path, `${path} after all`);
      await twins.settle();
      const after = Object.fromEntries(Object.keys(now).map((path) => [path, `${path} after all`]));
      for (const device of twins.devices) expect(device.texts(), `seed ${seed}`).toEqual(after);
    }
  });
});

describe("a process that dies", () => {
  const first = { "a.txt": "first", "dir/b.txt": "b", "dir/deep/c.txt": "c" };
  const deleteAll = ({ disk: { people } }: DiskDevice): void => {
    people.rm(`${ROOT}/a.txt`);
    people.rm(`${ROOT}/dir`);
    people.rm(`${ROOT}/link`);
  };

  it.each([
    { title: "and what it made is deleted elsewhere meanwhile leaves nothing that comes back", act: deleteAll, after: {} },
    {
      title: "and what it made is edited elsewhere meanwhile leaves nothing that stands in conflict with that",
      act: (laptop: DiskDevice) => laptop.write("a.txt", "second"),
      after: { ...first, "a.txt": "second" },
    },
  ])("at whichever disk call of a download, $title", async ({ act, after }) => {
    for (let at = 1, happened = true; happened; at++) {
      const { twins, laptop, phone } = await pair();
      for (const [path, text] of Object.entries(first)) laptop.write(path, text);
      laptop.disk.people.symlink(`${ROOT}/link`, "target");
      await laptop.sync();
      const took = beforeCall(phone, at, () => {
        phone.kill();
        throw new Error("the process is dead");
      });
      await phone.sync().catch(() => {});
      happened = took();
      act(laptop);
      await laptop.sync();
      await phone.restart();
      await twins.settle();
      for (const device of twins.devices) expect(device.texts(), `call ${at}`).toEqual(after);
      expect(phone.disk.people.exists(`${ROOT}/link`), `call ${at}`).toBe(laptop.disk.people.exists(`${ROOT}/link`));
    }
  });
});

describe("a directory that the disk fails to make durable", () => {
  it.each(["EIO", "a dead process"])("by %s in a sync after which the power goes deletes nothing, and undoes no move", async (how) => {
    let failures = 0;
    for (let seed = 1; seed <= 8; seed++) {
      for (let at = 1, happened = true; happened; at++) {
        const { twins, laptop, phone } = await pair({ seed });
        for (const [path, text] of Object.entries(AT_FIRST)) laptop.write(path, text);
        await twins.settle();
        for (const { disk } of twins.devices) disk.people.sync();
        laptop.write("new.txt", "new");
        laptop.disk.people.rename(`${ROOT}/dir/b.txt`, `${ROOT}/moved.txt`);
        laptop.disk.people.sync();
        await laptop.sync();
        let calls = 0;
        phone.before = ({ operation, path }) => {
          if (operation !== "syncDirectory" || path.includes(".twinfold") || ++calls < at) return;
          if (how !== "EIO") phone.kill();
          throw diskError("EIO");
        };
        await phone.sync().catch(() => {});
        phone.before = () => {};
        happened = calls >= at;
        failures += happened ? 1 : 0;
        if (how !== "EIO") await phone.restart();
        await phone.sync();
        await phone.losePower();
        await twins.settle();
        for (const device of twins.devices)
          expect(device.texts(), `seed ${seed}, sync ${at}`).toEqual({ "a.txt": "a", "dir/deep/c.txt": "c", "moved.txt": "b", "new.txt": "new" });
      }
    }
    expect(failures).toBeGreaterThan(16);
  });
});

describe("times of files", () => {
  it("inc-09 that are absurd cross as data: nothing fails, nothing is sent again", async () => {
    const { laptop, phone } = await pair();
    const times = [-1n, 0n, 1n, 2n ** 31n * 10n ** 9n, -(2n ** 31n) * 10n ** 9n, 2n ** 63n - 1n, -(2n ** 63n)];
    for (const [index, mtimeNs] of times.entries()) {
      laptop.write(`${index}.txt`, `of ${mtimeNs}`);
      laptop.disk.people.touch(`${ROOT}/${index}.txt`, mtimeNs);
    }
    expect(await laptop.sync()).toMatchObject({ inSync: true, filesUploaded: times.length, skipped: [] });
    expect(await phone.sync()).toMatchObject({ inSync: true, filesDownloaded: times.length, skipped: [] });
    for (const [index] of times.entries()) phone.disk.people.touch(`${ROOT}/${index}.txt`, 0n);
    for (const device of [phone, laptop, phone]) {
      expect(await device.sync()).toMatchObject({ inSync: true, filesUploaded: 0, filesDownloaded: 0, conflicts: 0 });
    }
  });

  it.each([1, 10, 1_000, 2_000])("inc-25 that the disk keeps to %i ms hide no edit of the same size in the same tick", async (timeGranularityMs) => {
    const { laptop, phone } = await pair({ timeGranularityMs });
    for (let turn = 0; turn < 8; turn++) {
      laptop.write("a.txt", `${turn} of 8`);
      await laptop.sync();
      laptop.write("a.txt", `${turn} OF 8`);
      await laptop.sync();
      await phone.sync();
      expect(phone.read("a.txt"), `turn ${turn}`).toBe(`${turn} OF 8`);
      phone.write("a.txt", `${turn} Of 8`);
      await phone.sync();
      await laptop.sync();
      expect(laptop.read("a.txt"), `turn ${turn}`).toBe(`${turn} Of 8`);
    }
  });

  it("inc-26 that a program puts back after it changed a byte hide nothing", async () => {
    const { twins, laptop, phone } = await pair();
    laptop.write("a.txt", "before");
    laptop.disk.people.touch(`${ROOT}/a.txt`, 1_600_000_000_000_000_000n);
    await twins.settle();
    await twins.env.sleep(3_600_000);
    laptop.disk.people.writeInPlace(`${ROOT}/a.txt`, 0, new TextEncoder().encode("after!"));
    laptop.disk.people.touch(`${ROOT}/a.txt`, 1_600_000_000_000_000_000n);
    await twins.settle();
    expect(phone.read("a.txt")).toBe("after!");
  });

  it("inc-27 and modes that change without content send nothing, and make no revision", async () => {
    const { twins, laptop } = await pair();
    for (let at = 0; at < 200; at++) laptop.write(`dir ${at % 10}/${at}.txt`, `text ${at}`);
    await twins.settle();
    await twins.env.sleep(3_600_000);
    for (let at = 0; at < 200; at++) {
      laptop.disk.people.chmod(`${ROOT}/dir ${at % 10}/${at}.txt`, 0o600);
      laptop.disk.people.touch(`${ROOT}/dir ${at % 10}/${at}.txt`);
      if (at % 10 === 0) laptop.disk.people.link(`${ROOT}/dir 0/${at}.txt`, `/home/second name ${at}`);
    }
    laptop.calls.clear();
    expect(await laptop.sync()).toMatchObject({ inSync: true, filesUploaded: 0 });
    expect([laptop.calls.get("commit"), laptop.calls.get("upload"), laptop.calls.get("missing")]).toEqual([undefined, undefined, undefined]);
  });
});

describe("an inode number", () => {
  it("inc-28 that a new file has from one that was deleted mixes up no bytes, here or where the deleted one was edited", async () => {
    for (const isEdited of [false, true]) {
      const { twins, laptop, phone } = await pair();
      laptop.write("old.txt", "the old one");
      await twins.settle();
      const { ino } = await laptop.disk.fileSystem.lstat(`${ROOT}/old.txt`);
      laptop.disk.people.rm(`${ROOT}/old.txt`);
      for (let at = 0; at < 100 && !laptop.disk.people.exists(`${ROOT}/new.txt`); at++) {
        laptop.disk.people.write("/home/passing", "another one");
        const given = await laptop.disk.fileSystem.lstat("/home/passing");
        if (given.ino === ino) laptop.disk.people.rename("/home/passing", `${ROOT}/new.txt`);
        else laptop.disk.people.rm("/home/passing");
      }
      expect(laptop.disk.people.exists(`${ROOT}/new.txt`)).toBe(true);
      if (isEdited) phone.write("old.txt", "edited on the phone");
      await twins.settle();
      const edited = isEdited ? { "old.txt": "edited on the phone" } : {};
      for (const device of twins.devices) {
        expect(device.texts()).toEqual({ "new.txt": "another one", ...edited });
        expect(await device.replica.revisions(parsePath("new.txt"))).toHaveLength(1);
      }
    }
  });

  it("inc-28 that stays with a file which is renamed and edited between two looks keeps its history", async () => {
    const { twins, laptop, phone } = await pair();
    laptop.write("old.txt", "the old one");
    await twins.settle();
    laptop.disk.people.rename(`${ROOT}/old.txt`, `${ROOT}/new.txt`);
    laptop.disk.people.append(`${ROOT}/new.txt`, ", edited");
    await twins.settle();
    expect(phone.texts()).toEqual({ "new.txt": "the old one, edited" });
    expect(await phone.replica.revisions(parsePath("new.txt"))).toHaveLength(2);
  });
});

/** What programs do when they save, step by step. */
const SAVES: Readonly<Record<string, ReadonlyArray<(people: DiskDevice["disk"]["people"]) => void>>> = {
  "writes a temporary file and renames it over": [
    (people) => people.write(`${ROOT}/.a.txt.tmp`, "new"),
    (people) => people.rename(`${ROOT}/.a.txt.tmp`, `${ROOT}/a.txt`),
  ],
  "deletes the file and writes it anew": [(people) => people.rm(`${ROOT}/a.txt`), (people) => people.write(`${ROOT}/a.txt`, "new")],
  "moves the old file to a backup, writes anew, and removes the backup (vim)": [
    (people) => people.rename(`${ROOT}/a.txt`, `${ROOT}/a.txt~`),
    (people) => people.write(`${ROOT}/a.txt`, "new"),
    (people) => people.rm(`${ROOT}/a.txt~`),
  ],
  "writes beside, moves the old one away, moves the new one in, and removes the old one (Word)": [
    (people) => people.write(`${ROOT}/~WRD0001.tmp`, "new"),
    (people) => people.rename(`${ROOT}/a.txt`, `${ROOT}/~WRL0002.tmp`),
    (people) => people.rename(`${ROOT}/~WRD0001.tmp`, `${ROOT}/a.txt`),
    (people) => people.rm(`${ROOT}/~WRL0002.tmp`),
  ],
  "cuts the file to nothing and writes it": [(people) => people.truncate(`${ROOT}/a.txt`, 0), (people) => people.write(`${ROOT}/a.txt`, "new")],
};

describe.each(Object.entries(SAVES))("a program that %s", (_title, steps) => {
  it("inc-29 leaves one file with its history, as an edit", async () => {
    const { twins, laptop, phone } = await pair();
    laptop.write("a.txt", "old");
    await twins.settle();
    for (const step of steps) step(laptop.disk.people);
    await twins.settle();
    expect(phone.texts()).toEqual({ "a.txt": "new" });
    expect(laptop.texts()).toEqual({ "a.txt": "new" });
    expect((await phone.replica.revisions(parsePath("a.txt"))).length).toBe(2);
  });

  it("inc-29 loses nothing and doubles nothing when it is looked at between any two steps", async () => {
    for (let looks = 0; looks < 2 ** steps.length; looks++) {
      const { twins, laptop, phone } = await pair();
      laptop.write("a.txt", "old");
      await twins.settle();
      for (const [at, step] of steps.entries()) {
        step(laptop.disk.people);
        if (looks & (1 << at)) await laptop.sync();
        if (looks & (1 << at)) await phone.sync();
      }
      await twins.settle();
      for (const device of twins.devices) expect(device.texts(), `looks ${looks.toString(2)}`).toEqual({ "a.txt": "new" });
    }
  });
});
