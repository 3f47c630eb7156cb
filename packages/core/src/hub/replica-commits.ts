import type { CommitAnswer } from "../commit.js";
import { KEPT_ANSWERS } from "../commit.js";
import type { AccountId, ReplicaId } from "../ids.js";
import type { ReplicaMark } from "../metadata/hub-store.js";
import type { CommitOutcome } from "../transport/transport.js";
import { answerOf, decodeKeptAnswers, encodeKeptAnswers, type KeptAnswer } from "./kept-answers.js";

/** What the hub knows of one replica's commits to one workspace; a value, changed only by making the next one. */
export interface ReplicaCommits {
  /** Every counter up to it was executed or fenced. */
  readonly watermark: number;
  /** Ascending by counter. */
  readonly kept: readonly KeptAnswer[];
}

export function replicaCommits(mark: ReplicaMark | undefined): ReplicaCommits {
  return mark === undefined ? { watermark: 0, kept: [] } : { watermark: mark.watermark, kept: decodeKeptAnswers(mark.answers) };
}

export function markRow(commits: ReplicaCommits, before: ReplicaMark | undefined, replicaId: ReplicaId, accountId: AccountId): ReplicaMark {
  return { replicaId, accountId, watermark: commits.watermark, answers: encodeKeptAnswers(commits.kept), ackedSeq: before?.ackedSeq ?? 0 };
}

/** The answer that a commit has without being executed; `undefined` for the next one, which is to be executed. */
export function knownAnswer(commits: ReplicaCommits, counter: number, commitHash: string): CommitAnswer | undefined {
  const { watermark } = commits;
  if (counter === watermark + 1) return undefined;
  if (counter > watermark) return { kind: "ahead", watermark };
  const kept = commits.kept.find((answer) => answer.counter === counter);
  if (kept?.kind === "fenced") return { kind: "fenced" };
  return kept?.commitHash === commitHash ? answerOf(kept) : { kind: "cloned" };
}

/** What became of a counter at or below the watermark. */
export function outcomeOf(commits: ReplicaCommits, counter: number): CommitOutcome {
  const kept = commits.kept.find((answer) => answer.counter === counter);
  if (kept === undefined) return { counter, answer: { kind: "cloned" } };
  return kept.kind === "fenced" ? { counter, answer: { kind: "fenced" } } : { counter, commitHash: kept.commitHash, answer: answerOf(kept) };
}

export function withAnswer(commits: ReplicaCommits, kept: KeptAnswer): ReplicaCommits {
  return { watermark: kept.counter, kept: [...commits.kept, kept].slice(-KEPT_ANSWERS) };
}

/** Moves the watermark to `counter`: that commit, and all it skips, will never execute. */
export function fenced(commits: ReplicaCommits, counter: number): ReplicaCommits {
  if (counter <= commits.watermark) return commits;
  const from = Math.max(commits.watermark + 1, counter - KEPT_ANSWERS + 1);
  const fences = Array.from({ length: counter - from + 1 }, (_, index): KeptAnswer => ({ kind: "fenced", counter: from + index }));
  return { watermark: counter, kept: [...commits.kept, ...fences].slice(-KEPT_ANSWERS) };
}
