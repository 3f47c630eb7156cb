export { createFsBlobStore, type FsBlobStoreOptions } from "./fs-blob-store.js";
export { createNodeEnv } from "./node-env.js";
export { createNodeFileSystem } from "./node-file-system.js";
