import {
  type AccountId,
  type ChunkId,
  type DeviceId,
  type DraftId,
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
  type ReplicaId,
  type WorkspaceId,
} from "@twinfold/core";

/* Ids by number: equal numbers give equal ids, and greater numbers greater ones. */

export const sampleNodeId = (n: number): NodeId => parseNodeId(digits(n, 32));
export const sampleWorkspaceId = (n: number): WorkspaceId => parseWorkspaceId(digits(n, 32));
export const sampleReplicaId = (n: number): ReplicaId => parseReplicaId(digits(n, 32));
export const sampleDraftId = (n: number): DraftId => parseDraftId(digits(n, 32));
export const sampleAccountId = (n: number): AccountId => parseAccountId(digits(n, 32));
export const sampleDeviceId = (n: number): DeviceId => parseDeviceId(digits(n, 32));
export const sampleChunkId = (n: number): ChunkId => parseChunkId(digits(n, 64));
export const sampleManifestId = (n: number): ManifestId => parseManifestId(digits(n, 64));

/** Names that a careless key comparison confuses, each with another of the list: wildcards, case, normal forms, quotes, JavaScript's own. */
export const CONFUSABLE_NAMES: readonly string[] = [
  "a",
  "A",
  "a%",
  "a_b",
  "axb",
  "%",
  "_",
  "'",
  "''",
  '"',
  "'; DROP TABLE nodes; --",
  "__proto__",
  "constructor",
  "toString",
  "\u00e9", // é in one code point
  "e\u0301", // and in two
  "\u{1f600}",
  "\uffee", // sorts after the emoji in UTF-16, before it in UTF-8
  " a",
  "a ",
  "1",
  "01",
  "1.0",
];

function digits(n: number, length: number): string {
  return n.toString(16).padStart(length, "0");
}

/** From 1 to `count`. */
export const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

/** Bytes that differ from place to place, so that a piece out of order is seen. */
export function patternedBytes(sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  for (let i = 0; i < sizeBytes; i++) bytes[i] = i * 7 + (i >> 8);
  return bytes;
}
