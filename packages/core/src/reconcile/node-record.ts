import type { NodeId } from "../ids.js";
import type { LocalStat } from "../local/local-tree.js";
import type { NodeName } from "../names.js";
import { type Content, type Head, type Place, sameContent, samePlace } from "../node.js";
import { sameVersion, type VersionVector } from "../version-vector.js";

/** What the disk was last seen to hold. */
export interface LocalState {
  readonly place: Place;
  readonly content: Content;
  /** Equal to the disk's stat now: nothing was written since. */
  readonly stat: LocalStat;
  /** Read so soon after it was written that a later write may have left no trace in the stat: looked at again by the next scan. */
  readonly suspect: boolean;
  /** Its name on this disk, where that cannot hold the node's own. */
  readonly alias?: NodeName | undefined;
}

/**
 * Why a node of the hub is not in the local tree, other than that it was deleted here.
 *
 * `elsewhere`: a file that comes when it is asked for. `excluded`: by an ignore rule, or by what this device was told to hold; the disk
 * may have something at its place, which is nobody's business.
 */
export type Away = "elsewhere" | "excluded";

/** What disk and hub last agreed on: the base of both sides' changes. */
export interface SyncedState {
  readonly place: Place;
  readonly placeVector: VersionVector;
  readonly content: Content;
  readonly contentVector: VersionVector;
}

/** One node in the three trees. A tree that does not hold it has no entry. */
export interface NodeRecord {
  readonly nodeId: NodeId;
  readonly local?: LocalState | undefined;
  readonly synced?: SyncedState | undefined;
  readonly remote?: Head | undefined;
  /** The synced state before a reset, until the hub's head has told what it is worth. */
  readonly former?: SyncedState | undefined;
  /** Set only where `local` is not: absence from the disk means deletion only without it. */
  readonly away?: Away | undefined;
}

/** The node's name on this disk. */
export function nameHere({ alias, place }: LocalState): NodeName {
  return alias ?? place.name;
}

/** A node that is there now. */
export type LiveHead = Head & { readonly deleted: false };

export function isLive(head: Head | undefined): head is LiveHead {
  return head !== undefined && !head.deleted;
}

/** True for what was made here, or is not known any more to have come from the hub. */
export function isNewHere(record: NodeRecord): record is NodeRecord & { readonly local: LocalState } {
  return record.local !== undefined && record.synced === undefined && record.remote === undefined;
}

/** True when the planner has to look at it: the three trees do not say the same. */
export function isDirty({ local, synced, remote, away }: NodeRecord): boolean {
  if (away !== undefined) return false;
  if (synced === undefined) return local !== undefined || isLive(remote);
  if (local === undefined || !isLive(remote)) return true;
  return (
    !samePlace(local.place, synced.place) ||
    !sameContent(local.content, synced.content) ||
    !sameVersion(remote.placeVector, synced.placeVector) ||
    !sameVersion(remote.contentVector, synced.contentVector)
  );
}

/** The synced state after disk and hub were found to hold `head`. */
export function syncedWith(head: Head): SyncedState {
  return { place: head.place, placeVector: head.placeVector, content: head.content, contentVector: head.contentVector };
}

/**
 * Takes as agreed what disk and hub hold alike, part by part; forgets what neither holds.
 *
 * Every record passes through here before it is stored, so the planner meets only real differences.
 */
export function settled({ away, ...record }: NodeRecord): NodeRecord {
  const { nodeId, local, synced, remote, former } = record;
  if (away !== undefined && local === undefined) {
    if (remote !== undefined && !isLive(remote)) return { nodeId, remote };
    // Of what is excluded the base is kept, for when it is included again; what comes when it is asked for comes as the hub has it then.
    return { nodeId, remote, synced: away === "excluded" ? synced : undefined, away };
  }
  if (!isLive(remote)) {
    const keepsSynced = local !== undefined && synced !== undefined;
    return { nodeId, local, remote, synced: keepsSynced ? synced : undefined, former };
  }
  if (local === undefined) return record;
  const placeAgrees = samePlace(local.place, remote.place);
  const contentAgrees = sameContent(local.content, remote.content);
  if (placeAgrees && contentAgrees) return { nodeId, local, remote, synced: syncedWith(remote) };
  if (synced === undefined) return record;
  return {
    ...record,
    synced: {
      ...synced,
      ...(placeAgrees ? { place: remote.place, placeVector: remote.placeVector } : {}),
      ...(contentAgrees ? { content: remote.content, contentVector: remote.contentVector } : {}),
    },
  };
}
