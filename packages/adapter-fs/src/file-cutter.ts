import { createCutWindow, type CutWindow, type Manifest } from "@twinfold/core";
import { cutFile } from "./cut-file.js";
import { createCuttingPool, type CuttingPool } from "./cutting-pool.js";

/** Up to so many bytes a file is cut on the thread that asks: to wake another one takes longer. */
const SMALL_FILE_BYTES = 256 * 1024;

/** Cuts open files of the system's own disks. Memory: 256 KiB for the process, and 4.5 MiB for each thread of its pool. */
export interface FileCutter {
  /** `undefined` when it has to be done another way. Rejects with the signal's own reason. */
  cut(descriptor: number, sizeBytes: number, signal?: AbortSignal): Promise<Manifest | undefined>;
  close(): Promise<void>;
}

let window: CutWindow | undefined;
let pool: CuttingPool | undefined;
/** Cutters that have used the pool, which goes with the last of them. */
const users = new Set<FileCutter>();

export function createFileCutter(): FileCutter {
  const cutter: FileCutter = {
    async cut(descriptor, sizeBytes, signal) {
      signal?.throwIfAborted();
      if (sizeBytes <= SMALL_FILE_BYTES) {
        window ??= createCutWindow(SMALL_FILE_BYTES);
        return cutFile(descriptor, sizeBytes, window);
      }
      users.add(cutter);
      pool ??= createCuttingPool();
      return pool.cut(descriptor, sizeBytes, signal);
    },
    async close() {
      if (users.delete(cutter) && users.size === 0) await pool?.close();
    },
  };
  return cutter;
}
