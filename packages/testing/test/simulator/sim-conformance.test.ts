import { createFsBlobStore, createFsLocalTree, initializeRoot } from "@twinfold/adapter-fs";
import { type BlobStore, parseWorkspaceId } from "@twinfold/core";
import { describe, it } from "vitest";
import { blobStoreConformance } from "../../src/conformance/blob-store-conformance.js";
import { type EditableTree, type LocalEdit, localTreeConformance } from "../../src/conformance/local-tree-conformance.js";
import { createRandom } from "../../src/simulator/random.js";
import { createSimDisk, type SimDisk, type SimDiskOptions } from "../../src/simulator/sim-disk.js";

const ROOT = "/home/folder";

/** A disk whose clock moves on at each look, so that the trash sorts. */
function newDisk(options: Partial<SimDiskOptions> = {}) {
  const random = createRandom(1);
  const ids = random.stream("ids");
  let now = Date.UTC(2026, 0, 1);
  const nowMs = () => (now += 1);
  const disk = createSimDisk({ nowMs, random: random.stream("disk"), ...options });
  disk.people.mkdir(ROOT);
  return { disk, env: { nowMs, randomBytes: (length: number) => ids.bytes(length), sleep: async () => {} } };
}

async function openTree(options: Partial<SimDiskOptions>): Promise<EditableTree> {
  const { disk, env } = newDisk(options);
  const { fileSystem, watch } = disk;
  const { rootId } = await initializeRoot({ root: ROOT, workspaceId: parseWorkspaceId("0".repeat(32)), fileSystem, env });
  const tree = createFsLocalTree({ root: ROOT, rootId, fileSystem, env, watch });
  return { tree, edit: editOf(disk), close: () => tree.close() };
}

function editOf({ people, files }: SimDisk): LocalEdit {
  const at = (path: string) => `${ROOT}/${path}`;
  return {
    write(path, content, { executable } = {}) {
      people.write(at(path), content);
      if (executable !== undefined) people.chmod(at(path), executable ? 0o755 : 0o644);
    },
    mkdir: (path) => people.mkdir(at(path)),
    symlink: (path, target) => people.symlink(at(path), target),
    rename: (from, to) => people.rename(at(from), at(to)),
    rm: (path) => people.rm(at(path)),
    chmod: (path, executable) => people.chmod(at(path), executable ? 0o755 : 0o644),
    files: () => new Map([...files(ROOT)].filter(([path]) => !/^\.twinfold(\/|$)/.test(path))),
    trashed() {
      if (!people.exists(at(".twinfold/trash"))) return [];
      const found = files(at(".twinfold/trash"));
      const folders = [...found.keys()].filter((path) => !path.includes("/"));
      return folders.map((folder) => {
        const note = [...found].find(([path, entry]) => path.startsWith(`${folder}/`) && entry.kind === "file" && isNote(entry.bytes));
        const { path } = JSON.parse(textOf(people.read(at(`.twinfold/trash/${note?.[0]}`)))) as { path: string };
        const entry = found.get(`${folder}/${path.split("/").at(-1)}`);
        if (entry === undefined) throw new Error(`${folder} has a note of ${path}, and not the thing itself`);
        return { path, entry };
      });
    },
    setRoot(state) {
      if (state === "missing") people.rename(ROOT, `${ROOT}-unplugged`);
      else people.write(at(".twinfold/root.json"), JSON.stringify({ format: 1, rootId: "f".repeat(32), workspaceId: "0".repeat(32) }));
    },
  };
}

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function isNote(bytes: Uint8Array): boolean {
  try {
    return typeof JSON.parse(textOf(bytes)).path === "string";
  } catch {
    return false;
  }
}

describe.each([
  ["a simulated disk", {}],
  ["one that folds case", { foldsCase: true }],
  ["one that decomposes names", { normalizes: "nfd" }],
] as const)("createFsLocalTree on %s", (_disk, options) => {
  localTreeConformance({ describe, it }, { open: () => openTree(options) });
});

describe("createFsBlobStore on a simulated disk", () => {
  const disks = new WeakMap<BlobStore, SimDisk>();
  const openOn = (disk: SimDisk, env: ReturnType<typeof newDisk>["env"]): BlobStore => {
    const store = createFsBlobStore({ root: ROOT, fileSystem: disk.fileSystem, env });
    disks.set(store, disk);
    return store;
  };
  const { env } = newDisk();
  blobStoreConformance(
    { describe, it },
    {
      open: async () => openOn(newDisk().disk, env),
      // Its guarantee is to survive more than its process.
      reopen: async (store) => {
        const disk = disks.get(store) as SimDisk;
        disk.losePower();
        return openOn(disk, env);
      },
    },
  );
});
