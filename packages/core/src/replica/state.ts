import { type Codec, boolean, id, optional, struct, trailing, varint } from "../codec/codec.js";
import type { NodeId, ReplicaId } from "../ids.js";
import { type Cursor, cursorCodec } from "../journal.js";

/** What a replica keeps of itself besides the three trees. */
export interface ReplicaState {
  readonly replicaId: ReplicaId;
  readonly rootNodeId: NodeId;
  /** Counter of the next commit, from 1. */
  readonly nextCounter: number;
  readonly cursor?: Cursor | undefined;
  /** The furthest place that any answer has named. */
  readonly highest?: Cursor | undefined;
  /** A reset began and has not ended: it is done again from its start. */
  readonly resetting: boolean;
  /** Since when something has been waiting to reach the other side. */
  readonly unsyncedSinceMs?: number | undefined;
  readonly lastInSyncAtMs?: number | undefined;
  /** Files and symlinks that were removed, here or at the hub, since disk and hub were last equal. */
  readonly removedSince: number;
  /** What the rows' local name keys were made for. @default false */
  readonly foldsCase?: boolean | undefined;
}

export const replicaStateCodec: Codec<ReplicaState> = struct<ReplicaState>({
  replicaId: id<ReplicaId>(16),
  rootNodeId: id<NodeId>(16),
  nextCounter: varint,
  cursor: optional(cursorCodec),
  highest: optional(cursorCodec),
  resetting: boolean,
  unsyncedSinceMs: optional(varint),
  lastInSyncAtMs: optional(varint),
  removedSince: varint,
  foldsCase: trailing(boolean),
});
