import type { FileSystem } from "@twinfold/core";
import { diskCode } from "./disk-error.js";

const MAX_TRIES = 4;

/**
 * Tries a `syncDirectory` again that failed with an I/O error.
 *
 * It comes when names have changed already: given up, nobody could tell what was done from what was not. And unlike the bytes of a file, which an
 * fsync that failed may have dropped, names stay for the next one to write: where a journal cannot be written, each fsync after it fails too.
 * Source: Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020.
 */
export function retriedSync(fileSystem: FileSystem): FileSystem {
  return {
    ...fileSystem,
    async syncDirectory(path) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await fileSystem.syncDirectory(path);
        } catch (error) {
          if (diskCode(error) !== "EIO" || attempt === MAX_TRIES) throw error;
        }
      }
    },
  };
}
