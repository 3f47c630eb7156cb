import type { NodeId } from "../../ids.js";
import { isSameName } from "../../local/name-rules.js";
import { IGNORE_FILE, type LocalPath, nameKey, parentPath, ROOT_PATH } from "../../names.js";
import { nameHere } from "../../reconcile/node-record.js";
import { listDirectory } from "./directory-listing.js";
import { isReplaceable } from "./owners.js";
import type { PowerLoss } from "../disk/power-loss.js";
import type { ReplicaParts } from "../replica-parts.js";
import type { RuleNews } from "./scan.js";
import type { Levels } from "../scope/scope.js";

interface VanishedOptions extends Pick<ReplicaParts, "tree" | "trees" | "env" | "settleMs" | "scope" | "presence"> {
  readonly news: RuleNews;
  readonly powerLoss: PowerLoss;
  readonly onDamaged: (path: LocalPath) => void;
  readonly onSkipped: (path: LocalPath, reason: string) => void;
}

/** Nodes whose names are gone. They count as deleted only when they are still gone at a second look, after `settleMs`: editors delete and write anew. */
export class Vanished {
  readonly #options: VanishedOptions;
  readonly #since = new Map<NodeId, number>();

  constructor(options: VanishedOptions) {
    this.#options = options;
  }

  missed(nodeId: NodeId): void {
    if (!this.#since.has(nodeId)) this.#since.set(nodeId, this.#options.env.monotonicMs());
  }

  found(nodeId: NodeId): void {
    this.#since.delete(nodeId);
  }

  /**
   * Takes what has been gone for `settleMs` out of the local tree; the rest has to be looked at again.
   * A node whose name another node holds by now is gone at once: there is nothing to wait for.
   */
  async settle(unsettled: Set<LocalPath>): Promise<void> {
    const { trees, env, settleMs, powerLoss } = this.#options;
    const now = env.monotonicMs();
    const levels: Levels = new Map();
    if (powerLoss.hasUnverified) for (const nodeId of [...this.#since.keys()]) await this.#comesAgain(nodeId);
    for (const [nodeId, since] of this.#since) {
      const path = await trees.localPath(nodeId);
      if (path === undefined) this.#since.delete(nodeId);
      else if (await this.#isDisplaced(nodeId)) await this.#forgetBelow(nodeId, levels);
      else if (now - since < settleMs) unsettled.add(parentPath(path));
      else if (!(await this.#isStillThere(nodeId, path))) await this.#forgetBelow(nodeId, levels);
      else {
        this.#since.delete(nodeId);
        unsettled.add(parentPath(path));
      }
    }
  }

  /** What is gone and the disk may have lost is fetched again, at once: nobody may have seen it. So is what was in a directory that is gone. */
  async #comesAgain(nodeId: NodeId): Promise<void> {
    const { trees, powerLoss, onDamaged } = this.#options;
    for (const child of await trees.localChildren(nodeId)) await this.#comesAgain(child.nodeId);
    if (!powerLoss.isUnverified(nodeId)) return;
    const record = await trees.record(nodeId);
    this.#since.delete(nodeId);
    onDamaged(await trees.shownPath(nodeId));
    await trees.write(record?.remote === undefined ? { remove: [nodeId] } : { put: [{ nodeId, remote: record.remote }] });
  }

  /** Rules may leave alone what is under its name now: something of another kind or, on a disk that folds names, of another spelling. */
  async #isStillThere(nodeId: NodeId, path: LocalPath): Promise<boolean> {
    const { trees, tree, onSkipped } = this.#options;
    const local = (await trees.record(nodeId))?.local;
    const stat = await tree.stat(path);
    if (local === undefined || stat === undefined || !isReplaceable(local, stat)) return false;
    const { foldsCase, foldsNormalization } = trees.names;
    if (!foldsCase && !foldsNormalization) return true;
    const listing = await listDirectory(tree, parentPath(path), onSkipped);
    return listing === undefined || listing.entries.some(({ name }) => nameKey(name) === nameKey(nameHere(local)));
  }

  async #isDisplaced(nodeId: NodeId): Promise<boolean> {
    const { trees } = this.#options;
    const local = (await trees.record(nodeId))?.local;
    if (local === undefined) return false;
    const name = nameHere(local);
    const [holders = []] = await trees.localByName([{ parentId: local.place.parentId, name }]);
    return holders.some((holder) => holder.nodeId !== nodeId && holder.local && isSameName(nameHere(holder.local), name, trees.names));
  }

  /** A directory took all with it that was not found elsewhere. Leaves first, so that removals are planned in that order. */
  async #forgetBelow(nodeId: NodeId, levels: Levels): Promise<void> {
    const { trees, scope, presence, news } = this.#options;
    for (const child of await trees.localChildren(nodeId)) await this.#forgetBelow(child.nodeId, levels);
    this.#since.delete(nodeId);
    const record = await trees.record(nodeId);
    if (record === undefined) return;
    const { local: gone } = record;
    // A rule came and the thing went, unseen which was first: then the rule has it.
    if ((await presence.reasonFor(record, levels)) !== undefined) {
      news.hasExcludedByOldPlace = true;
      return await presence.exclude(nodeId);
    }
    if (gone?.place.name === IGNORE_FILE && scope.setRules(gone.place.parentId, undefined)) {
      const path = gone.place.parentId === trees.state.rootNodeId ? ROOT_PATH : await trees.localPath(gone.place.parentId);
      if (path !== undefined) news.reruled.set(gone.place.parentId, path);
    }
    await trees.forgetLocal(nodeId);
  }
}
