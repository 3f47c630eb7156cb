export {
  type AccountStoreClause,
  accountStoreConformance,
  type BlobStoreClause,
  blobStoreConformance,
  type BusClause,
  busConformance,
  type Clause,
  type ConformanceOptions,
  type EditableTree,
  type Harness,
  type HubStoreClause,
  hubStoreConformance,
  type LocalEdit,
  type LocalTreeClause,
  localTreeConformance,
  type ReplicaStoreClause,
  replicaStoreConformance,
  type TestRunner,
  type TransportClause,
  transportConformance,
  type TransportFixture,
} from "./conformance/index.js";
export { diskError, type FileSystemCall, hookedFileSystem } from "./hooked-file-system.js";
export type { Folder, SeenEntry } from "./simulator/folder.js";
export { hunt, type HuntFailure, type HuntOptions, type HuntReport, type PlanFile } from "./simulator/hunt.js";
export type { Ledger, Payload } from "./simulator/ledger.js";
export type { Oracle, Violation, WorldView } from "./simulator/oracle.js";
export { oracles } from "./simulator/oracles/all.js";
export { DEFAULT_WEIGHTS, planOf, type PlanOptions, plans, type Weights } from "./simulator/plans.js";
export { replay, type ReplayOptions } from "./simulator/replay.js";
export { shrink, type ShrinkOptions } from "./simulator/shrink.js";
export { shippedSut, type Sut } from "./simulator/sut.js";
export { syncProperty, type SyncPropertyOptions } from "./simulator/sync-property.js";
export { createWorld, type RunReport, type World, type WorldOptions } from "./simulator/world.js";
export { DEFAULT_SWARM, type DeviceSpec, type Fault, type Op, type OpKind, type SwarmParams, type WorldPlan } from "./simulator/world-plan.js";
export { createRandom, type Random, type RandomStream } from "./simulator/random.js";
export { createSimDisk, type SimDisk, type SimDiskOptions, type SimDiskSnapshot, type SimEntry, type SimFailure } from "./simulator/sim-disk.js";
export type { SimEditor, SimHeldFile } from "./simulator/sim-editor.js";
export { type FakeCloud, fakeCloud, type FakeCloudOptions, type SyncClient } from "./fake-cloud/fake-cloud.js";
export { type CrashReport, crashPoints, failEachIo, type IoFailure, type PointOptions } from "./simulator/crash/crash-points.js";
export { describeHarm, everyPoint } from "./simulator/crash/every-point.js";
export type { IoCall } from "./simulator/crash/station.js";
export { type Workload, WORKLOADS, type Writing } from "./simulator/crash/workloads.js";
export type { Mutant } from "./mutants/mutant.js";
export { type MutantId, mutantIds, mutants } from "./mutants/mutants.js";
export { firstViolation, type KillFile, killOf, type MutantScore, mutantTable, scoreMutant, type ScoreOptions } from "./mutants/score.js";
