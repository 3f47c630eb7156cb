export { blobStoreConformance } from "./blob-store-conformance.js";
export { accountStoreConformance, type AccountStoreClause } from "./account-store-conformance.js";
export type { Clause, Harness, StoreConformanceOptions } from "./clauses.js";
export { diskError, type FileSystemCall, hookedFileSystem } from "./hooked-file-system.js";
export { hubStoreConformance, type HubStoreClause } from "./hub-store-conformance.js";
export { replicaStoreConformance, type ReplicaStoreClause } from "./replica-store-conformance.js";
export { type EditableTree, type LocalEdit, localTreeConformance } from "./local-tree-conformance.js";
export type { TestRunner } from "./test-runner.js";
