import type { FileSystem } from "@twinfold/core";
import { describe, expect, it } from "vitest";
import { createRandom } from "../../src/simulator/random.js";
import { createSimDisk, type SimDisk, type SimDiskOptions } from "../../src/simulator/sim-disk.js";

const SEEDS = Array.from({ length: 200 }, (_, seed) => seed);

function newDisk(seed = 1, options: Partial<SimDiskOptions> = {}): SimDisk {
  let now = Date.UTC(2026, 0, 1);
  return createSimDisk({ nowMs: () => (now += 1), random: createRandom(seed).stream("disk"), ...options });
}

async function write(fs: FileSystem, path: string, bytes: Uint8Array, options: { readonly sync?: boolean } = {}): Promise<void> {
  const file = await fs.open(path, "create-exclusive");
  await file.write(bytes, 0);
  if (options.sync) await file.sync();
  await file.close();
}

function textAt(disk: SimDisk, path: string): string | undefined {
  return disk.people.exists(path) ? new TextDecoder().decode(disk.people.read(path)) : undefined;
}

async function codeOf(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    return (error as { readonly code?: string }).code;
  }
}

/** How often each answer came over all seeds. */
async function counted(answer: (seed: number) => Promise<string>): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const seed of SEEDS) {
    const given = await answer(seed);
    counts[given] = (counts[given] ?? 0) + 1;
  }
  return counts;
}

const isEqual = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
const PAGES = Uint8Array.from({ length: 4 * 4096 }, (_, at) => 1 + (at >> 12));

describe("a power loss", () => {
  it("leaves whole what was fsynced, with its name", async () => {
    for (const seed of SEEDS) {
      const disk = newDisk(seed);
      const fs = disk.fileSystem;
      await fs.mkdir("/d");
      await fs.syncDirectory("/");
      await write(fs, "/d/a", PAGES, { sync: true });
      await fs.syncDirectory("/d");
      disk.people.write("/d/b", "not synced");
      disk.losePower();
      expect(isEqual(disk.people.read("/d/a"), PAGES)).toBe(true);
    }
  });

  it("leaves of a file that was not fsynced nothing, no bytes, the first ones, some pages, or all", async () => {
    const counts = await counted(async (seed) => {
      const disk = newDisk(seed);
      await write(disk.fileSystem, "/a", PAGES);
      disk.losePower();
      if (!disk.people.exists("/a")) return "absent";
      const left = disk.people.read("/a");
      if (left.length === 0) return "empty";
      if (left.some((byte, at) => byte !== PAGES[at])) return "torn";
      return left.length < PAGES.length ? "prefix" : "whole";
    });
    expect(Object.keys(counts).sort()).toEqual(["absent", "empty", "prefix", "torn", "whole"]);
  });

  it("leaves of a file that was written over in place its old bytes, its new ones, or a mix by pages", async () => {
    const before = PAGES.map(() => 9);
    const counts = await counted(async (seed) => {
      const disk = newDisk(seed);
      disk.people.write("/a", before);
      disk.people.sync();
      disk.people.writeInPlace("/a", 0, PAGES);
      disk.losePower();
      const left = disk.people.read("/a");
      expect(left.length).toBe(PAGES.length);
      expect(left.every((byte, at) => byte === 9 || byte === PAGES[at])).toBe(true);
      return left.every((byte) => byte === 9) ? "old" : left.includes(9) ? "mixed" : "new";
    });
    expect(Object.keys(counts).sort()).toEqual(["mixed", "new", "old"]);
  });

  it.each([
    [true, ["new", "old"]],
    [false, ["both", "new", "old"]],
  ])("leaves a renamed file its old name or its new one, and both at most without a journal (journal: %s)", async (hasJournal, legal) => {
    const counts = await counted(async (seed) => {
      const disk = newDisk(seed, { hasJournal });
      disk.people.write("/d/a", "text");
      disk.people.mkdir("/e");
      disk.people.sync();
      await disk.fileSystem.rename("/d/a", "/e/b");
      disk.losePower();
      const [old, made] = [textAt(disk, "/d/a"), textAt(disk, "/e/b")];
      expect(old ?? made).toBe("text");
      return old === undefined ? "new" : made === undefined ? "old" : "both";
    });
    expect(Object.keys(counts).sort()).toEqual(legal);
  });

  it("never loses a file that was renamed into a directory whose own name is not durable", async () => {
    const counts = await counted(async (seed) => {
      const disk = newDisk(seed);
      disk.people.write("/old/a", "text");
      disk.people.sync();
      disk.people.rename("/old", "/new/inside");
      if (seed % 2 === 0) await disk.fileSystem.syncDirectory("/new");
      disk.losePower();
      return textAt(disk, "/new/inside/a") === "text" ? "new" : textAt(disk, "/old/a") === "text" ? "old" : "lost";
    });
    expect(Object.keys(counts).sort()).toEqual(["new", "old"]);
  });

  it("keeps, whatever happened, each file that was durable and that nobody took away", async () => {
    for (const seed of SEEDS) {
      const disk = newDisk(seed);
      const random = createRandom(seed).stream("people");
      const directories = ["/x", "/y", "/x/z"];
      for (const directory of directories) disk.people.mkdir(directory);
      const names = Array.from({ length: 6 }, (_, at) => `payload ${at}`);
      for (const text of names) disk.people.write(`${random.pick(directories)}/${text}`, text);
      disk.people.sync();
      for (let move = 0; move < 20; move++) {
        const all = [...disk.files("/")].filter(([path]) => path.includes("/"));
        const [from = ""] = random.pick(all);
        const to = random.pick([...disk.files("/")].filter(([, { kind }]) => kind === "directory"))[0];
        await codeOf(disk.fileSystem.rename(`/${from}`, `/${to}/${from.split("/").at(-1)}`));
        if (random.chance(0.2)) await codeOf(disk.fileSystem.mkdir(`/${to}/new ${move}`));
        if (random.chance(0.2)) await disk.fileSystem.syncDirectory(`/${to}`);
        if (random.chance(0.1)) await codeOf(disk.fileSystem.rmdir(`/${to}`));
      }
      disk.losePower();
      const left = [...disk.files("/").values()].map((entry) => (entry.kind === "file" ? new TextDecoder().decode(entry.bytes) : ""));
      expect(left.filter((text) => text !== "").sort(), `seed ${seed}`).toEqual(names);
    }
  });

  it("leaves other images of the same moment each time", async () => {
    const disk = newDisk();
    disk.people.write("/a", PAGES);
    const moment = disk.snapshot();
    const images = new Set<string>();
    for (let image = 0; image < 60; image++) {
      disk.restore(moment);
      expect(isEqual(disk.people.read("/a"), PAGES)).toBe(true);
      disk.losePower();
      images.add(disk.people.exists("/a") ? Buffer.from(disk.people.read("/a")).toString("hex") : "absent");
    }
    expect(images.size).toBeGreaterThan(5);
  });

  it("ends the process: its open files are gone, and no call of it reaches the disk again", async () => {
    const disk = newDisk();
    const earlier = disk.fileSystem;
    const file = await earlier.open("/a", "create-exclusive");
    expect(disk.openFiles).toBe(1);
    disk.closeAllFiles();
    expect(disk.openFiles).toBe(0);
    expect(await codeOf(file.write(PAGES, 0))).toBe("EBADF");
    expect(await codeOf(earlier.unlink("/a"))).toBe("EBADF");
    expect(textAt(disk, "/a")).toBe("");
    expect(await codeOf(disk.fileSystem.unlink("/a"))).toBeUndefined();
  });
});

