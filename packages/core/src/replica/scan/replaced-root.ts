import { isTwinfoldError } from "../../errors.js";
import type { NodeId } from "../../ids.js";
import type { LocalStat, LocalTree } from "../../local/local-tree.js";
import type { LocalPath } from "../../names.js";
import type { NodeRecord } from "../../reconcile/node-record.js";
import type { Trees } from "../trees/trees.js";

/**
 * Makes the rows fit a folder that is marked as the linked one and is another: no absence is a deletion.
 *
 * What is there keeps its node by name, and is read again by the next scan. Of everything else the hub's is left, and comes back from there,
 * deletions that were on their way to the hub included. Costs a stat for each node.
 */
export async function fitReplacedRoot(trees: Trees, tree: LocalTree): Promise<void> {
  for await (const page of trees.all()) {
    const put: NodeRecord[] = [];
    const remove: NodeId[] = [];
    for (const record of page) {
      const { nodeId, local, synced, remote, away } = record;
      if (away !== undefined || (local === undefined && synced === undefined)) continue;
      const path = local && (await trees.localPath(nodeId));
      const stat = path === undefined ? undefined : await statIfReadable(tree, path);
      // The inodes of the other folder say nothing here: by them two files could be taken for each other.
      if (local !== undefined && stat?.kind === local.stat.kind) {
        put.push({ ...record, local: { ...local, stat: { ...local.stat, inode: stat.inode }, suspect: true } });
      } else if (remote !== undefined) put.push({ nodeId, remote });
      else remove.push(nodeId);
    }
    await trees.write({ put, remove });
  }
}

async function statIfReadable(tree: LocalTree, path: LocalPath): Promise<LocalStat | undefined> {
  try {
    return await tree.stat(path);
  } catch (error) {
    if (!isTwinfoldError(error) || error.code !== "ERR_PERMISSION_DENIED") throw error;
    return undefined;
  }
}
