import type { SimEntry } from "../sim-disk.js";
import type { CrashWorld } from "./crash-world.js";
import type { Station } from "./station.js";
import type { Workload, Writing } from "./workloads.js";

/** What people wrote, and whether it is to be found in the end. */
export class Writings implements Writing {
  readonly #alive = new Set<string>();
  readonly #gone = new Set<string>();

  write = (on: Station, path: string, text: string): void => {
    this.#supersede(on, path);
    this.#alive.add(text);
    on.people.write(on.at(path), text);
  };

  symlink = (on: Station, path: string, target: string): void => {
    this.#alive.add(`-> ${target}`);
    on.people.symlink(on.at(path), target);
  };

  remove = (on: Station, path: string): void => {
    this.#supersede(on, path);
    on.people.rm(on.at(path));
  };

  #supersede(on: Station, path: string): void {
    for (const [at, entry] of on.files()) {
      const payload = payloadOf(entry);
      if ((at === path || at.startsWith(`${path}/`)) && payload !== undefined && this.#alive.delete(payload)) this.#gone.add(payload);
    }
  }

  /** What is wrong with what a person sees. */
  check(files: ReadonlyMap<string, SimEntry>, mayReturn: ReadonlySet<string> = new Set()): string[] {
    const wrong: string[] = [];
    const seen = new Map<string, string>();
    for (const [path, entry] of files) {
      const payload = payloadOf(entry);
      if (payload === undefined) continue;
      if (this.#gone.has(payload) && !mayReturn.has(payload)) wrong.push(`${path} is back: ${shown(payload)}`);
      else if (!this.#alive.has(payload) && !this.#gone.has(payload)) wrong.push(`nobody wrote what is in ${path}: ${shown(payload)}`);
      const other = seen.get(payload);
      if (other !== undefined) wrong.push(`${path} and ${other} are the same file twice: ${shown(payload)}`);
      seen.set(payload, path);
    }
    for (const payload of this.#alive) if (!seen.has(payload)) wrong.push(`lost: ${shown(payload)}`);
    return wrong;
  }
}

/** More passes than that, and the devices do not come to rest. */
const MAX_ROUNDS = 12;

/** Lets everything settle, and says what is wrong then. Nothing: the interruption did no harm. */
export async function judge(world: CrashWorld, writings: Writings, { mayReturn }: Workload): Promise<readonly string[]> {
  const { laptop, phone } = world;
  const wrong: string[] = [];
  let resting = 0;
  for (let round = 0; resting < 2; round++) {
    if (round === MAX_ROUNDS) {
      wrong.push(`${[laptop, phone].map((station) => `${station.name}:\n${described(station)}`).join("\n")}\nthe devices do not come to rest`);
      break;
    }
    const before = described(laptop) + described(phone);
    const inSync = [await laptop.sync(), await phone.sync()];
    resting = inSync.every(Boolean) && described(laptop) + described(phone) === before ? resting + 1 : 0;
  }
  // By then nobody comes back to a download that was broken off.
  world.wait(3);
  for (const station of [laptop, phone]) await station.sync();
  // Whatever a device tells itself, a new one sees what the hub has.
  const reader = world.device("reader");
  if (!(await reader.sync())) wrong.push("a new device cannot get everything from the hub");
  const seen = described(laptop);
  for (const other of [phone, reader]) if (described(other) !== seen) wrong.push(`laptop:\n${seen}\n${other.name}:\n${described(other)}\ndiffer`);
  wrong.push(...writings.check(laptop.files(), mayReturn));
  for (const station of [laptop, phone, reader]) {
    wrong.push(...station.surprises, ...station.leftovers().map((name) => `${station.name} keeps the staging file ${name}`));
    await station.close();
    if (station.disk.openFiles > 0) wrong.push(`${station.name} has ${station.disk.openFiles} files open at rest`);
  }
  if (world.hubDisk.openFiles > 0) wrong.push(`the hub has ${world.hubDisk.openFiles} files open at rest`);
  return wrong;
}

function payloadOf(entry: SimEntry): string | undefined {
  if (entry.kind === "symlink") return `-> ${entry.target}`;
  return entry.kind === "file" ? new TextDecoder().decode(entry.bytes) : undefined;
}

function described(station: Station): string {
  return [...station.files()].map(([path, entry]) => `  ${path}: ${shown(payloadOf(entry) ?? entry.kind)}`).join("\n");
}

function shown(payload: string): string {
  return payload.length <= 60 ? payload : `${payload.slice(0, 40)}… (${payload.length} characters)`;
}
