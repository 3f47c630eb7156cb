export type { Clause, Harness, StoreConformanceOptions } from "./clauses.js";
export { hubStoreConformance, type HubStoreClause } from "./hub-store-conformance.js";
export type { TestRunner } from "./test-runner.js";
