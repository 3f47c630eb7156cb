import { createFsLocalTree, initializeRoot, readRootMarker } from "@twinfold/adapter-fs";
import { type Env, isTwinfoldError, type Replica, type Transport, TwinfoldError, type WorkspaceId } from "@twinfold/core";
import type { FileSystemCall } from "../../hooked-file-system.js";
import { Life } from "../life.js";
import type { RandomStream } from "../random.js";
import { createSimDisk, type SimDisk, type SimEntry } from "../sim-disk.js";
import type { SimEditor } from "../sim-editor.js";
import { SimReplicaStore } from "../sim-replica-store.js";
import type { Sut } from "../sut.js";

/** One call to a disk, or one transaction of a store. */
export interface IoCall {
  readonly operation: FileSystemCall["operation"] | `store.${string}`;
  readonly path: string;
}

/** Asked before each call takes effect; throws to fail it, or never comes back. */
export type Turn = (call: IoCall) => Promise<void> | void;

export interface StationParts {
  readonly name: string;
  readonly sut: Sut;
  readonly workspaceId: WorkspaceId;
  readonly random: RandomStream;
  /** For one process, by how many there were before. */
  readonly env: (process: number) => Env;
  /** To the hub that runs when the call is made. */
  readonly transport: (life: Life) => Transport;
  readonly turn: Turn;
}

const ROOT = "/home/twin";

/** One device: a simulated disk with adapter-fs over it, metadata that is durable with each transaction, and a process. */
export class Station {
  readonly #parts: StationParts;
  readonly #metadata = new SimReplicaStore();
  readonly disk: SimDisk;
  #life = new Life();
  #replica: Replica | undefined;
  #rootId: string | undefined;
  #processes = 0;
  /** What `sync` ended with, that it should not. */
  readonly surprises: string[] = [];

  constructor(parts: StationParts) {
    this.#parts = parts;
    const { nowMs } = parts.env(0);
    this.disk = createSimDisk({ nowMs, random: parts.random, before: ({ operation, path }) => parts.turn({ operation, path }) });
    this.disk.people.mkdir(ROOT);
    this.disk.people.sync();
  }

  get name(): string {
    return this.#parts.name;
  }

  /** The person at the device. */
  get people(): SimEditor {
    return this.disk.people;
  }

  at(path: string): string {
    return `${ROOT}/${path}`;
  }

  /** What the person sees. */
  files(): ReadonlyMap<string, SimEntry> {
    return new Map([...this.disk.files(ROOT)].filter(([path]) => path !== ".twinfold" && !path.startsWith(".twinfold/")));
  }

  /** Files of ours that nothing needs any more. */
  leftovers(): readonly string[] {
    const staging = this.at(".twinfold/staging");
    return this.people.exists(staging) ? [...this.disk.files(staging).keys()] : [];
  }

  /** A pass, in a new process if none runs. What a disk or a hub that fails may lead to is no surprise. */
  async sync(): Promise<boolean> {
    try {
      const life = this.#life;
      const report = await life.outcome(this.#pass(life));
      return report?.inSync ?? false;
    } catch (error) {
      if (!isTwinfoldError(error)) this.surprises.push(`${this.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      return false;
    }
  }

  async #pass(life: Life) {
    this.#replica ??= await this.#open(life);
    return await this.#replica.sync({ confirm: true });
  }

  /** The process dies; with `power` the machine goes off with it, and what was not durable is as the random stream has it. */
  die(power: "on" | "off"): void {
    this.#life.end(new Error("the process was killed"));
    this.#life = new Life();
    this.#replica = undefined;
    if (power === "off") this.disk.losePower();
    else this.disk.closeAllFiles();
  }

  async close(): Promise<void> {
    await this.#replica?.close();
    this.#replica = undefined;
  }

  async #open(life: Life): Promise<Replica> {
    const { sut, workspaceId, name, turn, transport } = this.#parts;
    const { fileSystem, watch } = this.disk;
    this.#processes += 1;
    const env = this.#parts.env(this.#processes);
    this.#rootId ??= (
      (await readRootMarker({ root: ROOT, fileSystem })) ?? (await initializeRoot({ root: ROOT, workspaceId, fileSystem, env }))
    ).rootId;
    const tree = createFsLocalTree({ root: ROOT, rootId: this.#rootId, fileSystem, watch, env, deviceName: name });
    const store = this.#metadata.open(life, async (method) => {
      if (method === "write") await turn({ operation: "store.write", path: "" });
    });
    return await sut.createReplica({
      workspaceId,
      tree: life.wrap(tree, async () => {}, ["read", "watch", "close"]),
      store,
      transport: transport(life),
      env,
      deviceName: name,
    });
  }
}

/** What a store says when its disk says this. */
export function storeFailure(operation: string, code: string): TwinfoldError {
  return new TwinfoldError(code === "ENOSPC" ? "ERR_NO_SPACE" : "ERR_STORE_FAILED", `the store could not ${operation}: ${code}`);
}