describe("a disk that fails", () => {
  it("refuses what does not fit, and takes it when there is room", async () => {
    const disk = newDisk(1, { capacityBytes: 20_000 });
    await write(disk.fileSystem, "/a", PAGES);
    expect(await codeOf(write(disk.fileSystem, "/b", PAGES))).toBe("ENOSPC");
    disk.people.rm("/a");
    disk.people.rm("/b");
    expect(await codeOf(write(disk.fileSystem, "/c", PAGES))).toBeUndefined();
  });

  it("fails the calls that it is told to, and no others", async () => {
    const disk = newDisk();
    disk.people.write("/d/a", "text");
    disk.failNext({ operation: "lstat", path: "/d", code: "EIO", times: 2 });
    expect(await codeOf(disk.fileSystem.lstat("/"))).toBeUndefined();
    expect([await codeOf(disk.fileSystem.lstat("/d/a")), await codeOf(disk.fileSystem.lstat("/d"))]).toEqual(["EIO", "EIO"]);
    expect(await codeOf(disk.fileSystem.lstat("/d/a"))).toBeUndefined();
  });

  it("never writes the bytes that an fsync failed for, though the next fsync says that all is well", async () => {
    const counts = await counted(async (seed) => {
      const disk = newDisk(seed);
      const file = await disk.fileSystem.open("/a", "create-exclusive");
      await disk.fileSystem.syncDirectory("/");
      disk.failNext({ operation: "file.sync", code: "EIO" });
      await file.write(PAGES, 0);
      expect(await codeOf(file.sync())).toBe("EIO");
      await file.sync();
      expect(isEqual(disk.people.read("/a"), PAGES)).toBe(true);
      disk.losePower();
      return isEqual(disk.people.read("/a"), PAGES) ? "whole" : "damaged";
    });
    expect(counts.damaged).toBeGreaterThan(SEEDS.length / 2);
  });

  it("can pretend that an fsync was done", async () => {
    const counts = await counted(async (seed) => {
      const disk = newDisk(seed);
      disk.failNext({ operation: "syncDirectory", code: "LOST" });
      await write(disk.fileSystem, "/a", PAGES, { sync: true });
      await disk.fileSystem.syncDirectory("/");
      disk.losePower();
      return disk.people.exists("/a") ? "there" : "gone";
    });
    expect(Object.keys(counts).sort()).toEqual(["gone", "there"]);
  });

  it.each([
    ["empty", undefined, "ENOENT"],
    ["absent", "ENOENT", "ENOENT"],
    ["unreadable", "EIO", "EIO"],
  ] as const)("that is unmounted and %s shows nothing of what is on it, and all again when it is back", async (how, listing, looking) => {
    const disk = newDisk();
    disk.people.write("/mnt/disk/a", "text");
    disk.unmount("/mnt/disk", how);
    expect(await codeOf(disk.fileSystem.readdir("/mnt/disk"))).toBe(listing);
    expect(await codeOf(disk.fileSystem.lstat("/mnt/disk/a"))).toBe(looking);
    if (how === "empty") expect(await disk.fileSystem.readdir("/mnt/disk")).toEqual([]);
    disk.mount("/mnt/disk");
    expect(textAt(disk, "/mnt/disk/a")).toBe("text");
  });

  it("that is another one takes no links and renames", async () => {
    const disk = newDisk();
    disk.people.write("/a", "text");
    disk.people.mkdir("/usb");
    disk.mount("/usb");
    expect(await codeOf(disk.fileSystem.rename("/a", "/usb/a"))).toBe("EXDEV");
    expect(await codeOf(disk.fileSystem.link("/a", "/usb/a"))).toBe("EXDEV");
    expect(await codeOf(disk.fileSystem.rmdir("/usb"))).toBe("EBUSY");
    expect((await disk.fileSystem.lstat("/usb")).dev).not.toBe((await disk.fileSystem.lstat("/")).dev);
  });
});

