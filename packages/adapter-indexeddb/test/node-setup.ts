import "fake-indexeddb/auto";
import { createMemoryLocks } from "./memory-locks.js";

/* What a browser has, for the same tests in Node. */
Object.defineProperty(globalThis, "navigator", { value: { locks: createMemoryLocks() }, configurable: true });
