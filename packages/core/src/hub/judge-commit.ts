import type { Change, ChangeVerdict, Commit, Verdict } from "../commit.js";
import type { NodeId } from "../ids.js";
import type { Head } from "../node.js";
import { advance, EMPTY_VECTOR } from "../version-vector.js";
import type { CommitView } from "./commit-view.js";
import { findBreaches, type NodeAfter } from "./find-breaches.js";
import { isWhole, type JudgeLimits, judgeParts, onPresentParts, type PartVerdicts, settled } from "./judge-parts.js";

/** A node's new version, and which parts of it are new. Its seq is given when it is appended. */
export interface AcceptedChange {
  readonly change: Change;
  readonly head: Omit<Head, "seq">;
  readonly placeChanged: boolean;
  readonly contentChanged: boolean;
}

export interface CommitJudgement {
  /** One for each change, in order. */
  readonly verdicts: readonly ChangeVerdict[];
  readonly accepted: readonly AcceptedChange[];
}

/**
 * Decides a commit: which parts of its changes are accepted, and what becomes of the others. Protocol §5, rules 1 to 4.
 *
 * A pure function of its arguments. Each change is judged by itself first, then the state after all of them: while that
 * breaks a rule of trees, the last candidate that takes part in a breach is taken out, so that swaps and chains stay whole.
 */
export function judgeCommit(commit: Commit, view: CommitView, limits: JudgeLimits): CommitJudgement {
  const seen = new Set<NodeId>();
  const parts = commit.changes.map((change): PartVerdicts => {
    if (seen.has(change.nodeId)) return onPresentParts(change, "invalid");
    seen.add(change.nodeId);
    return judgeParts(change, view, limits);
  });

  for (;;) {
    const breaches = findBreaches(stateAfter(commit, view, parts), view);
    const last = Math.max(-1, ...breaches.map(({ index }) => index));
    if (last < 0) break;
    // What hangs on a parent that was taken out has no hope of its own, so all of it goes at once.
    const orphans = breaches.filter((breach) => breach.orphanOf !== undefined && wasTakenOut(breach.orphanOf, commit, view, parts));
    for (const { index } of orphans) takeOut(commit, view, parts, index, true, "blocked");
    if (orphans.length > 0) continue;
    const ofPlace = breaches.some(({ index, part }) => index === last && part === "place");
    takeOut(commit, view, parts, last, ofPlace, "collision");
  }

  const verdicts = parts.map(settled);
  const accepted = commit.changes.flatMap((change, index): AcceptedChange[] => {
    const verdict = verdicts[index] as ChangeVerdict;
    const placeChanged = verdict.place === "accepted";
    const contentChanged = verdict.content === "accepted";
    if (!placeChanged && !contentChanged) return [];
    const head = headAfter(change, view.heads.get(change.nodeId), commit, placeChanged, contentChanged);
    return [{ change, head, placeChanged, contentChanged }];
  });
  return { verdicts, accepted };
}

function takeOut(commit: Commit, view: CommitView, parts: PartVerdicts[], index: number, place: boolean, verdict: Verdict): void {
  const change = commit.changes[index] as Change;
  const before = parts[index] as PartVerdicts;
  if (isWhole(change, view.heads.get(change.nodeId))) parts[index] = { place: verdict, content: verdict };
  else parts[index] = place ? { ...before, place: verdict } : { ...before, content: verdict };
}

/** True for a node that a change of this commit was to make or bring back, and will not. */
function wasTakenOut(nodeId: NodeId, commit: Commit, view: CommitView, parts: readonly PartVerdicts[]): boolean {
  const head = view.heads.get(nodeId);
  if (head !== undefined && !head.deleted) return false;
  const index = commit.changes.findIndex((change) => change.nodeId === nodeId);
  return commit.changes[index]?.kind === "put" && parts[index]?.place !== "candidate";
}

function stateAfter(commit: Commit, view: CommitView, parts: readonly PartVerdicts[]): ReadonlyMap<NodeId, NodeAfter> {
  const after = new Map<NodeId, NodeAfter>();
  for (const [nodeId, head] of view.heads) after.set(nodeId, { place: head.place, content: head.content, live: !head.deleted });
  commit.changes.forEach((change, index) => {
    const { place, content } = parts[index] as PartVerdicts;
    const placedBy = place === "candidate" ? index : undefined;
    const madeBy = content === "candidate" ? index : undefined;
    if (placedBy === undefined && madeBy === undefined) return;
    const before = after.get(change.nodeId);
    if (change.kind === "delete") {
      if (before !== undefined) after.set(change.nodeId, { ...before, live: false, placedBy, madeBy });
      return;
    }
    const newPlace = (placedBy === undefined ? undefined : change.place?.place) ?? before?.place;
    const newContent = (madeBy === undefined ? undefined : change.content?.content) ?? before?.content;
    if (newPlace === undefined || newContent === undefined) return;
    after.set(change.nodeId, { place: newPlace, content: newContent, live: true, placedBy, madeBy });
  });
  return after;
}

function headAfter(change: Change, before: Head | undefined, commit: Commit, placeChanged: boolean, contentChanged: boolean): Omit<Head, "seq"> {
  const put = change.kind === "put" ? change : undefined;
  const place = (placeChanged ? put?.place?.place : undefined) ?? before?.place;
  const content = (contentChanged ? put?.content?.content : undefined) ?? before?.content;
  if (place === undefined || content === undefined) throw new Error(`node ${change.nodeId} was accepted without a version`);
  const placeVector = before?.placeVector ?? EMPTY_VECTOR;
  const contentVector = before?.contentVector ?? EMPTY_VECTOR;
  const isNewRevision = contentChanged && put !== undefined && content.kind === "file";
  return {
    nodeId: change.nodeId,
    place,
    placeVector: placeChanged ? advance(placeVector, commit.replicaId) : placeVector,
    content,
    contentVector: contentChanged ? advance(contentVector, commit.replicaId) : contentVector,
    deleted: put === undefined,
    // Counts on through a deletion and through a time as something else: a revision's number is never used twice.
    revision: (before?.revision ?? 0) + (isNewRevision ? 1 : 0),
  };
}
