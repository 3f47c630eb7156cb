import { createFsBlobStore } from "@twinfold/adapter-fs";
import {
  type AccountId,
  createMemoryHubStore,
  type DeviceId,
  type Env,
  type Hub,
  type MemoryHubSnapshot,
  type MemoryHubStore,
  type Principal,
  type Transport,
  TwinfoldError,
  type WorkspaceId,
} from "@twinfold/core";
import { Life } from "../life.js";
import { createRandom, type Random } from "../random.js";
import { createSimDisk, type SimDisk } from "../sim-disk.js";
import { nodeSha256, START_MS } from "../sim-env.js";
import type { Sut } from "../sut.js";
import { Station, type Turn } from "./station.js";

export type NodeName = "laptop" | "phone" | "hub";

const BLOBS = "/srv/blobs";
const DAY_MS = 86_400_000;
const ACCOUNT = "a".repeat(32) as AccountId;

/** Two devices and a hub, each with a disk of its own. Time is a counter: a sleep moves it on, and nothing waits. */
export class CrashWorld {
  readonly #sut: Sut;
  readonly #random: Random;
  readonly #turn: (node: NodeName) => Turn;
  readonly hubDisk: SimDisk;
  #nowMs = START_MS;
  #boots = 0;
  #hubStore: MemoryHubStore = createMemoryHubStore();
  #hubLife = new Life();
  #hub: Hub;
  #workspaceId!: WorkspaceId;
  #devices = 0;
  laptop!: Station;
  phone!: Station;

  private constructor(sut: Sut, seed: number, turn: (node: NodeName) => Turn) {
    this.#sut = sut;
    this.#random = createRandom(seed);
    this.#turn = turn;
    const hubTurn = turn("hub");
    this.hubDisk = createSimDisk({
      nowMs: () => this.#nowMs,
      random: this.#random.stream("disk of the hub"),
      before: ({ operation, path }) => hubTurn({ operation, path }),
    });
    this.hubDisk.people.mkdir(BLOBS);
    this.hubDisk.people.sync();
    this.#hub = this.#startHub();
  }

  static async open(sut: Sut, seed: number, turn: (node: NodeName) => Turn): Promise<CrashWorld> {
    const world = new CrashWorld(sut, seed, turn);
    world.#workspaceId = await world.#hub.createWorkspace(ACCOUNT);
    world.laptop = world.device("laptop", turn("laptop"));
    world.phone = world.device("phone", turn("phone"));
    return world;
  }

  /** One more device of the same account. */
  device(name: string, turn: Turn = () => {}): Station {
    this.#devices += 1;
    const principal: Principal = { accountId: ACCOUNT, deviceId: `${this.#devices}`.repeat(32).slice(0, 32) as DeviceId, deviceName: name };
    return new Station({
      name,
      sut: this.#sut,
      workspaceId: this.#workspaceId,
      random: this.#random.stream(`disk of ${name}`),
      env: (process) => this.#env(`${name}, ${process}`),
      transport: (life) => this.#connect(life, principal),
      turn,
    });
  }

  /** Nothing happens for so long. */
  wait(days: number): void {
    this.#nowMs += days * DAY_MS;
  }

  /** Everything on every disk is durable. */
  settleDisks(): void {
    for (const { people } of [this.hubDisk, this.laptop.disk, this.phone.disk]) people.sync();
  }

  backUpHub(): MemoryHubSnapshot {
    return this.#hubStore.snapshot();
  }

  /** The hub's metadata is put back, with no word to anyone. */
  restoreHub(backup: MemoryHubSnapshot): void {
    this.#hubStore = createMemoryHubStore({ from: backup });
    this.killHub("on");
  }

  /** The process of the hub dies, and the next one starts; with `power` off, what was not durable on its disk is as the random stream has it. */
  killHub(power: "on" | "off"): void {
    this.#hubLife.end(new TwinfoldError("ERR_UNREACHABLE", "the hub's process died and the connection with it"));
    if (power === "off") this.hubDisk.losePower();
    else this.hubDisk.closeAllFiles();
    this.#hub = this.#startHub();
  }

  #startHub(): Hub {
    const life = new Life();
    this.#hubLife = life;
    this.#boots += 1;
    const env = this.#env(`hub, ${this.#boots}`);
    const turn = this.#turn("hub");
    const store = life.wrap(this.#hubStore, async (method) => {
      if (method === "append" || method === "addChunks") await turn({ operation: `store.${method}`, path: "" });
    });
    const blobs = createFsBlobStore({ root: BLOBS, fileSystem: this.hubDisk.fileSystem, env });
    return this.#sut.createHub({ store, blobs: life.wrap(blobs, async () => {}, ["list"]), env });
  }

  /** A call that the hub's death interrupts is answered so. */
  #connect(life: Life, principal: Principal): Transport {
    const open = () => ({ transport: this.#sut.createTransport(this.#hub, principal), died: this.#hubLife.ended });
    const forward = Object.keys(open().transport).map((name) => {
      const call = (...args: unknown[]) =>
        life.within(() => {
          const { transport, died } = open();
          return Promise.race([Reflect.apply(transport[name as keyof Transport], transport, args) as Promise<unknown>, died]);
        });
      return [name, call];
    });
    const transport = Object.fromEntries(forward) as unknown as Transport;
    return {
      ...transport,
      async *download(request, options) {
        const { transport: now, died } = open();
        const frames = now.download(request, options)[Symbol.asyncIterator]();
        for (;;) {
          const next = await life.within(() => Promise.race([frames.next(), died]));
          if (next.done === true) return;
          yield next.value;
        }
      },
    };
  }

  #env(process: string): Env {
    const ids = this.#random.stream(`ids of ${process}`);
    return {
      nowMs: () => this.#nowMs,
      monotonicMs: () => this.#nowMs,
      randomBytes: (length) => ids.bytes(length),
      sleep: async (ms, signal) => {
        signal?.throwIfAborted();
        this.#nowMs += ms;
        await Promise.resolve();
        signal?.throwIfAborted();
      },
      sha256: nodeSha256,
      bootId: process,
    };
  }
}
