import { createMemoryLocalTree, type NameRules } from "@twinfold/core";
import { localTreeConformance } from "@twinfold/testing";
import { describe, it } from "vitest";

const DISKS: Readonly<Record<string, Partial<NameRules>>> = {
  "that tells all names apart": {},
  "that folds case": { foldsCase: true },
  "that folds case and Unicode forms": { foldsCase: true, foldsNormalization: true },
  "that lists form D": { foldsCase: true, foldsNormalization: true, listsDecomposed: true },
  "that follows the rules of Windows": { foldsCase: true, reserved: "windows", maxNameBytes: 143 },
};

for (const [disk, names] of Object.entries(DISKS)) {
  describe(`a folder in memory ${disk}`, () => {
    localTreeConformance(
      { describe, it },
      {
        open: async () => {
          const tree = createMemoryLocalTree({ names });
          return { tree, edit: tree, close: tree.close };
        },
      },
    );
  });
}
