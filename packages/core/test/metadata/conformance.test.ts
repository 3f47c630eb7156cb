import { accountStoreConformance, hubStoreConformance, replicaStoreConformance } from "@twinfold/testing";
import { describe, it } from "vitest";
import {
  createAccountMemory,
  createMemoryAccountStore,
  createMemoryHubStore,
  createMemoryReplicaStore,
  createReplicaMemory,
  type MemoryHubStore,
} from "../../src/index.js";

/** How a suite opens stores of one kind, and opens the memory of an earlier one again. */
function memories<Store extends object, Memory>(createMemory: () => Memory, createStore: (memory: Memory) => Store) {
  const memoryOf = new WeakMap<Store, Memory>();
  async function open(memory = createMemory()): Promise<Store> {
    const store = createStore(memory);
    memoryOf.set(store, memory);
    return store;
  }
  return { open: () => open(), reopen: (store: Store) => open(memoryOf.get(store)) };
}

hubStoreConformance(
  { describe, it },
  {
    open: async () => createMemoryHubStore(),
    reopen: async (store) => createMemoryHubStore({ from: (store as MemoryHubStore).snapshot() }),
  },
);
accountStoreConformance({ describe, it }, memories(createAccountMemory, createMemoryAccountStore));
replicaStoreConformance({ describe, it }, memories(createReplicaMemory, createMemoryReplicaStore));
