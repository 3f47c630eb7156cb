import type { FileSystem } from "@twinfold/core";

/**
 * Lets calls of `syncDirectory` for one directory share an fsync.
 *
 * A call never joins an fsync that began before it, only the next one: what was written
 * before the call is durable when it resolves, as without this wrapper. An fsync that fails fails for all that share it.
 */
export function coalescedSync(fileSystem: FileSystem): FileSystem {
  interface Turn {
    readonly running: Promise<void>;
    next?: Promise<void> | undefined;
  }
  const turns = new Map<string, Turn>();

  function start(path: string): Promise<void> {
    const running = fileSystem.syncDirectory(path).finally(() => {
      if (turns.get(path) === turn && turn.next === undefined) turns.delete(path);
    });
    const turn: Turn = { running };
    turns.set(path, turn);
    return running;
  }

  return {
    ...fileSystem,
    syncDirectory(path) {
      const turn = turns.get(path);
      if (turn === undefined) return start(path);
      const begin = () => start(path);
      turn.next ??= turn.running.then(begin, begin);
      return turn.next;
    },
  };
}
