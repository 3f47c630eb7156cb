import { decode } from "../../codec/codec.js";
import { type Change, type Commit, type CommitAnswer, commitCodec, type Verdict } from "../../commit.js";
import type { NodeId } from "../../ids.js";
import type { Head } from "../../node.js";
import { isLive, type NodeRecord, syncedWith } from "../../reconcile/node-record.js";
import { advance } from "../../version-vector.js";
import type { Trees } from "../trees/trees.js";

/** What became of a commit's changes, for the counters and for planning again. */
export interface CommitEffect {
  readonly accepted: ReadonlyArray<{ readonly change: Change; readonly before: Head | undefined }>;
  /** Not accepted because the hub is ahead: look at its changes, then plan again. */
  readonly outdated: readonly NodeId[];
  /** Refused, for a reason that does not go away by itself. */
  readonly refused: ReadonlyArray<{ readonly nodeId: NodeId; readonly verdict: Verdict }>;
}

const OUTDATED: ReadonlySet<Verdict> = new Set(["unchanged", "conflict", "collision", "blocked", "reset", "moved"]);

/**
 * Writes a commit's answer into the trees and takes the commit out of the outbox, in one transaction.
 *
 * The cursor moves along when nothing of anybody else's lies between.
 */
export async function settleCommit(trees: Trees, commit: Commit, answer: Extract<CommitAnswer, { kind: "done" }>): Promise<CommitEffect> {
  const accepted: Array<{ change: Change; before: Head | undefined }> = [];
  const outdated: NodeId[] = [];
  const refused: Array<{ nodeId: NodeId; verdict: Verdict }> = [];
  const records = await trees.records(commit.changes.map((change) => change.nodeId));
  const put: NodeRecord[] = [];
  const remove: NodeId[] = [];
  let seq = answer.firstSeq ?? 0;

  commit.changes.forEach((change, index) => {
    const verdict = answer.verdicts[index] ?? { place: "invalid", content: "invalid" };
    const record = records[index] ?? { nodeId: change.nodeId };
    for (const part of new Set([verdict.place, verdict.content])) {
      if (OUTDATED.has(part)) outdated.push(change.nodeId);
      else if (part !== "accepted" && part !== "absent") refused.push({ nodeId: change.nodeId, verdict: part });
    }
    if (verdict.place !== "accepted" && verdict.content !== "accepted") return;
    const remote = headAfter(change, verdict, record.remote, commit, seq);
    seq += 1;
    accepted.push({ change, before: record.remote });
    if (remote === undefined) return;
    if (!isLive(remote)) {
      if (record.local === undefined) put.push({ nodeId: change.nodeId, remote });
      else put.push({ ...record, remote, synced: undefined });
      return;
    }
    put.push({ ...record, remote, synced: syncedAfter(record, remote, verdict) });
  });

  const { cursor, highest } = trees.state;
  const place = answer.place;
  await trees.write({
    put,
    remove,
    outboxRemove: [commit.counter],
    state: place && {
      cursor: cursor !== undefined && cursor.seq + 1 === answer.firstSeq && cursor.epoch === place.epoch ? place : cursor,
      highest: highest === undefined || highest.seq < place.seq ? place : highest,
    },
  });
  return { accepted, outdated, refused };
}

/** The node as the hub has it now; `undefined` when that cannot be known from here, and comes with the next changes. */
function headAfter(
  change: Change,
  verdict: { place: Verdict; content: Verdict },
  before: Head | undefined,
  commit: Commit,
  seq: number,
): Head | undefined {
  if (change.kind === "delete") {
    if (before === undefined) return undefined;
    return {
      ...before,
      placeVector: advance(change.placeBase, commit.replicaId),
      contentVector: advance(change.contentBase, commit.replicaId),
      deleted: true,
      seq,
    };
  }
  const place = verdict.place === "accepted" ? change.place : undefined;
  const content = verdict.content === "accepted" ? change.content : undefined;
  const newPlace = place && { place: place.place, placeVector: advance(place.base, commit.replicaId) };
  const newContent = content && {
    content: content.content,
    contentVector: advance(content.base, commit.replicaId),
    revision: (before?.revision ?? 0) + (content.content.kind === "file" ? 1 : 0),
  };
  if (before !== undefined) return { ...before, ...newPlace, ...newContent, deleted: false, seq };
  if (newPlace === undefined || newContent === undefined) return undefined;
  return { nodeId: change.nodeId, ...newPlace, ...newContent, deleted: false, seq };
}

function syncedAfter(record: NodeRecord, remote: Head, verdict: { place: Verdict; content: Verdict }) {
  const now = syncedWith(remote);
  if (record.synced === undefined) return now;
  return {
    ...record.synced,
    ...(verdict.place === "accepted" ? { place: now.place, placeVector: now.placeVector } : {}),
    ...(verdict.content === "accepted" ? { content: now.content, contentVector: now.contentVector } : {}),
  };
}

/** The commits whose outcome is not known, as they were sent. */
export async function commitsInDoubt(trees: Trees): Promise<readonly Commit[]> {
  return (await trees.outbox()).map((row) => decode(commitCodec, row.body));
}
