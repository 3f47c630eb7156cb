export { type AccountStoreClause, accountStoreConformance } from "./account-store-conformance.js";
export { type BlobStoreClause, blobStoreConformance } from "./blob-store-conformance.js";
export { type BusClause, busConformance } from "./bus-conformance.js";
export type { Clause, ConformanceOptions, Harness } from "./clauses.js";
export { type HubStoreClause, hubStoreConformance } from "./hub-store-conformance.js";
export { type EditableTree, type LocalEdit, type LocalTreeClause, localTreeConformance } from "./local-tree-conformance.js";
export { type ReplicaStoreClause, replicaStoreConformance } from "./replica-store-conformance.js";
export type { TestRunner } from "./test-runner.js";
export { type TransportClause, transportConformance, type TransportFixture } from "./transport-conformance.js";
