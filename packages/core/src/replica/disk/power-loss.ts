import type { ManifestId, NodeId } from "../../ids.js";
import { sameContent } from "../../node.js";
import type { LocalStat } from "../../local/local-tree.js";
import type { LocalState, NodeRecord } from "../../reconcile/node-record.js";
import { EMPTY_VECTOR } from "../../version-vector.js";
import type { ReplicaParts } from "../replica-parts.js";

/** In it a system writes to the disk what programs have written, with room to spare. Source: vm.dirty_expire_centisecs of Linux, half a minute. */
const WRITEBACK_MS = 60_000;

/**
 * What a disk may have lost, because the machine has stopped since the folder was last looked at.
 *
 * Programs do not wait for the disk. What one had written, and this device had read and sent already, may be empty, torn or old again after a loss of
 * power: sent as an edit, that would replace the only good copy.
 */
export class PowerLoss {
  readonly #parts: Pick<ReplicaParts, "trees" | "env">;
  #listed: { readonly of: readonly NodeId[]; readonly nodeIds: ReadonlySet<NodeId> } = { of: [], nodeIds: new Set() };
  /** Fixed with the first look of this process: what could not be read then is in doubt as long as it runs. */
  #sinceNs: bigint | undefined;

  constructor(parts: Pick<ReplicaParts, "trees" | "env">) {
    this.#parts = parts;
  }

  /** This boot of the machine has looked at the whole folder, and could read all of it. */
  get isOver(): boolean {
    const { trees, env } = this.#parts;
    return trees.state.bootId === env.bootId;
  }

  /** The disk may have lost files that this device had put there. */
  get hasUnverified(): boolean {
    return !this.isOver && (this.#parts.trees.state.unverified ?? []).length > 0;
  }

  /** True of a file that this device had put on the disk, and that the disk may not have had. When it is absent, it was not deleted. */
  isUnverified(nodeId: NodeId): boolean {
    const { unverified = [] } = this.#parts.trees.state;
    if (!this.hasUnverified) return false;
    if (this.#listed.of !== unverified) this.#listed = { of: unverified, nodeIds: new Set(unverified) };
    return this.#listed.nodeIds.has(nodeId);
  }

  /** True when the bytes may be others although the stat is the same: written so short a time before the stop that the disk may not have had them. */
  mayHaveTaken({ nodeId, local }: NodeRecord): boolean {
    const { bootId, lastInSyncAtMs = 0 } = this.#parts.trees.state;
    if (this.isOver || bootId === "" || local?.stat.kind !== "file") return false;
    if (this.isUnverified(nodeId)) return true;
    this.#sinceNs ??= BigInt(Math.floor(lastInSyncAtMs - WRITEBACK_MS)) * 1_000_000n;
    return local.stat.ctimeNs >= this.#sinceNs;
  }

  /**
   * True of a file that nobody can have written to since: every write, and every change of its times, moves the ctime on. A rename does too, and no
   * write leaves the mtime that was set.
   */
  isUntouched(before: NodeRecord, now: LocalStat): boolean {
    if (!this.mayHaveTaken(before) || before.local === undefined || now.kind !== "file" || now.inode !== before.local.stat.inode) return false;
    const { ctimeNs, mtimeNs } = before.local.stat;
    return now.ctimeNs <= ctimeNs || (this.isUnverified(before.nodeId) && now.mtimeNs === mtimeNs);
  }

  /**
   * True when a file is not what disk and hub had agreed on, its ctime is from before the one that was noted, and this device does not know what it is:
   * the disk took it back to a mix of old and new, or somebody wrote while the clock was wrong. And of what somebody wrote in the place of a file that the
   * disk may not have had: nobody has seen that. It must not replace the hub's, nor be replaced by it.
   */
  async isOfUnknownAge(before: NodeRecord, now: LocalState): Promise<boolean> {
    if (this.isUnverified(before.nodeId) && !this.isUntouched(before, now.stat))
      return before.synced !== undefined && !sameContent(now.content, before.synced.content);
    if (before.local === undefined || now.stat.ctimeNs >= before.local.stat.ctimeNs || !this.#hasLost(before, now)) return false;
    const { content } = now;
    return content.kind !== "file" || (content.sizeBytes > 0 && (await this.#parts.trees.manifestBytes(content.manifestId)) === undefined);
  }

  /** The record of a file that lost what disk and hub had agreed on: what is left of it is the base, and so the hub's comes here. `undefined` when it lost nothing. */
  damaged(before: NodeRecord, now: LocalState): NodeRecord | undefined {
    const { synced } = before;
    if (synced === undefined || !this.#hasLost(before, now)) return undefined;
    return fetchedAgain({ ...before, local: now, synced });
  }

  #hasLost(before: NodeRecord, now: LocalState): boolean {
    const { local, synced } = before;
    if (local === undefined || synced === undefined || !this.isUntouched(before, now.stat)) return false;
    return !sameContent(now.content, local.content) && sameContent(local.content, synced.content);
  }
}

/** True of a record that {@link fetchedAgain} has made: what is here is nobody's. */
export function isToBeFetchedAgain({ synced }: NodeRecord): boolean {
  return synced !== undefined && synced.contentVector.size === 0;
}

/** Of what a disk says that it may not keep: no content has it. */
export const NO_MANIFEST = "0".repeat(64) as ManifestId;

/** The record with what is left on the disk as the base, and so the hub's content comes here. */
export function fetchedAgain(record: NodeRecord): NodeRecord {
  const { local, synced } = record;
  if (local === undefined || synced === undefined) return record;
  return { ...record, synced: { ...synced, content: local.content, contentVector: EMPTY_VECTOR } };
}
