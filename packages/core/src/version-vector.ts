import type { Codec } from "./codec/codec.js";
import { id } from "./codec/codec.js";
import { malformed } from "./codec/byte-reader.js";
import { HUB_REPLICA_ID, type ReplicaId } from "./ids.js";

/** How one version stands to another. `before` means: the other has seen all of this one. */
export type Ordering = "equal" | "before" | "after" | "concurrent";

/**
 * Counts, per replica, the changes that a version of one part of a node has seen. A missing replica counts 0.
 * Iterates from the replica that changed longest ago to the latest.
 *
 * Source: Parker et al., "Detection of Mutual Inconsistency in Distributed
 * Systems", IEEE TSE 9(3), 1983. It is not a vector clock: only changes to
 * the part count, not messages.
 */
export type VersionVector = ReadonlyMap<ReplicaId, number>;

/** What a part is based on when it has no version yet. */
export const EMPTY_VECTOR: VersionVector = new Map();

/** Replicas kept in a vector besides the hub. Against an accepted version the hub's own count orders, so older ones may go. */
export const MAX_VECTOR_REPLICAS = 16;

export function compareVersions(a: VersionVector, b: VersionVector): Ordering {
  let aAhead = false;
  let bAhead = false;
  for (const replica of new Set([...a.keys(), ...b.keys()])) {
    const difference = (a.get(replica) ?? 0) - (b.get(replica) ?? 0);
    if (difference > 0) aAhead = true;
    if (difference < 0) bAhead = true;
  }
  if (aAhead && bAhead) return "concurrent";
  if (aAhead) return "after";
  return bAhead ? "before" : "equal";
}

export function sameVersion(a: VersionVector, b: VersionVector): boolean {
  return compareVersions(a, b) === "equal";
}

/**
 * The vector of the version that the hub accepts from `replica` on top of `base`: one more for the replica, one more for the hub.
 *
 * Replica and hub compute it alike, so an acceptance need not carry it. Keeps the
 * {@link MAX_VECTOR_REPLICAS} replicas that changed last. Returns a new vector.
 */
export function advance(base: VersionVector, replica: ReplicaId): VersionVector {
  const next = new Map(base);
  for (const changed of [replica, HUB_REPLICA_ID]) {
    const count = next.get(changed) ?? 0;
    next.delete(changed);
    next.set(changed, count + 1);
  }
  for (const oldest of next.keys()) {
    if (next.size <= MAX_VECTOR_REPLICAS + 1) break;
    if (oldest !== HUB_REPLICA_ID) next.delete(oldest);
  }
  return next;
}

export function merge(a: VersionVector, b: VersionVector): VersionVector {
  const merged = new Map(a);
  for (const [replica, counter] of b) merged.set(replica, Math.max(counter, merged.get(replica) ?? 0));
  return merged;
}

/**
 * How the version that a change was based on stands to the hub's current one, by the hub's own count alone.
 *
 * `reset`: the change knows a version that this hub never made, so the hub has gone back in time.
 */
export function orderAtHub(base: VersionVector, current: VersionVector): "current" | "outdated" | "reset" {
  const known = base.get(HUB_REPLICA_ID) ?? 0;
  const count = current.get(HUB_REPLICA_ID) ?? 0;
  if (known < count) return "outdated";
  return known === count && sameVersion(base, current) ? "current" : "reset";
}

const replicaId = id<ReplicaId>(16);

/** Count, then (replica, counter) from the oldest change to the latest. */
export const versionVectorCodec: Codec<VersionVector> = {
  write: (writer, vector) => {
    writer.varint(vector.size);
    for (const [replica, counter] of vector) {
      replicaId.write(writer, replica);
      writer.varint(counter);
    }
  },
  read: (reader) => {
    const size = reader.varint();
    if (size > MAX_VECTOR_REPLICAS + 1) throw malformed(`a version vector of ${size} replicas`);
    const vector = new Map<ReplicaId, number>();
    for (let i = 0; i < size; i++) {
      const replica = replicaId.read(reader);
      const counter = reader.varint();
      if (counter === 0 || vector.has(replica)) throw malformed("a version vector with a count of 0 or a replica named twice");
      vector.set(replica, counter);
    }
    return vector;
  },
};
