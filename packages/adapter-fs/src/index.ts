export { createFsBlobStore, type FsBlobStoreOptions } from "./fs-blob-store.js";
export { createFsLocalTree, type FsLocalTreeOptions } from "./fs-local-tree.js";
export type { WatchFolder } from "./folder-watcher.js";
export { createNodeEnv } from "./node-env.js";
export { createNodeFileSystem } from "./node-file-system.js";
export { initializeRoot, readRootMarker, type RootMarker, type RootOptions } from "./root-marker.js";
