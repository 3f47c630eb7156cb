export type { Bus } from "./bus/bus.js";
export { createInProcessBus } from "./bus/in-process-bus.js";
export { ByteReader } from "./codec/byte-reader.js";
export { ByteWriter } from "./codec/byte-writer.js";
export { type Codec, decode, encode } from "./codec/codec.js";
export { compressionOf, fflateCompression } from "./compression/fflate-compression.js";
export { isWorthDeflating } from "./compression/is-worth-deflating.js";
export { bytesToHex, hexToBytes } from "./codec/hex.js";
export { chunkBytes, type Chunker, createChunker } from "./chunking/chunker.js";
export type { CutFinder } from "./chunking/cut-finder.js";
export { createCutWindow, type CutWindow } from "./chunking/cut-window.js";
export { type ChunkProfile, chunkProfileFor } from "./chunking/profile.js";
export {
  type Change,
  type ChangeVerdict,
  type Commit,
  type CommitAnswer,
  type ContentChange,
  type PlaceChange,
  type Verdict,
  commitAnswerCodec,
  commitCodec,
  encodeCommit,
  KEPT_ANSWERS,
  MAX_COMMIT_BYTES,
  MAX_COMMIT_CHANGES,
  MAX_COMMITS_IN_FLIGHT,
} from "./commit.js";
export { baseChunks } from "./delta/base-chunks.js";
export { applyDelta, decodeDelta, type Delta, type DeltaOperation, encodeDelta, MAX_DELTA_BASE_BYTES, MAX_DELTA_BASES } from "./delta/delta.js";
export { type Base, diffChunk } from "./delta/diff-chunk.js";
export { baseChunksByRecut, type Origin, origins } from "./delta/origins.js";
export { type DeltaPlan, planDelta, type PlanDeltaOptions, type PlannedChunk } from "./delta/plan-delta.js";
export {
  type ChunkCopy,
  diffAgainstSketches,
  type Sketch,
  sketchAverageFor,
  sketchChunk,
  sketchCodec,
  type SketchedBase,
  type SketchOptions,
  type SketchPiece,
} from "./delta/sketch.js";
export type { Compression, Env, Sha256 } from "./env.js";
export { isTwinfoldError, TwinfoldError, type TwinfoldErrorCode } from "./errors.js";
export { createEvents, type EventSource, type Unsubscribe } from "./events.js";
export { nobleSha256 } from "./hashing/noble-sha256.js";
export { createHub } from "./hub/create-hub.js";
export type { Hub, HubCounter, HubOptions, Principal } from "./hub/hub.js";
export {
  type AccountId,
  type ChunkId,
  type DeviceId,
  type DraftId,
  HUB_REPLICA_ID,
  type ManifestId,
  type NodeId,
  parseAccountId,
  parseChunkId,
  parseDeviceId,
  parseDraftId,
  parseManifestId,
  parseNodeId,
  parseReplicaId,
  parseWorkspaceId,
  randomId,
  type ReplicaId,
  type WorkspaceId,
} from "./ids.js";
export {
  type Cursor,
  cursorAt,
  cursorCodec,
  encodeJournalRow,
  type Epoch,
  firstChain,
  type JournalRow,
  journalRowCodec,
  nextChain,
} from "./journal.js";
export { cutPieces } from "./local/cut-pieces.js";
export type { FileStat, FileSystem, FoundEntry, OpenFile } from "./local/file-system.js";
export type {
  Expected,
  FileAttributes,
  FileSynced,
  LocalEntry,
  LocalHint,
  LocalListing,
  LocalOutcome,
  LocalStat,
  LocalReadOptions,
  LocalTree,
  PlaceOptions,
  Staging,
} from "./local/local-tree.js";
export { ANY_NAME, isSameName, type NameRules } from "./local/name-rules.js";
export { assertMovable, assertReplaceable, assertStagingKey, isAsExpected } from "./local/expected.js";
export {
  createMemoryLocalTree,
  type MemoryEntry,
  type MemoryLocalTree,
  type MemoryLocalTreeOptions,
} from "./local/memory-local-tree.js";
export {
  applyRuns,
  chunkIdOf,
  decodeManifest,
  encodeManifest,
  type Manifest,
  type ManifestEntry,
  type ManifestRun,
  manifestIdOf,
  manifestSize,
  MAX_CHUNK_BYTES,
  MAX_INLINE_CHUNKS,
  MAX_MANIFEST_BYTES,
  spliceManifest,
} from "./manifest.js";
export type { AccountRow, AccountStore, AccountWorkspaceRow, DeviceRow } from "./metadata/account-store.js";
export type {
  ChunkRow,
  DraftRow,
  HubBatch,
  HubRow,
  HubStore,
  NodeRow,
  ReplicaMark,
  RevisionRow,
  Role,
  StoredJournalRow,
  WorkspaceRow,
} from "./metadata/hub-store.js";
export { createMemoryHubStore, type MemoryHubSnapshot, type MemoryHubStore } from "./metadata/memory-hub-store.js";
export { type AccountMemory, createAccountMemory, createMemoryAccountStore } from "./metadata/memory-account-store.js";
export { createMemoryReplicaStore, createReplicaMemory, type ReplicaMemory } from "./metadata/memory-replica-store.js";
export type { NameKey, OutboxRow, ReplicaBatch, ReplicaRow, ReplicaStore } from "./metadata/replica-store.js";
export {
  baseName,
  INTERNAL_NAME,
  isInternalName,
  joinPath,
  type LocalPath,
  MAX_DEPTH,
  MAX_NAME_BYTES,
  type NodeName,
  nameKey,
  nameProblem,
  parentPath,
  parseName,
  parsePath,
  ROOT_PATH,
  splitPath,
} from "./names.js";
export {
  type Content,
  contentCodec,
  type FileContent,
  type Head,
  headCodec,
  type NodeKind,
  type Place,
  placeCodec,
  sameContent,
  samePlace,
  type SymlinkContent,
} from "./node.js";
export type { OperationOptions } from "./operation-options.js";
export type { Away, LocalState, NodeRecord, SyncedState } from "./reconcile/node-record.js";
export type { Plan, PlanAction, PlanStep } from "./reconcile/plan.js";
export { type Decision, decide, type PartAction, type PartChange, POLICY } from "./reconcile/policy.js";
export { COLLISIONS, reconcile, type Step, type TreesView } from "./reconcile/reconcile.js";
export { createReplica } from "./replica/create-replica.js";
export { noParent, noSuchTrash, restoredPath, STAGING_KEPT_MS, TRASH_KEPT_MS, type TrashItem } from "./local/trash.js";
export { conflictName, isConflictName } from "./replica/conflict/conflict-name.js";
export type { ReplicaEvents } from "./replica/events.js";
export { assertScope, type OnDemandPolicy, type ScopeOptions } from "./replica/scope/scope.js";
export { mergeText } from "./replica/conflict/merge-text.js";
export type {
  Conflict,
  ConflictResolver,
  ConflictVersion,
  ContentConflict,
  Explanation,
  FreedRoom,
  Replica,
  ReplicaOptions,
  ReplicaStatus,
  Resolution,
  ResolvedConflict,
  SkippedNode,
  SyncOptions,
  SyncReport,
} from "./replica/replica.js";
export { checkBlobName, isBlobName, MAX_BLOB_NAME_LENGTH } from "./storage/blob-name.js";
export type { BlobInfo, BlobStore, ByteRange } from "./storage/blob-store.js";
export { rangeIn } from "./storage/byte-range.js";
export {
  type DecodeOptions,
  decodeFrameHeader,
  decodeFrames,
  encodeFrameHeader,
  encodeFrames,
  type Frame,
  FRAME_HEADER_BYTES,
  type FrameCodec,
  MAX_BATCH_BYTES,
  MAX_BATCH_FRAMES,
} from "./storage/frame.js";
export { giveBackFrameRoom, MAX_FRAMES_BYTES, takeFrameRoom } from "./storage/frame-room.js";
export { createMemoryBlobStore, type MemoryBlobStore } from "./storage/memory-blob-store.js";
export { createPackStore, type PackReceipt, type PackStore, type PackStoreOptions, type StoredChunk } from "./storage/pack-store.js";
export { createLoopbackTransport } from "./hub/loopback-transport.js";
export {
  answerCodecs,
  helloHash,
  draftAboutCodec,
  MAX_ASKED_CHUNKS,
  MAX_KNOWN_DRAFTS,
  MAX_MESSAGE_BYTES,
  MAX_ROWS,
  MAX_WORKSPACES,
  type MessageOperation,
  requestCodecs,
} from "./transport/messages.js";
export { multiplexed, type MultiplexedOptions } from "./transport/multiplexed.js";
export type {
  AcceptedFrames,
  ChangeRow,
  ChangesAnswer,
  ChangesQuery,
  CommitRequest,
  CommitOutcome,
  DownloadOptions,
  DownloadRequest,
  DraftAbout,
  DraftAnswer,
  DraftNews,
  DraftRequest,
  DraftsQuery,
  Feature,
  HeadRow,
  HeadsAnswer,
  Hello,
  ManifestAnswer,
  Revision,
  SketchesRequest,
  Transport,
  UploadAnswer,
  WaitAnswer,
  WaitQuery,
} from "./transport/transport.js";
export {
  advance,
  compareVersions,
  EMPTY_VECTOR,
  MAX_VECTOR_REPLICAS,
  merge,
  type Ordering,
  orderAtHub,
  sameVersion,
  type VersionVector,
  versionVectorCodec,
} from "./version-vector.js";
export type { CheckFinding, CheckOptions, CheckReport } from "./replica/checkup.js";
