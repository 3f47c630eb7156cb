import {
  createMemoryReplicaStore,
  createReplicaMemory,
  type ReplicaBatch,
  type ReplicaMemory,
  type ReplicaStore,
  type WorkspaceId,
} from "@twinfold/core";
import type { Life } from "./life.js";

/** A device's metadata on its disk: it outlives processes, and can be put back. */
export class SimReplicaStore {
  #memory: ReplicaMemory = createReplicaMemory();
  #written: Array<readonly [WorkspaceId, ReplicaBatch]> = [];

  get writes(): number {
    return this.#written.length;
  }

  /** Commits whose answer is waited for. */
  get outbox(): number {
    return [...this.#memory.workspaces.values()].reduce((sum, { outbox }) => sum + outbox.size, 0);
  }

  /** Opens it for one process. `before` is awaited ahead of each call. */
  open(life: Life, before: (method: string) => Promise<void>): ReplicaStore {
    this.#memory.inUse = false; // the lock of a process that died is gone with it
    const store = this.openBeside();
    const written = this.#written;
    const guarded = life.wrap(store, before);
    return {
      ...guarded,
      write: (workspaceId, batch) =>
        life.within(async () => {
          await before("write");
          return life.within(async () => {
            await store.write(workspaceId, batch);
            written.push([workspaceId, batch]);
          });
        }),
    };
  }

  /** Opens it for one more process. @throws {TwinfoldError} `ERR_IN_USE` when one has it open. */
  openBeside(): ReplicaStore {
    return createMemoryReplicaStore(this.#memory);
  }

  /** Whatever was in it, it holds now what the other holds. No process may have it open. */
  async becomeCopyOf(other: SimReplicaStore): Promise<void> {
    this.#written = [...other.#written];
    await this.goBack(0);
  }

  /** The last `count` transactions never were: an older copy of the file was put back. No process may have it open. */
  async goBack(count: number): Promise<void> {
    const kept = this.#written.slice(0, Math.max(0, this.#written.length - count));
    this.lose();
    const store = createMemoryReplicaStore(this.#memory);
    for (const [workspaceId, batch] of kept) await store.write(workspaceId, batch);
    await store.close();
    this.#written = kept;
  }

  /** The file is gone. */
  lose(): void {
    this.#memory = createReplicaMemory();
    this.#written = [];
  }
}
