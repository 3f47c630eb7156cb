import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { createFsLocalTree, createNodeFileSystem, initializeRoot, readRootMarker } from "@twinfold/adapter-fs";
import { type LocalHint, type LocalStat, type LocalTree, parsePath, parseWorkspaceId, ROOT_PATH } from "@twinfold/core";
import { diskError, hookedFileSystem } from "@twinfold/testing";
import { describe, expect, it } from "vitest";
import { openDisk } from "./disk-edit.js";
import { temporaryFolder } from "./temporary-folder.js";

const WORKSPACE = parseWorkspaceId("1".repeat(32));

describe("the marker of a linked folder", () => {
  it("is found again, and is not made twice", async () => {
    const root = temporaryFolder();
    expect(await readRootMarker({ root })).toBeUndefined();
    const marker = await initializeRoot({ root, workspaceId: WORKSPACE });

    expect(await readRootMarker({ root })).toEqual(marker);
    expect(marker.workspaceId).toBe(WORKSPACE);
    await expect(initializeRoot({ root, workspaceId: WORKSPACE })).rejects.toMatchObject({ code: "ERR_ALREADY_LINKED" });
    expect(fs.readdirSync(join(root, ".twinfold"))).toEqual(["root.json"]);
  });

  it("is refused by name when the folder is gone, the marker damaged, or its format newer", async () => {
    const root = temporaryFolder();
    await expect(readRootMarker({ root: join(root, "gone") })).rejects.toMatchObject({ code: "ERR_ROOT_MISSING" });
    await initializeRoot({ root, workspaceId: WORKSPACE });
    fs.writeFileSync(join(root, ".twinfold/root.json"), "");
    await expect(readRootMarker({ root })).rejects.toMatchObject({ code: "ERR_ROOT_FOREIGN" });
    fs.writeFileSync(join(root, ".twinfold/root.json"), '{"format":2}');
    await expect(readRootMarker({ root })).rejects.toMatchObject({ code: "ERR_NEWER_FORMAT" });
  });
});

