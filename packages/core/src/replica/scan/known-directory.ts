import { isTwinfoldError } from "../../errors.js";
import type { NodeId } from "../../ids.js";
import { isSameName } from "../../local/name-rules.js";
import { type LocalPath, parentPath, ROOT_PATH, splitPath } from "../../names.js";
import { nameHere } from "../../reconcile/node-record.js";
import type { ReplicaParts } from "../replica-parts.js";
import type { Trees } from "../trees/trees.js";

/** The directory at `path`; of one that the local tree does not know its nearest known ancestor, in which it will be found. */
export async function nearestKnownDirectory(trees: Trees, path: LocalPath): Promise<{ readonly path: LocalPath; readonly nodeId: NodeId }> {
  for (let at = path; ; at = parentPath(at)) {
    const nodeId = await directoryAt(trees, at);
    if (nodeId !== undefined) return { path: at, nodeId };
  }
}

/** False when the disk has something else, or nothing, at a known directory's path. True where that cannot be told: whoever goes there will see why. */
export async function isStillThere(
  { trees, tree }: Pick<ReplicaParts, "trees" | "tree">,
  { nodeId, path }: { readonly nodeId: NodeId; readonly path: LocalPath },
): Promise<boolean> {
  if (path === ROOT_PATH) return true; // `LocalTree.check` looks at it
  const record = await trees.record(nodeId);
  try {
    return (await tree.stat(path))?.inode === record?.local?.stat.inode;
  } catch (error) {
    if (isTwinfoldError(error)) return true;
    throw error;
  }
}

async function directoryAt(trees: Trees, path: LocalPath): Promise<NodeId | undefined> {
  let nodeId = trees.state.rootNodeId;
  for (const name of splitPath(path)) {
    const [found = []] = await trees.localByName([{ parentId: nodeId, name }]);
    const record = found.find(({ local }) => local?.content.kind === "directory" && isSameName(nameHere(local), name, trees.names));
    if (record === undefined) return undefined;
    nodeId = record.nodeId;
  }
  return nodeId;
}