describe("names and times", () => {
  it("folds case where told to, and keeps the name as it was given", async () => {
    const disk = newDisk(1, { foldsCase: true });
    disk.people.write("/Straße", "text");
    expect(await codeOf(disk.fileSystem.open("/sTRASSE", "create-exclusive"))).toBe("EEXIST");
    await disk.fileSystem.rename("/Straße", "/STRASSE");
    expect([...disk.files("/").keys()]).toEqual(["STRASSE"]);
  });

  it("keeps names decomposed where told to, and finds them in any form", async () => {
    const disk = newDisk(1, { normalizes: "nfd" });
    disk.people.write("/\u00e4", "text");
    expect([...disk.files("/").keys()]).toEqual(["a\u0308"]);
    expect([textAt(disk, "/\u00e4"), textAt(disk, "/a\u0308")]).toEqual(["text", "text"]);
  });

  it("lists names that are not UTF-8 as they are", async () => {
    const disk = newDisk();
    disk.people.writeRaw("/", Uint8Array.of(0xff, 0x61), "text");
    expect(await disk.fileSystem.readdir("/")).toEqual([Uint8Array.of(0xff, 0x61)]);
  });

  it("makes two writes in one tick look alike", async () => {
    let now = 1_000_000;
    const disk = newDisk(1, { nowMs: () => now, timeGranularityMs: 2_000 });
    disk.people.write("/a", "one");
    const first = await disk.fileSystem.lstat("/a");
    now += 1_000;
    disk.people.writeInPlace("/a", 0, "two");
    expect(await disk.fileSystem.lstat("/a")).toEqual(first);
    now += 1_000;
    disk.people.touch("/a");
    expect(await disk.fileSystem.lstat("/a")).not.toEqual(first);
  });

  it("gives the number of an inode that is gone to another file after a while", async () => {
    const disk = newDisk();
    const seen = new Set<bigint>();
    let wasReused = false;
    for (let made = 0; made < 40; made++) {
      disk.people.write("/a", "text");
      const { ino } = await disk.fileSystem.lstat("/a");
      wasReused ||= seen.has(ino);
      seen.add(ino);
      disk.people.rm("/a");
    }
    expect(wasReused).toBe(true);
  });

  it("tells what a program that holds a file open writes to it after it was replaced", async () => {
    const disk = newDisk();
    disk.people.write("/a", "old");
    const held = disk.people.holdOpen("/a");
    disk.people.link("/a", "/kept");
    disk.people.atomicSave("/a", "new");
    held.append(" and more");
    expect([textAt(disk, "/a"), textAt(disk, "/kept")]).toEqual(["new", "old and more"]);
  });
});