describe("createFsLocalTree", () => {
  it("finds a root that is a symlink, and misses it when the disk behind it is unplugged", async () => {
    const { root, tree: direct } = await openDisk();
    const link = join(temporaryFolder(), "link");
    fs.symlinkSync(root, link);
    const tree = createFsLocalTree({ root: link, rootId: (await readRootMarker({ root }))?.rootId as string });
    fs.writeFileSync(join(root, "a"), "one");

    expect(await tree.stat(parsePath("a"))).toEqual(await direct.stat(parsePath("a")));
    fs.rmSync(join(root, ".twinfold"), { recursive: true });
    await expect(tree.list(ROOT_PATH)).rejects.toMatchObject({ code: "ERR_ROOT_MISSING" });
  });

  it("says that the root is unreadable, not that it is empty, when the disk does not answer", async () => {
    const { root } = await openDisk();
    const { rootId } = (await readRootMarker({ root })) as { rootId: string };
    for (const operation of ["realpath", "lstat"]) {
      const fileSystem = hookedFileSystem(createNodeFileSystem(), (call) => {
        if (call.operation === operation) throw diskError("EACCES");
      });
      await expect(createFsLocalTree({ root, rootId, fileSystem }).list(ROOT_PATH)).rejects.toMatchObject({ code: "ERR_ROOT_UNREADABLE" });
    }
  });

  it("gives no listing when the disk was unplugged while it was listed", async () => {
    const { root, edit } = await openDisk();
    await edit.write("folder/a", "one");
    const { rootId } = (await readRootMarker({ root })) as { rootId: string };
    const fileSystem = hookedFileSystem(createNodeFileSystem(), ({ operation }) => {
      if (operation !== "readdir") return;
      fs.renameSync(root, `${root}-unplugged`);
      fs.mkdirSync(join(root, "folder"), { recursive: true });
    });
    await expect(createFsLocalTree({ root, rootId, fileSystem }).list(parsePath("folder"))).rejects.toMatchObject({ code: "ERR_ROOT_MISSING" });
  });

  it("reports names that are not UTF-8 and entries that cannot be read, and gives the others", async () => {
    const { root } = await openDisk();
    fs.writeFileSync(Buffer.concat([Buffer.from(`${root}/caf`), Buffer.from([0xe9])]), "latin1");
    fs.writeFileSync(join(root, "fine"), "");
    fs.writeFileSync(join(root, "locked"), "");
    const { rootId } = (await readRootMarker({ root })) as { rootId: string };
    const fileSystem = hookedFileSystem(createNodeFileSystem(), ({ path }) => {
      if (path.endsWith("/locked")) throw diskError("EIO");
    });
    const { entries, problems } = await createFsLocalTree({ root, rootId, fileSystem }).list(ROOT_PATH);

    expect(entries.map(({ name }) => name)).toEqual(["fine"]);
    expect([...problems].sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
      { name: "caf\ufffd", problem: "its name is not UTF-8" },
      { name: "locked", problem: "it cannot be read (EIO)" },
    ]);
  });

  it("tells of a pipe, and neither waits for it nor reads it", async () => {
    const { root, tree } = await openDisk();
    execFileSync("mkfifo", [join(root, "pipe")]);
    expect((await tree.list(ROOT_PATH)).entries).toMatchObject([{ name: "pipe", stat: { kind: "other" } }]);
    fs.writeFileSync(join(root, "a"), "one");
    const stat = (await tree.stat(parsePath("a"))) as LocalStat;
    fs.renameSync(join(root, "pipe"), join(root, "a"));
    await expect(tree.read(parsePath("a"), stat)[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "ERR_LOCAL_CHANGED" });
  });

  it("reads a large file in pieces of at most 1 MiB, whatever part is asked for", async () => {
    const { root, tree } = await openDisk();
    const sizeBytes = 300 * 1024 * 1024 + 17;
    fs.writeFileSync(join(root, "large"), "");
    fs.truncateSync(join(root, "large"), sizeBytes);
    const stat = (await tree.stat(parsePath("large"))) as LocalStat;
    const sizes: number[] = [];
    for await (const piece of tree.read(parsePath("large"), stat)) sizes.push(piece.length);

    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(sizeBytes);
    expect(Math.max(...sizes)).toBe(1024 * 1024);
  });

  it("names the file and the advice when the disk is full", async () => {
    const { root } = await openDisk();
    const { rootId } = (await readRootMarker({ root })) as { rootId: string };
    const fileSystem = hookedFileSystem(createNodeFileSystem(), ({ operation }) => {
      if (operation === "file.write" || operation === "mkdir") throw diskError("ENOSPC");
    });
    const tree = createFsLocalTree({ root, rootId, fileSystem });
    await expect(tree.makeDirectory(parsePath("new"))).rejects.toMatchObject({
      code: "ERR_NO_SPACE",
      message: 'cannot make the folder "new": the disk is full: make room and try again',
      cause: { code: "ENOSPC" },
    });
  });

  it("hints at every directory that an event of a whole tree concerns, and at none of its own", async () => {
    const { root, tree, edit } = await openDisk();
    await edit.write("old/deep/file", "one");
    const hints: LocalHint[] = [];
    const seen = await hintsUntil(tree, hints, "late", async () => {
      const staging = await tree.stage("key");
      await staging.append(new TextEncoder().encode("new"));
      await staging.place(parsePath("placed"), undefined, { executable: false, mtimeNs: 0n });
      await edit.rename("old", "new");
      fs.writeFileSync(join(root, ".twinfold/trash-is-ours"), "");
      fs.mkdirSync(join(root, "late"));
    });
    expect(seen).toContain("");
    expect(seen).toContain("new");
    expect(seen.filter((path) => path.includes(".twinfold"))).toEqual([]);

    await hintsUntil(tree, hints, "new", async () => edit.rm("new/deep"));
  });
});

/** The directories that were hinted at until `awaited` was. Waits for the event, not for a time. */
async function hintsUntil(tree: LocalTree, hints: LocalHint[], awaited: string, act: () => Promise<void>): Promise<string[]> {
  let wake = (): void => {};
  const stop = await tree.watch((hint) => {
    hints.push(hint);
    wake();
  });
  await act();
  const paths = () => hints.flatMap((hint) => (hint.kind === "directory" ? [hint.path as string] : []));
  while (!paths().includes(awaited)) {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  await stop();
  return paths().splice(0, hints.splice(0).length);
}
