export { type AccountStoreClause, accountStoreConformance } from "./account-store-conformance.js";
export { blobStoreConformance } from "./blob-store-conformance.js";
export type { Clause, Harness, StoreConformanceOptions } from "./clauses.js";
export { type HubStoreClause, hubStoreConformance } from "./hub-store-conformance.js";
export { type EditableTree, type LocalEdit, localTreeConformance } from "./local-tree-conformance.js";
export { type ReplicaStoreClause, replicaStoreConformance } from "./replica-store-conformance.js";
export type { TestRunner } from "./test-runner.js";
export {
  type TransportClauseName,
  transportConformance,
  type TransportConformanceOptions,
  type TransportFixture,
} from "./transport-conformance.js";
