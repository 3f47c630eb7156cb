import type { CrashWorld } from "./crash-world.js";
import type { Station } from "./station.js";

/** People's edits, and a measured phase in which devices and hub work on them. */
export interface Workload {
  readonly name: string;
  /** Everything that people do. What is on the disks then is made durable before the phase begins. */
  readonly prepare: (world: CrashWorld, write: Writing) => Promise<void>;
  /** What is interrupted at each of its calls. @default the laptop syncs */
  readonly phase?: ((world: CrashWorld) => Promise<unknown>) | undefined;
  /** Which texts may be there or not in the end, such as both sides of what the hub forgot. @default none */
  readonly mayReturn?: ReadonlySet<string> | undefined;
}

/** Edits that are remembered: what is to be found in the end, and what is not. */
export interface Writing {
  /** Makes a file with that text, or gives the one that is there that text. */
  write(on: Station, path: string, text: string): void;
  symlink(on: Station, path: string, target: string): void;
  remove(on: Station, path: string): void;
}

async function everyone({ laptop, phone }: CrashWorld): Promise<void> {
  await laptop.sync();
  await phone.sync();
  await laptop.sync();
}

/** So many bytes that no chunker finds repeats in. */
function longText(name: string, bytes: number): string {
  const lines: string[] = [];
  for (let line = 0, length = 0; length < bytes; line++) {
    const text = `${name} line ${line}: ${Math.imul(line + name.length, 0x9e3779b1).toString(36)}\n`;
    lines.push(text);
    length += text.length;
  }
  return lines.join("");
}

const LARGE_BYTES = 300_000;

export const WORKLOADS: readonly Workload[] = [
  {
    name: "first sync up",
    prepare: async ({ laptop }, { write }) => {
      write(laptop, "notes.txt", "notes");
      write(laptop, "photos/one.jpg", "first photo");
      write(laptop, "photos/trip/two.jpg", "second photo");
    },
  },
  {
    name: "first sync down",
    prepare: async ({ laptop, phone }, { write }) => {
      write(phone, "notes.txt", "notes");
      write(phone, "photos/one.jpg", "first photo");
      // Made apart, at a name that the hub has too.
      write(laptop, "here.txt", "made on the laptop");
      await phone.sync();
    },
  },
  {
    name: "edit there",
    prepare: async (world, { write }) => {
      write(world.phone, "notes.txt", "one");
      await everyone(world);
      write(world.phone, "notes.txt", "two");
      await world.phone.sync();
    },
  },
  {
    name: "edit here",
    prepare: async (world, { write }) => {
      write(world.laptop, "notes.txt", "one");
      await everyone(world);
      write(world.laptop, "notes.txt", "two");
    },
  },
  {
    name: "large file up",
    prepare: async ({ laptop }, { write }) => write(laptop, "large.bin", longText("up", LARGE_BYTES)),
  },
  {
    name: "large file down, over an older one",
    prepare: async (world, { write }) => {
      write(world.phone, "large.bin", longText("down", LARGE_BYTES));
      await everyone(world);
      write(world.phone, "large.bin", `${longText("down", LARGE_BYTES).slice(0, LARGE_BYTES / 2)}changed${longText("tail", LARGE_BYTES / 3)}`);
      await world.phone.sync();
    },
  },
  {
    name: "rename of a directory, there and here",
    prepare: async (world, { write }) => {
      for (const name of ["a", "b", "inner/c"]) write(world.phone, `old/${name}`, `file ${name}`);
      for (const name of ["d", "e"]) write(world.phone, `mine/${name}`, `file ${name}`);
      await everyone(world);
      world.phone.people.rename(world.phone.at("old"), world.phone.at("new"));
      await world.phone.sync();
      world.laptop.people.rename(world.laptop.at("mine"), world.laptop.at("moved/inside"));
    },
  },
  {
    name: "delete a tree, there and here",
    prepare: async (world, { write, remove }) => {
      for (const name of ["a", "b", "inner/c"]) write(world.phone, `theirs/${name}`, `file ${name}`);
      for (const name of ["d", "inner/e"]) write(world.phone, `mine/${name}`, `file ${name}`);
      write(world.phone, "stays", "file that stays");
      await everyone(world);
      remove(world.phone, "theirs");
      await world.phone.sync();
      remove(world.laptop, "mine");
    },
  },
  {
    name: "conflict",
    prepare: async (world, { write }) => {
      write(world.phone, "notes.txt", "base");
      await everyone(world);
      write(world.phone, "notes.txt", "from the phone");
      write(world.laptop, "notes.txt", "from the laptop");
      await world.phone.sync();
    },
  },
  {
    name: "swap of two names",
    prepare: async (world, { write }) => {
      write(world.phone, "a", "first");
      write(world.phone, "b", "second");
      await everyone(world);
      const { people } = world.phone;
      people.rename(world.phone.at("a"), world.phone.at("c"));
      people.rename(world.phone.at("b"), world.phone.at("a"));
      people.rename(world.phone.at("c"), world.phone.at("b"));
      await world.phone.sync();
    },
  },
  {
    name: "file becomes directory, and directory file",
    prepare: async (world, { write, remove }) => {
      write(world.phone, "file", "was a file");
      write(world.phone, "folder/inside", "was inside");
      await everyone(world);
      remove(world.phone, "file");
      write(world.phone, "file/inside", "is inside");
      remove(world.phone, "folder");
      write(world.phone, "folder", "is a file");
      await world.phone.sync();
    },
  },
  {
    name: "symlinks",
    prepare: async (world, { write, symlink, remove }) => {
      write(world.phone, "target", "text");
      symlink(world.phone, "link", "target");
      symlink(world.phone, "other", "nowhere");
      await everyone(world);
      remove(world.phone, "link");
      symlink(world.phone, "link", "elsewhere");
      remove(world.phone, "other");
      write(world.phone, "other", "no link any more");
      await world.phone.sync();
      symlink(world.laptop, "mine", "../outside");
    },
  },
  {
    name: "many small files",
    prepare: async ({ laptop, phone }, { write }) => {
      for (let n = 0; n < 8; n++) write(phone, `theirs/${n}`, `theirs ${n}`);
      for (let n = 0; n < 8; n++) write(laptop, `mine/${n}`, `mine ${n}`);
      await phone.sync();
    },
  },
  {
    name: "reset after the hub was restored",
    prepare: async (world, { write }) => {
      write(world.phone, "kept", "before the backup");
      await everyone(world);
      const backup = world.backUpHub();
      write(world.phone, "new", "after the backup");
      write(world.laptop, "mine", "of the laptop, after the backup");
      await everyone(world);
      write(world.laptop, "mine", "of the laptop, newest");
      world.restoreHub(backup);
    },
    mayReturn: new Set(["of the laptop, after the backup"]),
  },
];
