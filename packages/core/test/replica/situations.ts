import { createTwins, type Device, texts, type Twins } from "./twins.js";

/** Something that people do, what comes of it, and a world in which it does. */
export interface Situation {
  readonly situation: string;
  readonly outcome: string;
  /** What both devices have when all is done; every file with its text. */
  readonly expected: Readonly<Record<string, string>>;
  /** Conflict copies that all devices report together. @default 0 */
  readonly conflicts?: number;
  /** What both have before they go apart. */
  readonly before: (tree: Device["tree"]) => void;
  readonly laptop?: (tree: Device["tree"]) => void;
  readonly phone?: (tree: Device["tree"]) => void;
}

const COPY = "(conflict, phone, 2026-01-01)";

/** Every one is a line of docs/reference/semantics.md and a test of its own. The laptop syncs first. */
export const SITUATIONS: readonly Situation[] = [
  {
    situation: "both edit a file, differently",
    outcome: "the first to sync keeps the name, the other version is beside it as a conflict copy, on both",
    before: (tree) => tree.write("a.txt", "base"),
    laptop: (tree) => tree.write("a.txt", "laptop"),
    phone: (tree) => tree.write("a.txt", "phone"),
    expected: { "a.txt": "laptop", [`a ${COPY}.txt`]: "phone" },
    conflicts: 1,
  },
  {
    situation: "both make the same change",
    outcome: "no conflict",
    before: (tree) => tree.write("a.txt", "base"),
    laptop: (tree) => tree.write("a.txt", "the same"),
    phone: (tree) => tree.write("a.txt", "the same"),
    expected: { "a.txt": "the same" },
  },
  {
    situation: "one edits a file, the other deletes it",
    outcome: "the edit survives",
    before: (tree) => tree.write("a.txt", "base"),
    laptop: (tree) => tree.rm("a.txt"),
    phone: (tree) => tree.write("a.txt", "edited"),
    expected: { "a.txt": "edited" },
  },
  {
    situation: "one deletes a file that the other has edited already",
    outcome: "the edit survives",
    before: (tree) => tree.write("a.txt", "base"),
    laptop: (tree) => tree.write("a.txt", "edited"),
    phone: (tree) => tree.rm("a.txt"),
    expected: { "a.txt": "edited" },
  },
  {
    situation: "one renames a file, the other edits it",
    outcome: "both stand: the edit is under the new name",
    before: (tree) => tree.write("a.txt", "base"),
    laptop: (tree) => tree.rename("a.txt", "b.txt"),
    phone: (tree) => tree.write("a.txt", "edited"),
    expected: { "b.txt": "edited" },
  },
  {
    situation: "one renames a file, the other deletes it",
    outcome: "it stays, under the new name",
    before: (tree) => tree.write("a.txt", "base"),
    laptop: (tree) => tree.rm("a.txt"),
    phone: (tree) => tree.rename("a.txt", "b.txt"),
    expected: { "b.txt": "base" },
  },
  {
    situation: "both delete it",
    outcome: "it is gone",
    before: (tree) => tree.write("a.txt", "base"),
    laptop: (tree) => tree.rm("a.txt"),
    phone: (tree) => tree.rm("a.txt"),
    expected: {},
  },
  {
    situation: "both create a file of one name, with different contents",
    outcome: "both are kept, the later under a conflict name",
    before: () => {},
    laptop: (tree) => tree.write("a.txt", "laptop"),
    phone: (tree) => tree.write("a.txt", "phone"),
    expected: { "a.txt": "laptop", [`a ${COPY}.txt`]: "phone" },
    conflicts: 1,
  },
  {
    situation: "both create a file of one name, with the same contents",
    outcome: "the two become one, without a conflict",
    before: () => {},
    laptop: (tree) => tree.write("a.txt", "the same"),
    phone: (tree) => tree.write("a.txt", "the same"),
    expected: { "a.txt": "the same" },
  },
  {
    situation: "both create a directory of one name, with different files inside",
    outcome: "the two become one directory with all the files",
    before: () => {},
    laptop: (tree) => tree.write("letters/one.txt", "1"),
    phone: (tree) => tree.write("letters/two.txt", "2"),
    expected: { "letters/one.txt": "1", "letters/two.txt": "2" },
  },
  {
    situation: "one moves a directory while the other edits a file inside",
    outcome: "both stand",
    before: (tree) => tree.write("letters/one.txt", "base"),
    laptop: (tree) => tree.rename("letters", "archive/letters"),
    phone: (tree) => tree.write("letters/one.txt", "edited"),
    expected: { "archive/letters/one.txt": "edited" },
  },
  {
    situation: "one moves a directory while the other creates a file inside",
    outcome: "the new file is in the moved directory",
    before: (tree) => tree.write("letters/one.txt", "1"),
    laptop: (tree) => tree.rename("letters", "archive"),
    phone: (tree) => tree.write("letters/two.txt", "2"),
    expected: { "archive/one.txt": "1", "archive/two.txt": "2" },
  },
  {
    situation: "both move one thing to two places",
    outcome: "the first to sync decides, for both; nothing is doubled",
    before: (tree) => tree.write("a.txt", "base"),
    laptop: (tree) => tree.rename("a.txt", "left/a.txt"),
    phone: (tree) => tree.rename("a.txt", "right/a.txt"),
    expected: { "left/a.txt": "base" },
  },
  {
    situation: "two moves that would put two directories into each other",
    outcome: "the later one is undone",
    before: (tree) => {
      tree.write("a/one.txt", "1");
      tree.write("b/two.txt", "2");
    },
    laptop: (tree) => tree.rename("a", "b/a"),
    phone: (tree) => tree.rename("b", "a/b"),
    expected: { "b/a/one.txt": "1", "b/two.txt": "2" },
  },
  {
    situation: "one swaps two names",
    outcome: "they are swapped on both, without a conflict",
    before: (tree) => {
      tree.write("a.txt", "A");
      tree.write("b.txt", "B");
    },
    laptop: (tree) => {
      tree.rename("a.txt", "passing");
      tree.rename("b.txt", "a.txt");
      tree.rename("passing", "b.txt");
    },
    expected: { "a.txt": "B", "b.txt": "A" },
  },
  {
    situation: "one renames along a chain: c to d, b to c, a to b",
    outcome: "each has its new name on both",
    before: (tree) => {
      for (const name of ["a", "b", "c"]) tree.write(name, name);
    },
    laptop: (tree) => {
      for (const [from, to] of ["cd", "bc", "ab"].map((pair) => [pair.charAt(0), pair.charAt(1)] as const)) tree.rename(from, to);
    },
    expected: { b: "a", c: "b", d: "c" },
  },
  {
    situation: "one renames by the case of letters alone",
    outcome: "the name is the new one on both",
    before: (tree) => tree.write("Notes.txt", "text"),
    laptop: (tree) => tree.rename("Notes.txt", "notes.txt"),
    expected: { "notes.txt": "text" },
  },
  {
    situation: "a file becomes a directory",
    outcome: "on both; the file is in the other's trash",
    before: (tree) => tree.write("thing", "a file"),
    laptop: (tree) => {
      tree.rm("thing");
      tree.write("thing/inside", "new");
    },
    expected: { "thing/inside": "new" },
  },
  {
    situation: "a directory becomes a file",
    outcome: "on both; what was inside is in the other's trash",
    before: (tree) => tree.write("thing/inside", "old"),
    laptop: (tree) => {
      tree.rm("thing");
      tree.write("thing", "a file");
    },
    expected: { thing: "a file" },
  },
  {
    situation: "a symlink becomes a file",
    outcome: "on both; a link is never followed",
    before: (tree) => tree.symlink("thing", "elsewhere"),
    laptop: (tree) => {
      tree.rm("thing");
      tree.write("thing", "a file");
    },
    expected: { thing: "a file" },
  },
  {
    situation: "one deletes a directory in which the other has created a file",
    outcome: "the directory stays with the new file alone",
    before: (tree) => tree.write("letters/one.txt", "1"),
    laptop: (tree) => tree.rm("letters"),
    phone: (tree) => tree.write("letters/two.txt", "2"),
    expected: { "letters/two.txt": "2" },
  },
  {
    situation: "one deletes a directory into which the other has moved a file",
    outcome: "the directory stays with the moved file alone",
    before: (tree) => {
      tree.write("letters/one.txt", "1");
      tree.write("loose.txt", "loose");
    },
    laptop: (tree) => tree.rm("letters"),
    phone: (tree) => tree.rename("loose.txt", "letters/loose.txt"),
    expected: { "letters/loose.txt": "loose" },
  },
  {
    situation: "one deletes a directory out of which the other has moved a file",
    outcome: "the moved file stays",
    before: (tree) => {
      tree.write("letters/one.txt", "1");
      tree.write("letters/two.txt", "2");
    },
    laptop: (tree) => tree.rm("letters"),
    phone: (tree) => tree.rename("letters/one.txt", "one.txt"),
    expected: { "one.txt": "1" },
  },
  {
    situation: "a file is moved out of the folder and back in",
    outcome: "it is deleted, and then new",
    before: (tree) => tree.write("a.txt", "text"),
    laptop: (tree) => {
      tree.rm("a.txt");
      tree.write("back.txt", "text");
    },
    expected: { "back.txt": "text" },
  },
  {
    situation: "two linked folders with the same files meet for the first time",
    outcome: "no conflict, and no content is sent",
    before: () => {},
    laptop: (tree) => {
      for (let at = 0; at < 50; at++) tree.write(`d${at % 5}/${at}.txt`, `text ${at}`);
    },
    phone: (tree) => {
      for (let at = 0; at < 50; at++) tree.write(`d${at % 5}/${at}.txt`, `text ${at}`);
    },
    expected: Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`d${at % 5}/${at}.txt`, `text ${at}`])),
  },
];

/** Carries one out; gives the world, and the conflicts that were reported. */
export async function carryOut({ before, laptop, phone }: Situation): Promise<{ readonly twins: Twins; readonly conflicts: number }> {
  const twins = await createTwins(["laptop", "phone"]);
  const [first, second] = twins.devices as [Device, Device];
  before(first.tree);
  await twins.settle();
  laptop?.(first.tree);
  phone?.(second.tree);
  let conflicts = 0;
  for (let round = 0; round < 3; round++) for (const device of twins.devices) conflicts += (await device.sync()).conflicts;
  await twins.settle();
  return { twins, conflicts };
}

export function filesOf(twins: Twins): ReadonlyArray<Record<string, string>> {
  return twins.devices.map((device) => texts(device.tree));
}
