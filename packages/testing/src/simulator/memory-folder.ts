import { createMemoryLocalTree, type LocalTree, type MemoryEntry, type MemoryLocalTree, type Staging } from "@twinfold/core";
import type { Folder, SeenEntry } from "./folder.js";
import type { Life } from "./life.js";
import type { SimClock } from "./sim-env.js";

/** A device's folder in memory. */
export class MemoryFolder implements Folder {
  readonly #tree: MemoryLocalTree;
  readonly #stagings = new Set<Staging>();
  #entries: Map<string, SeenEntry> | undefined;

  constructor(clock: SimClock) {
    this.#tree = createMemoryLocalTree({ env: { nowMs: () => clock.nowMs } });
    void this.#tree.watch(() => {
      this.#entries = undefined;
    });
  }

  entries(): ReadonlyMap<string, SeenEntry> {
    this.#entries ??= new Map([...this.#tree.files()].map(([path, entry]) => [path, seen(entry)]));
    return this.#entries;
  }

  write(path: string, bytes: Uint8Array): void {
    this.#tree.write(path, bytes);
  }

  mkdir(path: string): void {
    this.#tree.mkdir(path);
  }

  symlink(path: string, target: string): void {
    this.#tree.symlink(path, target);
  }

  rename(from: string, to: string): void {
    if (this.entries().has(to)) this.#tree.rm(to);
    this.#tree.rename(from, to);
  }

  remove(path: string): void {
    this.#tree.rm(path);
  }

  chmod(path: string, executable: boolean): void {
    this.#tree.chmod(path, executable);
  }

  touch(path: string): void {
    const entry = this.entries().get(path);
    if (entry?.kind === "file") this.#tree.write(path, entry.bytes);
  }

  setRoot(state: "present" | "missing"): void {
    this.#tree.setRoot(state);
  }

  /** For one process. */
  open(life: Life, before: (method: string) => Promise<void>): LocalTree {
    const tree = this.#tree;
    const stagings = this.#stagings;
    for (const staging of stagings) void staging.close(); // of a process that died
    stagings.clear();
    const guarded = life.wrap<LocalTree>(tree, before, ["read", "watch", "close"]);
    return {
      ...guarded,
      stage: async (key) => {
        const staging = await guarded.stage(key);
        stagings.add(staging);
        return stagingFor(life, staging, before);
      },
      async *read(path, expected, options) {
        for await (const piece of tree.read(path, expected, options)) {
          await before("read");
          await life.within(async () => {});
          yield piece;
        }
      },
    };
  }
}

function stagingFor(life: Life, staging: Staging, before: (method: string) => Promise<void>): Staging {
  return Object.defineProperty(life.wrap<Staging>(staging, before), "sizeBytes", { get: () => staging.sizeBytes });
}

function seen(entry: MemoryEntry): SeenEntry {
  return entry.kind === "file" ? { kind: "file", bytes: entry.bytes, executable: entry.executable } : entry;
}
