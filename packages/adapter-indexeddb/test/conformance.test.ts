import { blobStoreConformance, replicaStoreConformance } from "@twinfold/testing/conformance";
import { describe, it } from "vitest";
import { createIdbBlobStore, createIdbReplicaStore } from "../src/index.js";
import { freshName } from "./fresh-name.js";

/** How a suite opens stores of one kind, and opens the database of an earlier one again. */
function databases<Store extends object>(create: (options: { readonly name: string }) => Promise<Store>) {
  const names = new WeakMap<Store, string>();
  async function open(name = freshName()): Promise<Store> {
    const store = await create({ name });
    names.set(store, name);
    return store;
  }
  return { open: () => open(), reopen: (store: Store) => open(names.get(store)) };
}

blobStoreConformance({ describe, it }, databases(createIdbBlobStore));
replicaStoreConformance({ describe, it }, databases(createIdbReplicaStore));
