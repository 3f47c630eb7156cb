import type { FileSystem, OpenFile } from "@twinfold/core";

/** One call of a FileSystem, or of a file opened on it. */
export interface FileSystemCall {
  /** 1 for the first call on this FileSystem. */
  readonly index: number;
  readonly operation: keyof FileSystem | `file.${keyof OpenFile}`;
  /** The first path that the call names; for an open file the one that it was opened by. */
  readonly path: string;
  /** The second path, of a rename, link or symlink. */
  readonly to: string | undefined;
}

/**
 * Calls `before` ahead of each call: to count calls, to fail one by throwing, or to change the disk just then.
 * `close` of an open file is let through, so that no test runs out of files. A directory is read entry by entry, so that each can fail.
 */
export function hookedFileSystem(fileSystem: FileSystem, before: (call: FileSystemCall) => void | Promise<void>): FileSystem {
  let index = 0;

  function hooked<Target extends object>(target: Target, prefix: "" | "file.", openedPath?: string): Target {
    return new Proxy(target, {
      get(_target, name) {
        const method: unknown = name === "entries" ? undefined : Reflect.get(target, name);
        if (typeof method !== "function" || typeof name !== "string" || name === "close") return method;
        return async (...args: unknown[]) => {
          index += 1;
          const paths = args.filter((argument) => typeof argument === "string");
          const operation = `${prefix}${name}` as FileSystemCall["operation"];
          await before({
            index,
            operation,
            path: openedPath ?? paths[0] ?? "",
            to: openedPath === undefined && name !== "open" ? paths[1] : undefined,
          });
          const result: unknown = await Reflect.apply(method, target, args);
          return name === "open" ? hooked(result as OpenFile, "file.", paths[0]) : result;
        };
      },
      ownKeys: () => Reflect.ownKeys(target),
    });
  }

  return hooked(fileSystem, "");
}

/** An error as the disk gives it. */
export function diskError(code: string): Error {
  return Object.assign(new Error(`${code}: injected by a test`), { code });
}
