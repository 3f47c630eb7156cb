export { createIdbBlobStore, type IdbBlobStoreOptions } from "./blob-store.js";
export { createBrowserEnv } from "./browser-env.js";
export { createIdbReplicaStore, type IdbReplicaStoreOptions } from "./replica-store.js";
export type { TabLocks } from "./tab-lock.js";
