import type { TabLocks } from "../src/index.js";

/** Locks of one process, with the answers of `navigator.locks`: for Node, which has none. */
export function createMemoryLocks(): TabLocks {
  const held = new Set<string>();
  return {
    async request(name, _options, callback) {
      if (held.has(name)) return callback(null);
      held.add(name);
      try {
        await callback({ name });
      } finally {
        held.delete(name);
      }
    },
  };
}
