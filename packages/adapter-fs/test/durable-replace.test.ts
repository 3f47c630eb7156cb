import * as fs from "node:fs";
import { join } from "node:path";
import { createFsLocalTree, createNodeFileSystem, readRootMarker } from "@twinfold/adapter-fs";
import { isConflictName, isTwinfoldError, type LocalStat, type LocalTree, type MemoryEntry, parsePath } from "@twinfold/core";
import { diskError, type FileSystemCall, hookedFileSystem } from "@twinfold/testing";
import { describe, expect, it } from "vitest";
import { openDisk } from "./disk-edit.js";
import { DISKS } from "./temporary-folder.js";

/** Many small folders are made here: the fastest disk will do. */
const [, BASE] = DISKS.at(-1) as (typeof DISKS)[number];
const ATTRIBUTES = { executable: false, mtimeNs: 1_600_000_000_000_000_000n };
const FILE = parsePath("folder/file.txt");
const MOVED = parsePath("elsewhere/file.txt");

/** Each operation that changes a person's folder, with what may be at the paths afterwards. */
const SCENARIOS: Readonly<Record<string, { readonly before: boolean; run(tree: LocalTree, stat: LocalStat | undefined): Promise<unknown> }>> = {
  "placing a new file": { before: false, run: (tree) => place(tree, "new", undefined) },
  "replacing a file": { before: true, run: (tree, stat) => place(tree, "new", stat) },
  "replacing a file by a symlink": { before: true, run: (tree, stat) => tree.makeSymlink(FILE, "new", stat) },
  "removing a file": { before: true, run: (tree, stat) => tree.remove(FILE, stat as LocalStat) },
  "moving a file": { before: true, run: (tree, stat) => tree.move(FILE, MOVED, stat as LocalStat) },
  "setting a file's attributes": { before: true, run: (tree, stat) => tree.setAttributes(FILE, stat as LocalStat, ATTRIBUTES) },
};

async function place(tree: LocalTree, text: string, expected: LocalStat | undefined): Promise<unknown> {
  const staging = await tree.stage("key");
  try {
    await staging.append(new TextEncoder().encode(text));
    return await staging.place(FILE, expected, ATTRIBUTES);
  } finally {
    await staging.close();
  }
}

/** A folder, a tree on it whose every call passes `before`, and what the scenario expects. */
async function prepare(hasFile: boolean, before: (call: FileSystemCall, root: string) => void | Promise<void>) {
  let armed = false;
  let index = 0;
  const disk = await openDisk(BASE);
  await disk.edit.mkdir("folder");
  await disk.edit.mkdir("elsewhere");
  if (hasFile) await disk.edit.write(FILE, "old");
  const marker = await readRootMarker({ root: disk.root });
  const fileSystem = hookedFileSystem(createNodeFileSystem(), async (call) => {
    if (!armed) return;
    index += 1;
    await before({ ...call, index }, disk.root);
  });
  const pauses: number[] = [];
  let random = 127;
  const env = {
    nowMs: () => Date.UTC(2026, 0, 2),
    randomBytes: (length: number) => {
      random += 1;
      return new Uint8Array(length).fill(random);
    },
    sleep: async (ms: number) => void pauses.push(ms),
  };
  const open = (hooked: boolean) => createFsLocalTree({ root: disk.root, rootId: marker?.rootId as string, env, ...(hooked ? { fileSystem } : {}) });
  const tree = open(true);
  const stat = await tree.stat(FILE);
  armed = true;
  const disarm = () => {
    armed = false;
  };
  return { ...disk, tree, stat, open, pauses, disarm };
}

function text(entry: MemoryEntry | undefined): string | undefined {
  if (entry?.kind === "file") return new TextDecoder().decode(entry.bytes);
  return entry?.kind === "symlink" ? `-> ${entry.target}` : undefined;
}

/** Runs `scenario` once for each call that it makes, with that call's number, until a run makes fewer calls. */
async function atEachCall(run: (target: number) => Promise<{ readonly reached: boolean }>): Promise<number> {
  for (let target = 1; ; target++) {
    if (!(await run(target)).reached) return target - 1;
  }
}

