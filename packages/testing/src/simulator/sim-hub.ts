import {
  type AccountId,
  createMemoryBlobStore,
  createMemoryHubStore,
  type Env,
  type Hub,
  type HubBatch,
  type MemoryBlobStore,
  type MemoryHubSnapshot,
  type MemoryHubStore,
  type Principal,
  type Transport,
  TwinfoldError,
  type WorkspaceId,
} from "@twinfold/core";
import { Life } from "./life.js";
import type { RandomStream } from "./random.js";
import type { Scheduler } from "./scheduler.js";
import type { Sut } from "./sut.js";
import type { SwarmParams } from "./world-plan.js";

export interface SimHubParts {
  readonly sut: Sut;
  readonly scheduler: Scheduler;
  readonly random: RandomStream;
  readonly swarm: SwarmParams;
  /** Of the machine, for each start of its process. */
  readonly env: (life: Life) => Env;
  /** Told of each batch after it is durable. */
  readonly onAppended: (batch: HubBatch) => Promise<void>;
}

/** The hub's machine: its stores, and a process that can be killed and started again. */
export class SimHub {
  readonly #parts: SimHubParts;
  readonly blobs: MemoryBlobStore = createMemoryBlobStore();
  #store: MemoryHubStore = createMemoryHubStore();
  #backup: MemoryHubSnapshot | undefined;
  #life = new Life();
  #hub: Hub | undefined;
  #healed = false;
  /** Times that it was put back to an older state. */
  restores = 0;

  constructor(parts: SimHubParts) {
    this.#parts = parts;
    this.start();
  }

  /** What is durable. */
  get store(): MemoryHubStore {
    return this.#store;
  }

  get process(): Hub | undefined {
    return this.#hub;
  }

  start(): void {
    if (this.#hub !== undefined) return;
    const { sut, env, onAppended } = this.#parts;
    const life = new Life();
    const store = life.wrap(this.#store, (method) => this.#turn(method), ["snapshot"]);
    this.#life = life;
    this.#hub = sut.createHub({
      env: env(life),
      blobs: life.wrap(this.blobs, (method) => this.#turn(method), ["list", "snapshot"]),
      store: {
        ...store,
        append: async (batches) => {
          const results = await store.append(batches);
          for (const [index, batch] of batches.entries()) if (results[index] === "appended") await onAppended(batch);
          await this.#turn("append");
          return results;
        },
      },
    });
  }

  /** The process dies; what it was asked meanwhile is not answered. */
  crash(): void {
    this.#life.end(new TwinfoldError("ERR_UNREACHABLE", "the hub's process died and the connection with it"));
    this.#hub = undefined;
  }

  backUp(): void {
    this.#backup = this.#store.snapshot();
  }

  /** Puts the metadata back to the last backup, with no word to anyone. `false`: there is none. */
  restore(): boolean {
    if (this.#backup === undefined) return false;
    this.crash();
    this.#store = createMemoryHubStore({ from: this.#backup });
    this.restores += 1;
    this.start();
    return true;
  }

  heal(): void {
    this.#healed = true;
    this.start();
  }

  /** Where a device's requests end up now. */
  endFor(principal: Principal): { readonly transport: Transport; readonly died: Promise<never> } | undefined {
    return this.#hub && { transport: this.#parts.sut.createTransport(this.#hub, principal), died: this.#life.ended };
  }

  /** Another process over the same stores, for which nothing goes wrong: what is durable, as a device would be told it. */
  readerFor(principal: Principal): Transport {
    const { sut, env } = this.#parts;
    return sut.createTransport(sut.createHub({ store: this.#store, blobs: this.blobs, env: env(new Life()) }), principal);
  }

  async createWorkspace(owner: AccountId): Promise<WorkspaceId> {
    if (this.#hub === undefined) throw new Error("the hub is down");
    return await this.#hub.createWorkspace(owner);
  }

  async #turn(method: string): Promise<void> {
    const { random, swarm, scheduler } = this.#parts;
    if (swarm.storeTurns > 0 && random.chance(swarm.storeTurns)) await scheduler.sleep(random.int(1000) / 100);
    if (this.#healed || method === "createWorkspace" || swarm.storeErrors === 0) return;
    if (random.chance(swarm.storeErrors)) throw new TwinfoldError("ERR_STORE_UNAVAILABLE", `the store is too busy to ${method}`);
  }
}
