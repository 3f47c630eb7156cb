export { blobStoreConformance } from "./blob-store-conformance.js";
export type { Clause, Harness, StoreConformanceOptions } from "./clauses.js";
export type { TestRunner } from "./test-runner.js";
