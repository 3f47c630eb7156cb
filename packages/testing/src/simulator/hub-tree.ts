import { decode, type Head, headCodec } from "@twinfold/core";
import type { WorldView } from "./oracle.js";

/** What is live at the hub. */
export interface HubTree {
  readonly byPath: ReadonlyMap<string, Head>;
  /** Nodes whose way up does not end at the root, or that share a path with another. */
  readonly lost: readonly Head[];
}

export async function readHubTree({ hub, workspaceId }: WorldView): Promise<HubTree> {
  const rows = await hub.store.nodesSince(workspaceId, 0, Number.MAX_SAFE_INTEGER);
  const rootNodeId = (await hub.store.workspace(workspaceId))?.rootNodeId;
  const heads = new Map(rows.filter(({ deleted }) => !deleted).map((row) => [row.nodeId, decode(headCodec, row.body)]));
  const byPath = new Map<string, Head>();
  const lost: Head[] = [];
  for (const head of heads.values()) {
    const names: string[] = [head.place.name];
    let parentId = head.place.parentId;
    while (parentId !== rootNodeId && names.length <= heads.size) {
      const parent = heads.get(parentId);
      if (parent === undefined) break;
      names.unshift(parent.place.name);
      parentId = parent.place.parentId;
    }
    const path = names.join("/");
    if (parentId === rootNodeId && !byPath.has(path)) byPath.set(path, head);
    else lost.push(head);
  }
  return { byPath, lost };
}