describe.each(Object.entries(SCENARIOS))("%s", (_name, { before: hasFile, run }) => {
  it.each([
    ["fails with EIO", "EIO", false],
    ["fails with ENOSPC", "ENOSPC", false],
    ["is the last one before a crash", "EIO", true],
  ])("leaves the old state or the new one, whichever call %s", async (_how, code, crashes) => {
    const calls = await atEachCall(async (target) => {
      let reached = false;
      const disk = await prepare(hasFile, ({ index }) => {
        if (index !== target && !(crashes && index > target)) return;
        reached = true;
        throw diskError(code);
      });
      const error = await run(disk.tree, disk.stat).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (error !== undefined) expect(isTwinfoldError(error), String(error)).toBe(true);

      const files = await disk.edit.files();
      const found = [FILE, MOVED].flatMap((path) => text(files.get(path)) ?? []);
      const trashed = await trashedTexts(disk.root);
      expect([...files.keys()].filter((path) => path !== FILE && path !== MOVED)).toEqual(["elsewhere", "folder"]);
      expect(found.every((content) => ["old", "new", "-> new"].includes(content))).toBe(true);
      if (hasFile) expect([...found, ...trashed]).toContain("old");

      // What a crash leaves in our own folder is never taken for a download that went well, nor for a person's file.
      const again = disk.open(false);
      const staging = await again.stage("key");
      await staging.truncate(0);
      await staging.append(new TextEncoder().encode("garbage"));
      await staging.close();
      expect([...(await disk.edit.files())].map(([path, entry]) => [path, text(entry)])).toEqual(
        [...files].map(([path, entry]) => [path, text(entry)]),
      );
      return { reached };
    });
    expect(calls).toBeGreaterThan(5);
  });

  it("keeps in the folder what somebody writes to the file meanwhile, before whichever call", async () => {
    await atEachCall(async (target) => {
      let reached = false;
      const disk = await prepare(hasFile, async ({ index }, root) => {
        if (index !== target) return;
        reached = true;
        fs.writeFileSync(join(root, fs.existsSync(join(root, MOVED)) ? MOVED : FILE), "written by hand");
      });
      await run(disk.tree, disk.stat);
      const contents = [...(await disk.edit.files()).values()].map(text);
      if (reached) expect(contents, `before call ${target}`).toContain("written by hand");
      return { reached };
    });
  });

  it("keeps in the folder what somebody saves over the file meanwhile, but for the moment of the rename itself", async () => {
    await atEachCall(async (target) => {
      let operation: string | undefined;
      const disk = await prepare(hasFile, async (call, root) => {
        if (call.index !== target) return;
        operation = call.operation;
        const path = join(root, fs.existsSync(join(root, MOVED)) ? MOVED : FILE);
        fs.writeFileSync(join(root, "saving"), "saved by hand");
        fs.renameSync(join(root, "saving"), path);
      });
      await run(disk.tree, disk.stat);
      const contents = [...(await disk.edit.files()).values()].map(text);
      if (operation !== undefined && operation !== "rename") expect(contents, `before call ${target}, ${operation}`).toContain("saved by hand");
      return { reached: operation !== undefined };
    });
  });
});

/** Contents in the trash, with or without a note. */
async function trashedTexts(root: string): Promise<string[]> {
  const trash = join(root, ".twinfold/trash");
  if (!fs.existsSync(trash)) return [];
  return fs
    .readdirSync(trash)
    .flatMap((folder) => fs.readdirSync(join(trash, folder)).map((name) => fs.readFileSync(join(trash, folder, name), "utf8")));
}

