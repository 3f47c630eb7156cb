import { createMemoryLocalTree } from "@twinfold/core";
import { localTreeConformance } from "@twinfold/testing";
import { describe, it } from "vitest";

localTreeConformance(
  { describe, it },
  {
    open: async () => {
      const tree = createMemoryLocalTree();
      return { tree, edit: tree, close: tree.close };
    },
  },
);
