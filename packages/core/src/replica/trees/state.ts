import { type Codec, boolean, id, list, optional, string, struct, trailing, varint } from "../../codec/codec.js";
import type { NodeId, ReplicaId } from "../../ids.js";
import { type Cursor, cursorCodec } from "../../journal.js";
import type { LocalTree } from "../../local/local-tree.js";
import { type Head, headCodec } from "../../node.js";

/** Intents of unknown outcome are kept until their directories were looked at; beyond it the oldest are forgotten. */
export const MAX_INTENTS = 1_024;

/** More than are ever listed as unverified. */
const MAX_LISTED = 65_536;

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
  /** Some node is, or once was, elsewhere or excluded. */
  readonly holdsAway: boolean;
  /** Of the rules by which nodes were last excluded: with others all of them are looked at again. */
  readonly rulesStamp?: string | undefined;
  /** Of the policy by which files were last left elsewhere. */
  readonly onDemandStamp?: string | undefined;
  /** What the last scan of the whole folder left alone because of a rule; a directory counts once. */
  readonly ignored: number;
  /** What the rows' local name keys were made for. @default false */
  readonly foldsCase?: boolean | undefined;
  /** What {@link LocalTree.check} gave when the whole folder was last looked at; empty before the first time. @default "" */
  readonly rootStamp?: string | undefined;
  /** There was a reset since disk and hub were last equal: what the hub has may be older than what is here. @default false */
  readonly afterReset?: boolean | undefined;
  /** Live heads that are being put on the disk, or were and may be there. @default none */
  readonly intents?: readonly Head[] | undefined;
  /** The boot of the machine in which the whole folder was last looked at; empty before the first time. @default "" */
  readonly bootId?: string | undefined;
  /** Some node is, or once was, shown under another name than its own. @default true */
  readonly holdsAliases?: boolean | undefined;
  /** Removals that the last pass left waiting for a yes. @default 0 */
  readonly awaitingRemovals?: number | undefined;
  /** Files that were put on the disk in the boot of `bootId`, and that it may not have yet. @default none */
  readonly unverified?: readonly NodeId[] | undefined;
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
  holdsAway: boolean,
  rulesStamp: optional(string(64)),
  onDemandStamp: optional(string(64)),
  ignored: varint,
  foldsCase: trailing(boolean),
  rootStamp: trailing(string(64)),
  afterReset: trailing(boolean),
  intents: trailing(list(headCodec, MAX_INTENTS)),
  bootId: trailing(string(64)),
  holdsAliases: trailing(boolean),
  awaitingRemovals: trailing(varint),
  unverified: trailing(list(id<NodeId>(16), MAX_LISTED)),
});
