import { isAbsolute, relative, sep } from "node:path";
import type { Event } from "@parcel/watcher";
import { INTERNAL_NAME, type LocalHint, type LocalPath, parentPath, parsePath, ROOT_PATH, TwinfoldError } from "@twinfold/core";

/**
 * Gives `listener` hints of what changes below `root`, until the function that it resolves with is called. `isDirectory` tells whether
 * a path that appeared is one: of a new or moved tree only its top is reported, so that it has to be looked at itself.
 */
export type WatchFolder = (
  root: string,
  isDirectory: (path: LocalPath) => Promise<boolean>,
  listener: (hint: LocalHint) => void,
) => Promise<() => Promise<void>>;

/** Turns the system's events into hints. */
export const watchFolder: WatchFolder = async (root, isDirectory, listener) => {
  let stopped = false;

  async function report(events: readonly Event[]): Promise<void> {
    const directories = new Set<LocalPath>();
    for (const { path, type } of events) {
      const inside = relative(root, path);
      if (inside === "") {
        listener({ kind: "everything", reason: `the folder ${root} itself was ${type}d` });
        continue;
      }
      if (inside.startsWith("..") || isAbsolute(inside) || inside.split(sep)[0] === INTERNAL_NAME) continue;
      const changed = nearestPath(inside.split(sep));
      directories.add(parentPath(changed));
      if (type === "create" && (await isDirectory(changed))) directories.add(changed);
    }
    for (const path of directories) if (!stopped) listener({ kind: "directory", path });
  }

  try {
    const { default: watcher } = await import("@parcel/watcher"); // a short command watches nothing
    const subscription = await watcher.subscribe(
      root,
      (error, events) => {
        if (stopped) return;
        if (error !== null) listener({ kind: "everything", reason: `the system lost events of ${root}: ${error.message}` });
        else
          report(events).catch((cause: unknown) => listener({ kind: "everything", reason: `events of ${root} could not be read: ${String(cause)}` }));
      },
      { ignore: [INTERNAL_NAME] },
    );
    return async () => {
      stopped = true;
      // @parcel/watcher 2.6.0 rejects with EINVAL when a directory was moved and then removed: its watch is gone already.
      await subscription.unsubscribe().catch(() => {});
    };
  } catch (cause) {
    const message = `cannot watch the folder ${root}: raise the system's limit (fs.inotify.max_user_watches on Linux), or rely on the regular rescans`;
    throw new TwinfoldError("ERR_LOCAL_FAILED", message, { cause });
  }
};

/** The path, or the nearest above it that has a name we can use. */
function nearestPath(names: readonly string[]): LocalPath {
  for (let count = names.length; count > 0; count--) {
    try {
      return parsePath(names.slice(0, count).join("/"));
    } catch {
      // A name that is not ours to sync: its directory is looked at, and reports it.
    }
  }
  return ROOT_PATH;
}
