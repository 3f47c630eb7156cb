import type { NodeId } from "../../ids.js";
import { isSameName } from "../../local/name-rules.js";
import { type LocalPath, parentPath, splitPath } from "../../names.js";
import { nameHere } from "../../reconcile/node-record.js";
import type { Trees } from "../trees/trees.js";

/** The directory at `path`; of one that the local tree does not know its nearest known ancestor, in which it will be found. */
export async function nearestKnownDirectory(trees: Trees, path: LocalPath): Promise<{ readonly path: LocalPath; readonly nodeId: NodeId }> {
  for (let at = path; ; at = parentPath(at)) {
    const nodeId = await directoryAt(trees, at);
    if (nodeId !== undefined) return { path: at, nodeId };
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
