import type { LocalStat } from "../../local/local-tree.js";

/** The tick of the clock of ext4, xfs, btrfs, APFS and tmpfs is at most 10 ms. */
export const TICK_MS = 50;
/** FAT keeps times to 2 s, HFS+ and ext3 to 1 s. */
const SLOW_TICK_MS = 2_050;
const SECOND_NS = 1_000_000_000n;

/** True when the disk's clock is so slow that a person is faster. A time without a fraction of a second is taken for one of a disk that keeps none. */
export function isOfSlowClock({ ctimeNs }: LocalStat): boolean {
  return ctimeNs % SECOND_NS === 0n;
}

/** True when what is written after `nowMs` may leave the stat as it is. */
export function isRacy(stat: LocalStat, nowMs: number): boolean {
  return stat.ctimeNs > BigInt(Math.floor(nowMs) - (isOfSlowClock(stat) ? SLOW_TICK_MS : TICK_MS)) * 1_000_000n;
}
