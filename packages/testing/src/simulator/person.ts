import { isConflictName } from "@twinfold/core";
import type { Folder, SeenEntry } from "./folder.js";
import { IGNORE_FILE } from "./held.js";
import type { Ledger, Payload } from "./ledger.js";
import type { Scheduler } from "./scheduler.js";
import type { Op, OpKind } from "./world-plan.js";

/** Longest between two steps of a program that writes in several. */
const STEP_MS = 40;
const TEMPORARY = ".saving";
/** What gives a name to something else than a new file. */
const SHAPES: ReadonlySet<OpKind> = new Set(["mkdir", "symlink", "move", "replace", "swap", "copy", "change-kind", "settle-copy"]);

export interface PersonParts {
  readonly device: string;
  readonly folder: Folder;
  readonly ledger: Ledger;
  readonly scheduler: Scheduler;
  /** False from the death of the engine's process, or a failed call of its disk, until it has ended a pass; and of what that had to skip. */
  readonly isWatched: (path: string) => boolean;
}

/** Somebody at the keyboard of one device, with the programs that people use. What cannot be done is not done. */
export class Person {
  readonly #device: string;
  readonly #folder: Folder;
  readonly #ledger: Ledger;
  readonly #scheduler: Scheduler;
  readonly #isWatched: (path: string) => boolean;
  /** What has been in the folder whenever the person did something. */
  readonly #seen = new Set<Payload>();

  /** What was moved away last, by the path where it was. */
  readonly #left = new Map<string, Payload>();
  /** Of others, replaced or deleted since a pass last ended here. */
  readonly #unsettled = new Set<Payload>();

  constructor({ device, folder, ledger, scheduler, isWatched }: PersonParts) {
    this.#device = device;
    this.#folder = folder;
    this.#ledger = ledger;
    this.#scheduler = scheduler;
    this.#isWatched = isWatched;
  }

