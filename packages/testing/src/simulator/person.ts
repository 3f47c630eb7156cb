import type { Folder, SeenEntry } from "./folder.js";
import type { Ledger, Payload } from "./ledger.js";
import type { Scheduler } from "./scheduler.js";
import type { Op } from "./world-plan.js";

/** Longest between two steps of a program that writes in several. */
const STEP_MS = 40;
const TEMPORARY = ".saving";

export interface PersonParts {
  readonly device: string;
  readonly folder: Folder;
  readonly ledger: Ledger;
  readonly scheduler: Scheduler;
}

/** Somebody at the keyboard of one device, with the programs that people use. What cannot be done is not done. */
export class Person {
  readonly #device: string;
  readonly #folder: Folder;
  readonly #ledger: Ledger;
  readonly #scheduler: Scheduler;

  constructor({ device, folder, ledger, scheduler }: PersonParts) {
    this.#device = device;
    this.#folder = folder;
    this.#ledger = ledger;
    this.#scheduler = scheduler;
  }

  /** Says what was done; `undefined` when there was nothing to do it to. */
  async act(op: Op): Promise<string | undefined> {
    const { path = "", to = "", size = 0 } = op;
    const entry = this.#at(path);
    switch (op.kind) {
      case "write":
      case "write-same":
      case "append":
        if (!this.#canWrite(path)) return undefined;
        if (op.kind === "write") this.#write(path, this.#ledger.write(this.#device, path, size));
        else if (op.kind === "append")
          this.#write(path, this.#ledger.write(this.#device, path, size, entry?.kind === "file" ? entry.bytes : undefined));
        else this.#write(path, this.#ledger.passing(this.#device, path, new TextEncoder().encode(`the same everywhere in ${path}`)));
        return `${op.kind} ${path}`;
      case "truncate-and-write":
      case "write-slowly": {
        if (entry?.kind !== "file") return undefined;
        const bytes = this.#ledger.write(this.#device, path, size);
        const cuts = op.kind === "write-slowly" ? [0, Math.floor(bytes.length / 3), Math.floor((2 * bytes.length) / 3)] : [0];
        for (const cut of cuts) {
          if (!this.#canWrite(path) || this.#at(path) === undefined) return `${op.kind} ${path}, which went away`;
          this.#write(path, this.#ledger.passing(this.#device, path, bytes.slice(0, cut)));
          await this.#scheduler.sleep(STEP_MS / cuts.length);
        }
        if (!this.#canWrite(path)) return `${op.kind} ${path}, which went away`;
        this.#write(path, bytes);
        return `${op.kind} ${path}`;
      }
      case "save-atomically":
      case "delete-and-save": {
        if (!this.#canWrite(path)) return undefined;
        const draft = `${path}${TEMPORARY}`;
        const bytes = this.#ledger.write(this.#device, path, size);
        this.#write(draft, bytes);
        await this.#scheduler.sleep(STEP_MS / 2);
        if (op.kind === "delete-and-save" && this.#at(path)?.kind === "file") {
          this.#supersede(path);
          this.#folder.remove(path);
          await this.#scheduler.sleep(STEP_MS / 2);
        }
        if (this.#at(draft)?.kind !== "file" || !this.#canWrite(path)) return `${op.kind} ${path}, which did not work`;
        this.#supersede(path, bytes);
        this.#folder.rename(draft, path);
        return `${op.kind} ${path}`;
      }
      case "delete":
        if (entry === undefined) return undefined;
        this.#supersede(path);
        this.#folder.remove(path);
        return `delete ${path}`;
      case "mkdir":
        if (entry !== undefined || !this.#canMake(path)) return undefined;
        this.#folder.mkdir(path);
        return `mkdir ${path}`;
      case "symlink":
        if (entry !== undefined || !this.#canMake(path)) return undefined;
        this.#folder.symlink(path, `target of ${this.#device}`);
        return `symlink ${path}`;
      case "move":
        if (entry === undefined) return undefined;
        if (!this.#isRespelling(path, to) && (this.#at(to) !== undefined || !this.#canMove(path, to))) return undefined;
        this.#move(path, to);
        return `move ${path} to ${to}`;
      case "replace":
        if (entry === undefined || entry.kind === "directory" || !this.#canMove(path, to)) return undefined;
        if (this.#at(to)?.kind === "directory" || this.#at(to) === undefined) return undefined;
        this.#supersede(to);
        this.#move(path, to);
        return `replace ${to} by ${path}`;
      case "swap": {
        if (entry === undefined || this.#at(to) === undefined || !this.#canMove(path, to) || !this.#canMove(to, path)) return undefined;
        const between = `${path}.swapping`;
        if (this.#at(between) !== undefined) return undefined;
        this.#move(path, between);
        this.#move(to, path);
        this.#move(between, to);
        return `swap ${path} and ${to}`;
      }
      case "change-kind":
        if (entry === undefined) return undefined;
        this.#supersede(path);
        this.#folder.remove(path);
        this.#write(entry.kind === "file" ? `${path}/inner` : path, this.#ledger.write(this.#device, path, size));
        return `change-kind ${path}`;
      case "copy":
        if (entry === undefined || this.#at(to) !== undefined || !this.#canMove(path, to)) return undefined;
        this.#copy(path, to);
        return `copy ${path} to ${to}`;
      case "touch":
        if (entry?.kind !== "file") return undefined;
        this.#folder.touch(path);
        return `touch ${path}`;
      case "chmod":
        if (entry?.kind !== "file") return undefined;
        this.#touched(path);
        this.#folder.chmod(path, !entry.executable);
        return `chmod ${entry.executable ? "-x" : "+x"} ${path}`;
      default:
        throw new Error(`no person does ${op.kind}`);
    }
  }

  #at(path: string): SeenEntry | undefined {
    const shown = this.#folder.find(path);
    return shown === undefined ? undefined : this.#folder.entries().get(shown);
  }

  #canMake(path: string): boolean {
    return parentsOf(path).every((parent) => (this.#at(parent)?.kind ?? "directory") === "directory");
  }

  #canWrite(path: string): boolean {
    return this.#canMake(path) && (this.#at(path)?.kind ?? "file") === "file";
  }

  #canMove(path: string, to: string): boolean {
    const [source, target] = [this.#folder.keyOf(path), this.#folder.keyOf(to)];
    return source !== target && !`${target}/`.startsWith(`${source}/`) && !`${source}/`.startsWith(`${target}/`) && this.#canMake(to);
  }

  /** True for one name in two spellings, which people rename from one to the other. */
  #isRespelling(path: string, to: string): boolean {
    return path !== to && this.#folder.keyOf(path) === this.#folder.keyOf(to);
  }

  #makeParents(path: string): void {
    for (const parent of parentsOf(path)) if (this.#at(parent) === undefined) this.#folder.mkdir(parent);
  }

  #write(path: string, bytes: Uint8Array): void {
    this.#makeParents(path);
    this.#supersede(path, bytes);
    this.#folder.write(path, bytes);
    const payload = this.#ledger.identify(bytes);
    if (payload !== undefined) payload.isPlaced = true;
  }

  #move(path: string, to: string): void {
    this.#makeParents(to);
    this.#touched(path);
    this.#folder.rename(path, to);
  }

  #copy(path: string, to: string): void {
    this.#makeParents(to);
    const depth = path.split("/").length;
    for (const [from, entry] of this.#below(path)) {
      const target = [to, ...from.split("/").slice(depth)].join("/");
      if (entry.kind === "directory") this.#folder.mkdir(target);
      else if (entry.kind === "symlink") this.#folder.symlink(target, entry.target);
      else if (entry.kind === "file") {
        this.#folder.write(target, entry.bytes);
        const payload = this.#ledger.identify(entry.bytes);
        if (payload !== undefined) payload.copies += 1;
      }
    }
  }

  /** What is replaced or deleted here was seen by the person who does it. */
  #supersede(path: string, by?: Uint8Array): void {
    const successor = by && this.#ledger.identify(by);
    for (const payload of this.#payloadsBelow(path)) {
      if (payload === successor) continue;
      payload.supersededBy.add(this.#device);
      if (successor !== undefined) successor.follows ??= payload;
    }
  }

  #touched(path: string): void {
    for (const payload of this.#payloadsBelow(path)) payload.touchedBy.add(this.#device);
  }

  *#payloadsBelow(path: string): Generator<Payload> {
    for (const [, entry] of this.#below(path)) {
      const payload = entry.kind === "file" ? this.#ledger.identify(entry.bytes) : undefined;
      if (payload !== undefined) yield payload;
    }
  }

  #below(path: string): Array<readonly [string, SeenEntry]> {
    const top = this.#folder.find(path);
    return top === undefined ? [] : [...this.#folder.entries()].filter(([at]) => at === top || at.startsWith(`${top}/`));
  }
}

function parentsOf(path: string): readonly string[] {
  return path
    .split("/")
    .slice(0, -1)
    .map((_, index, names) => names.slice(0, index + 1).join("/"));
}
