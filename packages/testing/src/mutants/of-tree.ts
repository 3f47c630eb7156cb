import type { Expected, LocalPath, LocalTree } from "@twinfold/core";
import type { Mutant } from "./mutant.js";
import { except, onTree } from "./seams.js";
import { contestedFile, failingDisks, orderly, twins } from "./where.js";

/** Mutants of how a device looks at its folder and changes it. */
export const ofTree = {
  "unreadable-is-absent": {
    broken: "What the disk fails to read is taken for absent.",
    where: failingDisks,
    apply: (sut) =>
      onTree(sut, (tree) => ({
        stat: async (path) => await tree.stat(path).catch(() => undefined),
        list: async (path) => {
          const listing = await tree.list(path).catch(() => ({ entries: [] }));
          return { ...listing, problems: [] };
        },
      })),
  },
  "replaced-unseen": {
    broken: "A file is replaced without a look whether it is still what was planned for.",
    where: contestedFile,
    apply: (sut) =>
      withStaging(sut, (tree, staging) => ({
        place: async (path, expected, attributes, options) => staging.place(path, await now(tree, path, expected), attributes, options),
      })),
  },
  "case-twins-are-one": {
    broken: "Two names that differ in case are taken for one, on a disk that tells them apart.",
    where: twins,
    apply: (sut) => onTree(sut, (tree) => ({ names: async () => ({ ...(await tree.names()), foldsCase: true }) })),
  },
  "executable-dropped": {
    broken: "A file is put in place without its executable bit.",
    where: orderly,
    apply: (sut) =>
      withStaging(sut, (_tree, staging) => ({
        place: async (path, expected, { mtimeNs }, options) => staging.place(path, expected, { executable: false, mtimeNs }, options),
      })),
  },
} satisfies Record<string, Mutant>;

type Staging = Awaited<ReturnType<LocalTree["stage"]>>;

function withStaging(sut: Parameters<Mutant["apply"]>[0], change: (tree: LocalTree, staging: Staging) => Partial<Staging>) {
  return onTree(sut, (tree) => ({
    async stage(key) {
      const staging = await tree.stage(key);
      return except(staging, change(tree, staging));
    },
  }));
}

/** What is there now, where it is of the kind that was expected. */
async function now(tree: LocalTree, path: LocalPath, expected: Expected): Promise<Expected> {
  const found = await tree.stat(path);
  return found !== undefined && (expected === undefined ? found.kind !== "directory" : found.kind === expected.kind) ? found : expected;
}
