import { accountStoreConformance, hubStoreConformance, replicaStoreConformance } from "@twinfold/testing";
import { describe, it } from "vitest";
import { createSqliteAccountStore, createSqliteHubStore, createSqliteReplicaStore } from "../src/index.js";
import { temporaryPath } from "./temporary-path.js";

/** How a suite opens stores of one kind, and opens the file of an earlier one again. */
function files<Store extends object>(create: (options: { readonly path: string }) => Promise<Store>) {
  const paths = new WeakMap<Store, string>();
  async function open(path = temporaryPath()): Promise<Store> {
    const store = await create({ path });
    paths.set(store, path);
    return store;
  }
  return { open: () => open(), reopen: (store: Store) => open(paths.get(store)) };
}

hubStoreConformance({ describe, it }, files(createSqliteHubStore));
accountStoreConformance({ describe, it }, files(createSqliteAccountStore));
replicaStoreConformance({ describe, it }, files(createSqliteReplicaStore));
