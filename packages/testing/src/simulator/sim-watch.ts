import { INTERNAL_NAME, type LocalHint, type LocalPath, parsePath } from "@twinfold/core";

type Watch = (directory: string, name: string, isNew: boolean) => void;

/** Tells who watches a directory what happens below it, as the systems do: late by a moment, and of a new tree its top alone. */
export function createSimWatch() {
  const watches = new Set<Watch>();
  return {
    /** `name` in the directory came, went or changed. */
    tell(pathOfDirectory: () => string, name: string, isNew: boolean): void {
      for (const watch of watches) watch(pathOfDirectory(), name, isNew);
    },
    async watch(root: string, isDirectory: (path: LocalPath) => Promise<boolean>, listener: (hint: LocalHint) => void): Promise<() => Promise<void>> {
      const watch: Watch = (directory, name, isNew) => {
        if (directory !== root && !directory.startsWith(`${root}/`)) return;
        const inside = directory.slice(root.length + 1);
        if (inside === INTERNAL_NAME || inside.startsWith(`${INTERNAL_NAME}/`) || (inside === "" && name === INTERNAL_NAME)) return;
        void report(pathOrRoot(inside), isNew ? pathOrRoot(inside === "" ? name : `${inside}/${name}`) : undefined);
      };
      async function report(changed: LocalPath, made: LocalPath | undefined): Promise<void> {
        await Promise.resolve();
        if (watches.has(watch)) listener({ kind: "directory", path: changed });
        if (made !== undefined && (await isDirectory(made).catch(() => false)) && watches.has(watch)) listener({ kind: "directory", path: made });
      }
      watches.add(watch);
      return async () => void watches.delete(watch);
    },
    clear: () => watches.clear(),
    get count() {
      return watches.size;
    },
  };
}

/** A name that cannot be synced is its root's to report. */
function pathOrRoot(path: string): LocalPath {
  try {
    return parsePath(path);
  } catch {
    return parsePath("");
  }
}