  /** Says what was done; `undefined` when there was nothing to do it to. */
  async act(op: Op): Promise<string | undefined> {
    const { path = "", to = "", size = 0 } = op;
    const entry = this.#at(path);
    for (const [, payload] of this.#payloadsBelow("")) this.#seen.add(payload);
    if (SHAPES.has(op.kind)) for (const name of [...path.split("/"), ...to.split("/")]) this.#ledger.shapedNames.add(name);
    switch (op.kind) {
      case "write":
      case "write-same":
      case "append":
      case "insert":
        if (!this.#canWrite(path)) return undefined;
        if (op.kind === "write") this.#write(path, this.#ledger.write(this.#device, path, size));
        else if (op.kind === "append")
          this.#write(path, this.#ledger.write(this.#device, path, size, entry?.kind === "file" ? entry.bytes : undefined));
        else if (op.kind === "insert") {
          const bytes = entry?.kind === "file" ? entry.bytes : new Uint8Array(0);
          const middle = Math.floor(bytes.length / 2);
          this.#write(path, this.#ledger.write(this.#device, path, size, bytes.subarray(0, middle), bytes.subarray(middle)));
        } else this.#write(path, this.#ledger.passing(this.#device, path, new TextEncoder().encode(`the same everywhere in ${path}`)));
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
      case "change-rules":
        return this.#changeRules(path, op.count ?? 0);
      case "settle-copy": {
        const [copy] = [...this.#folder.entries().keys()].filter((at) => isConflictName(at.slice(at.lastIndexOf("/") + 1)));
        if (copy === undefined) return undefined;
        if ((op.count ?? 0) % 2 === 0) return await this.act({ ...op, kind: "delete", path: copy });
        return await this.act({ ...op, kind: "move", path: copy, to: path });
      }
      default:
        throw new Error(`no person does ${op.kind}`);
    }
  }

  /** Writes a rule for the last name of `path` into the ignore file of the root or of its own directory, or deletes that file. */
  #changeRules(path: string, count: number): string | undefined {
    const [name = "", directory] = [path.split("/").at(-1), count % 2 === 0 ? "" : path.split("/").slice(0, -1).join("/")];
    const rules = directory === "" ? IGNORE_FILE : `${directory}/${IGNORE_FILE}`;
    if (!this.#canWrite(rules) || (directory !== "" && this.#at(directory) === undefined)) return undefined;
    const before = this.#at(rules);
    if (count % 3 === 2) {
      if (before === undefined) return undefined;
      this.#supersede(rules);
      this.#folder.remove(rules);
      return `delete ${rules}`;
    }
    const inside = directory === "" ? path : name;
    const pattern = [name, `/${inside}`, `${name}/`][Math.floor(count / 2) % 3] ?? name;
    const kept = before?.kind === "file" && count % 3 === 1 ? new TextDecoder().decode(before.bytes).split("\n").slice(1).join("\n") : "";
    this.#ledger.ruledNames.add(name);
    this.#write(rules, this.#ledger.writeText(this.#device, rules, `${kept}${pattern}\n`));
    return `change-rules ${rules}: ${JSON.stringify(pattern)}${kept === "" ? "" : " is added"}`;
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
    for (const parent of parentsOf(path)) {
      if (this.#at(parent) !== undefined) continue;
      this.#ledger.shapedNames.add(parent.slice(parent.lastIndexOf("/") + 1));
      this.#folder.mkdir(parent);
    }
  }

  #write(path: string, bytes: Uint8Array): void {
    this.#makeParents(path);
    this.#supersede(path, bytes);
    this.#folder.write(path, bytes);
    const payload = this.#ledger.identify(bytes);
    if (payload === undefined) return;
    payload.isPlaced = true;
    for (const before of this.#seen) if (before !== payload) payload.after.add(before);
    payload.places.push({ device: this.#device, path });
  }

  #move(path: string, to: string): void {
    this.#makeParents(to);
    const depth = path.split("/").length;
    for (const [from, payload] of this.#payloadsBelow(path)) {
      payload.touchedBy.add(this.#device);
      this.#left.set(from, payload);
      // The engine may not know that it has put it there: then it finds a new file elsewhere, and puts it there again.
      if (payload.device !== this.#device && !this.#isWatched(from)) payload.copies += 1;
      payload.places.push({ device: this.#device, path: [to, ...from.split("/").slice(depth)].join("/") });
    }
    // What was deleted in a directory goes with it too, for an engine that has not seen that yet.
    for (const { places } of this.#ledger.payloads) {
      const below = places.find((place) => place.path.startsWith(`${path}/`));
      if (below !== undefined) places.push({ device: this.#device, path: to + below.path.slice(path.length) });
    }
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
        if (payload === undefined) continue;
        payload.copies += 1;
        payload.places.push({ device: this.#device, path: target });
      }
    }
  }

  /** A pass has ended: the disk has what it had put there, and knows what was done to it. */
  settle(): void {
    this.#unsettled.clear();
  }

  /** Of what is gone since the last pass ended nobody can tell whether the disk had it before. */
  losePower(): void {
    for (const payload of this.#unsettled) payload.isUnnoted = true;
    this.#unsettled.clear();
  }

  /** What is replaced or deleted here was seen by the person who does it. What is saved where a file was moved away is another version of it, to the engine. */
  #supersede(path: string, by?: Uint8Array): void {
    const successor = by && this.#ledger.identify(by);
    const left = this.#left.get(path);
    this.#left.delete(path);
    if (left !== undefined && left !== successor) successor?.follows.add(left);
    for (const [at, payload] of this.#payloadsBelow(path)) {
      if (payload === successor) continue;
      this.#ledger.removals += 1;
      payload.supersededBy.add(this.#device);
      if (payload.device !== this.#device && this.#isWatched(at)) this.#unsettled.add(payload);
      else if (payload.device !== this.#device) payload.isUnnoted = true;
      successor?.follows.add(payload);
    }
  }

  #touched(path: string): void {
    for (const [, payload] of this.#payloadsBelow(path)) payload.touchedBy.add(this.#device);
  }

  *#payloadsBelow(path: string): Generator<readonly [path: string, payload: Payload]> {
    for (const [at, entry] of this.#below(path)) {
      const payload = entry.kind === "file" ? this.#ledger.identify(entry.bytes) : undefined;
      if (payload !== undefined) yield [at, payload];
    }
  }

  #below(path: string): Array<readonly [string, SeenEntry]> {
    if (path === "") return [...this.#folder.entries()];
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
