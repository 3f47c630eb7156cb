import { createFsBlobStore } from "@twinfold/adapter-fs";
import type { BlobStore } from "@twinfold/core";
import { blobStoreConformance, localTreeConformance } from "@twinfold/testing";
import { describe, it } from "vitest";
import { openDisk } from "./disk-edit.js";
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
