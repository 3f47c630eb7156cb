import { readdirSync } from "node:fs";
import { join } from "node:path";
import { createFsBlobStore } from "@twinfold/adapter-fs";
import { ANY_NAME, type BlobStore } from "@twinfold/core";
import { blobStoreConformance, localTreeConformance } from "@twinfold/testing";
import { describe, expect, it } from "vitest";
import { openDisk } from "./disk-edit.js";
import type { FoldingOptions } from "./folding-file-system.js";
import { DISKS, temporaryFolder } from "./temporary-folder.js";

for (const [disk, base] of DISKS) {
  describe(`createFsBlobStore on ${disk}`, () => {
    const roots = new WeakMap<BlobStore, string>();
    const openAt = (root: string) => {
      const store = createFsBlobStore({ root });
      roots.set(store, root);
      return store;
    };
    blobStoreConformance(
      { describe, it },
      { open: async () => openAt(temporaryFolder(base)), reopen: async (store) => openAt(roots.get(store) as string) },
    );
  });

  describe(`createFsLocalTree on ${disk}`, () => {
    localTreeConformance({ describe, it }, { open: () => openDisk(base) });
  });
}

const FOLDING: Readonly<Record<string, Partial<FoldingOptions>>> = {
  "folds case": { foldsCase: true },
  "folds case, and does nothing when asked for another spelling": { foldsCase: true, ignoresRespelling: true },
  "folds case and Unicode forms": { foldsCase: true, foldsNormalization: true },
  "folds Unicode forms and lists form D": { foldsCase: true, foldsNormalization: true, listsDecomposed: true },
  "has the names of Windows, and short ones": { foldsCase: true, reserved: "windows", maxNameBytes: 143 },
};

for (const [what, names] of Object.entries(FOLDING)) {
  describe(`createFsLocalTree on a disk that ${what}`, () => {
    localTreeConformance({ describe, it }, { open: () => openDisk(undefined, { names: { ...ANY_NAME, ...names } }) });

    it("finds out what the disk does with names, and leaves nothing behind", async () => {
      const { tree, root } = await openDisk(undefined, { names: { ...ANY_NAME, ...names } });
      const { ignoresRespelling: _way, ...rules } = { ...ANY_NAME, ...names };
      expect(await tree.names()).toEqual(rules);
      expect(readdirSync(join(root, ".twinfold/staging"))).toEqual([]);
    });
  });
}
