import { sameContent } from "../node.js";
import type { LocalStat } from "../local/local-tree.js";
import type { LocalState, NodeRecord } from "../reconcile/node-record.js";
import { EMPTY_VECTOR } from "../version-vector.js";
import type { ReplicaParts } from "./replica-parts.js";

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

  /** True when the bytes may be others although the stat is the same: written so short a time before the stop that the disk may not have had them. */
  mayHaveTaken({ stat }: LocalState): boolean {
    const { bootId, lastInSyncAtMs = 0 } = this.#parts.trees.state;
    if (this.isOver || bootId === "" || stat.kind !== "file") return false;
    this.#sinceNs ??= BigInt(Math.floor(lastInSyncAtMs - WRITEBACK_MS)) * 1_000_000n;
    return stat.ctimeNs >= this.#sinceNs;
  }

  /** True of a file that nobody can have written to since: every write, and every change of its times, moves the ctime on. */
  isUntouched(before: LocalState, now: LocalStat): boolean {
    return this.mayHaveTaken(before) && now.kind === "file" && now.inode === before.stat.inode && now.ctimeNs <= before.stat.ctimeNs;
  }

  /** The record of a file that lost what disk and hub had agreed on: what is left of it is the base, and so the hub's comes here. `undefined` when it lost nothing. */
  damaged({ local, synced, ...record }: NodeRecord, now: LocalState): NodeRecord | undefined {
    if (local === undefined || synced === undefined || !this.isUntouched(local, now.stat)) return undefined;
    if (sameContent(now.content, local.content) || !sameContent(local.content, synced.content)) return undefined;
    return { ...record, local: now, synced: { ...synced, content: now.content, contentVector: EMPTY_VECTOR } };
  }
}
