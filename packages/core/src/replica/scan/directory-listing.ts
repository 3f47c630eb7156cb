import { isTwinfoldError } from "../../errors.js";
import type { LocalListing, LocalTree } from "../../local/local-tree.js";
import { type LocalPath, ROOT_PATH } from "../../names.js";

/** Times that a directory is listed which becomes another one meanwhile. */
const LIST_ATTEMPTS = 3;

/**
 * The entries of a directory; `undefined` when it is gone by now or cannot be read, which says nothing about what is in it.
 *
 * @throws {TwinfoldError} what `LocalTree.check` rejects with; of the root also what else keeps it from being listed.
 */
export async function listDirectory(
  tree: LocalTree,
  path: LocalPath,
  onSkipped: (path: LocalPath, reason: string) => void,
): Promise<LocalListing | undefined> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await tree.list(path);
    } catch (error) {
      if (!isTwinfoldError(error)) throw error;
      // Of a disk that was unplugged meanwhile no directory says anything.
      await tree.check();
      if (error.code === "ERR_LOCAL_CHANGED" && attempt < LIST_ATTEMPTS) continue;
      if (path === ROOT_PATH) throw error;
      if (error.code === "ERR_PERMISSION_DENIED") onSkipped(path, "cannot be read: permission denied");
      else if (error.code === "ERR_LOCAL_FAILED") onSkipped(path, error.message);
      else if (error.code !== "ERR_NOT_FOUND" && error.code !== "ERR_LOCAL_CHANGED") throw error;
      return undefined;
    }
  }
}
