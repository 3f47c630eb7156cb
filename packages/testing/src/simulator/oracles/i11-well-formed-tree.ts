import { nameKey } from "@twinfold/core";
import { readHubTree } from "../hub-tree.js";
import type { Oracle } from "../oracle.js";

/** The hub's tree has no cycle, no orphan, nothing inside what is no directory, and no two nodes of one name. */
export function wellFormedTree(): Oracle {
  return {
    id: "I11",
    async onAppended({ workspaceId, rows }, { hub }, fail) {
      for (const change of rows) {
        if (change.table !== "node" || !change.row.deleted) continue;
        const [child] = await hub.store.children(workspaceId, change.row.nodeId, { limit: 1 });
        if (child !== undefined) fail(`node ${change.row.nodeId} was deleted, and ${child} is still in it`);
      }
    },
    async onRest(world, fail) {
      const { byPath, lost } = await readHubTree(world);
      for (const { place, nodeId } of lost) fail(`node ${nodeId}, ${place.name}, hangs below no root, or shares its path with another`);
      const keys = new Map<string, string>();
      for (const [path, { place }] of byPath) {
        const parent = path.slice(0, Math.max(0, path.lastIndexOf("/")));
        if (parent !== "" && byPath.get(parent)?.content.kind !== "directory") fail(`${path} is inside ${parent}, which is no directory`);
        const key = `${place.parentId} ${nameKey(place.name)}`;
        const twin = keys.get(key);
        if (twin !== undefined) fail(`${twin} and ${path} are one name`);
        keys.set(key, path);
      }
    },
  };
}
