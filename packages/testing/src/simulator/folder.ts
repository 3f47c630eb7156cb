import { INTERNAL_NAME } from "@twinfold/core";
import type { SimDisk, SimEntry } from "./sim-disk.js";

/** What a person sees at a path. */
export type SeenEntry = SimEntry;

/** Where each device has its folder. */
export const ROOT = "/home/folder";

/**
 * A linked folder as the person at the device has it before them. What they do takes effect at once, whatever the engine is doing,
 * and is durable at once.
 */
export class Folder {
  readonly #disk: SimDisk;
  #entries: ReadonlyMap<string, SeenEntry> | undefined;
  /** The paths of the entries by their keys. */
  #spellings: ReadonlyMap<string, string> | undefined;
  /** False while its disk is unplugged. */
  isThere = true;

  constructor(disk: SimDisk) {
    this.#disk = disk;
    disk.people.mkdir(ROOT);
    disk.people.fsync(ROOT);
  }

  /** Everything below the root but Twinfold's own, by path, ascending. Nothing when the disk is not there. */
  entries(): ReadonlyMap<string, SeenEntry> {
    this.#entries ??= this.#read();
    return this.#entries;
  }

  /** The path under which the folder shows what is found at `path`, which the disk may find under other spellings too. `undefined`: nothing is there. */
  find(path: string): string | undefined {
    if (this.entries().has(path)) return path;
    this.#spellings ??= new Map([...this.entries().keys()].map((shown) => [this.keyOf(shown), shown]));
    return this.#spellings.get(this.keyOf(path));
  }

  /** Equal for all paths that this disk takes for one. */
  keyOf(path: string): string {
    return this.#disk.keyOf(path);
  }

  /** What was seen is not certain any more: a program may have changed it. */
  forget(): void {
    this.#entries = undefined;
    this.#spellings = undefined;
  }

  #read(): ReadonlyMap<string, SeenEntry> {
    if (!this.isThere) return new Map();
    const seen = [...this.#disk.files(ROOT)].filter(([path]) => path !== INTERNAL_NAME && !path.startsWith(`${INTERNAL_NAME}/`));
    return new Map(seen.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** In place: the inode stays. Makes the file when there is none. */
  write(path: string, bytes: Uint8Array): void {
    this.#edit(path, (at) => this.#disk.people.write(at, bytes));
  }

  mkdir(path: string): void {
    this.#edit(path, this.#disk.people.mkdir);
  }

  symlink(path: string, target: string): void {
    this.#edit(path, (at) => this.#disk.people.symlink(at, target));
  }

  /** As rename(2). */
  rename(from: string, to: string): void {
    this.#edit(to, (at) => this.#disk.people.rename(`${ROOT}/${from}`, at));
    this.#disk.people.fsync(`${ROOT}/${from}`);
  }

  /** With everything inside. */
  remove(path: string): void {
    this.#edit(path, this.#disk.people.rm);
  }

  chmod(path: string, executable: boolean): void {
    this.#edit(path, (at) => this.#disk.people.chmod(at, executable ? 0o755 : 0o644));
  }

  touch(path: string): void {
    this.#edit(path, (at) => this.#disk.people.touch(at));
  }

  #edit(path: string, edit: (at: string) => void): void {
    this.forget();
    edit(`${ROOT}/${path}`);
    this.#disk.people.fsync(`${ROOT}/${path}`);
  }
}
