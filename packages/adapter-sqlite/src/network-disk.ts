import { type StatsFs, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { TwinfoldError } from "@twinfold/core";

/** Disks of other machines, by the type that the system gives. Source: statfs(2) of Linux. On other systems the numbers mean other things. */
const NETWORK_DISKS: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB 2"],
  [0x5346414f, "AFS"],
  [0x73757245, "Coda"],
  [0x00c36400, "CephFS"],
  [0x0bd00bd0, "Lustre"],
]);

/**
 * SQLite's locks and its shared memory do not reach from one machine to another.
 * Source: "How To Corrupt An SQLite Database File" and "Write-Ahead Logging", sqlite.org.
 *
 * @throws {TwinfoldError} `ERR_STORE_FAILED` where the file is, or would be, on another machine's disk.
 */
export function mustBeOnLocalDisk(path: string, title: string, { platform = process.platform, statfs = typeOf } = {}): void {
  const disk = platform === "linux" ? NETWORK_DISKS.get(statfs(dirname(path))) : undefined;
  if (disk === undefined) return;
  throw new TwinfoldError(
    "ERR_STORE_FAILED",
    `opening ${title} ${path}: it is on a network disk (${disk}), where two machines could write to it at once and damage it; choose a folder on a disk of this machine`,
  );
}

/** As an unsigned number. 0 where it cannot be told. */
function typeOf(folder: string): number {
  let stats: StatsFs;
  try {
    stats = statfsSync(folder);
  } catch {
    return 0; // opening the database will say what is wrong
  }
  return stats.type >>> 0;
}