describe("placing a file", () => {
  it("shows a person both contents when an edit falls between the last look and the rename", async () => {
    const disk = await prepare(true, ({ operation, to }, root) => {
      if (operation === "rename" && to === join(root, FILE)) fs.writeFileSync(join(root, FILE), "written by hand");
    });
    expect(await place(disk.tree, "new", disk.stat)).toMatchObject({ kind: "done" });

    const files = await disk.edit.files();
    const copy = [...files.keys()].find(isConflictName) as string;
    expect(copy).toBe("folder/file (conflict, this device, 2026-01-02).txt");
    expect([text(files.get(FILE)), text(files.get(copy))]).toEqual(["new", "written by hand"]);
  });

  it("gives a stat that the disk does not have when the new file was written to at once", async () => {
    const disk = await prepare(false, ({ operation, path }, root) => {
      if (operation === "syncDirectory" && path === join(root, "folder")) fs.appendFileSync(join(root, FILE), " and more");
    });
    const outcome = await place(disk.tree, "new", undefined);
    expect(outcome).not.toMatchObject({ stat: await disk.tree.stat(FILE) });
  });

  it("works where the disk has no hard links", async () => {
    const disk = await prepare(true, ({ operation }) => {
      if (operation === "link") throw diskError("EPERM");
    });
    expect(await place(disk.tree, "new", disk.stat)).toMatchObject({ kind: "done", stat: { links: 1 } });
    expect(await disk.tree.remove(FILE, (await disk.tree.stat(FILE)) as LocalStat)).toEqual({ kind: "done" });
    expect(await place(disk.tree, "newer", undefined)).toMatchObject({ kind: "done" });

    expect(text((await disk.edit.files()).get(FILE))).toBe("newer");
    expect((await disk.edit.trashed()).map(({ entry }) => text(entry)).sort()).toEqual(["new", "old"]);
  });

  it("waits, longer each time, for a program that holds the file, and gives up after five tries more", async () => {
    let busy = 3;
    const disk = await prepare(true, ({ operation, to }, root) => {
      if (operation === "rename" && to === join(root, FILE) && busy-- > 0) throw diskError("EBUSY");
    });
    expect(await place(disk.tree, "new", disk.stat)).toMatchObject({ kind: "done" });
    expect(disk.pauses).toHaveLength(3);
    expect(disk.pauses).toEqual(disk.pauses.toSorted((a, b) => a - b));

    busy = 1_000;
    await expect(place(disk.tree, "newer", await disk.tree.stat(FILE))).rejects.toMatchObject({ code: "ERR_LOCAL_FAILED" });
    expect(disk.pauses).toHaveLength(8);
    expect(text((await disk.edit.files()).get(FILE))).toBe("new");
  });

  it("copies to a disk that is mounted inside the folder, and renames there", async () => {
    const isFar = (path: string, root: string) => path.startsWith(join(root, "folder"));
    const disk = await prepare(true, () => {});
    const node = createNodeFileSystem();
    const marker = await readRootMarker({ root: disk.root });
    const fileSystem = hookedFileSystem(
      {
        ...node,
        lstat: async (path) => ({ ...(await node.lstat(path)), ...(isFar(path, disk.root) ? { dev: 77n } : {}) }),
        open: async (path, mode) => {
          const file = await node.open(path, mode);
          return { ...file, stat: async () => ({ ...(await file.stat()), ...(isFar(path, disk.root) ? { dev: 77n } : {}) }) };
        },
      },
      ({ operation, path, to }) => {
        if ((operation === "link" || operation === "rename") && isFar(path, disk.root) !== isFar(to as string, disk.root)) throw diskError("EXDEV");
      },
    );
    const tree = createFsLocalTree({ root: disk.root, rootId: marker?.rootId as string, fileSystem });
    expect(await place(tree, "new", await tree.stat(FILE))).toMatchObject({ kind: "done" });
    expect((await tree.list(parsePath("folder"))).entries.map(({ name }) => name)).toEqual(["file.txt"]);
    expect(await tree.remove(FILE, (await tree.stat(FILE)) as LocalStat)).toEqual({ kind: "done" });
    expect(fs.readdirSync(join(disk.root, "folder/.twinfold/trash"))).toHaveLength(2);
    expect(fs.readdirSync(join(disk.root, ".twinfold/staging"))).toEqual([]);
  });

  it("does not follow a symlink that takes a parent's place while the bytes are made durable", async () => {
    const disk = await prepare(false, ({ operation }, root) => {
      if (operation !== "file.sync") return;
      fs.renameSync(join(root, "folder"), join(root, "folder-before"));
      fs.symlinkSync(join(root, "elsewhere"), join(root, "folder"));
    });
    expect(await place(disk.tree, "new", undefined)).toEqual({ kind: "changed" });
    expect(fs.readdirSync(join(disk.root, "elsewhere"))).toEqual([]);
  });

  it("throws the download away after an fsync that failed, and never tries that file again", async () => {
    let failing = true;
    const disk = await prepare(false, ({ operation }) => {
      if (operation === "file.sync" && failing) throw diskError("EIO");
    });
    await expect(place(disk.tree, "new", undefined)).rejects.toMatchObject({ code: "ERR_LOCAL_FAILED" });
    failing = false;
    const staging = await disk.tree.stage("key");
    expect(staging.sizeBytes).toBe(0);
  });

  it.each([undefined, "old"])("has placed a file although its directory could be made durable only at the third try, over %s", async (before) => {
    let failures = 0;
    const disk = await prepare(before !== undefined, ({ operation, path }, root) => {
      if (operation === "syncDirectory" && path === join(root, "folder") && ++failures < 3) throw diskError("EIO");
    });
    const expected = before === undefined ? undefined : await disk.tree.stat(FILE);
    expect(await place(disk.tree, "new", expected)).toMatchObject({ kind: "done" });
    expect(failures).toBeGreaterThanOrEqual(3);
  });

  it("makes few calls for one more new file in a folder that need not be durable at once", async () => {
    const calls: string[] = [];
    const disk = await prepare(false, ({ operation }) => void calls.push(operation));
    for (const name of ["first", "second"]) {
      calls.length = 0;
      const staging = await disk.tree.stage("key");
      await staging.append(new TextEncoder().encode(name));
      await staging.place(parsePath(`folder/${name}`), undefined, ATTRIBUTES, { durable: false });
    }
    // The root and its marker are looked at by both steps; by the second one the folder too.
    const staged = ["lstat", "lstat", "open", "file.write"];
    const finished = ["file.chmod", "file.setMtime", "file.stat"];
    expect(calls).toEqual([...staged, ...finished, "lstat", "lstat", "lstat", "link", "unlink", "file.stat"]);
  });

  it("says so when a directory cannot be made durable at all", async () => {
    const disk = await prepare(false, ({ operation }) => {
      if (operation === "syncDirectory") throw diskError("EIO");
    });
    await expect(place(disk.tree, "new", undefined)).rejects.toMatchObject({ code: "ERR_LOCAL_FAILED" });
  });

  it("keeps who may read a file that it replaces", async () => {
    const disk = await prepare(true, () => {});
    disk.disarm();
    fs.chmodSync(join(disk.root, FILE), 0o600);
    const staging = await disk.tree.stage("key");
    await staging.place(FILE, await disk.tree.stat(FILE), { ...ATTRIBUTES, executable: true });
    expect(fs.statSync(join(disk.root, FILE)).mode & 0o777).toBe(0o700);
  });
});
