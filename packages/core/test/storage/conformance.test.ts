import { createMemoryBlobStore, type MemoryBlobStore } from "@twinfold/core";
import { blobStoreConformance } from "@twinfold/testing";
import { describe, it } from "vitest";

blobStoreConformance(
  { describe, it },
  {
    open: async () => createMemoryBlobStore(),
    reopen: async (store) => createMemoryBlobStore({ from: (store as MemoryBlobStore).snapshot() }),
  },
);
