import { type Codec, decode, encode, id, list, optional, struct, union, varint } from "../codec/codec.js";
import { type ChangeVerdict, type CommitAnswer, KEPT_ANSWERS, MAX_COMMIT_CHANGES, type Verdict, verdictCodec } from "../commit.js";
import { type Cursor, cursorCodec } from "../journal.js";

interface VerdictRun extends ChangeVerdict {
  readonly count: number;
}

type DoneAnswer = Extract<CommitAnswer, { kind: "done" }>;

export interface KeptDone {
  readonly kind: "done";
  readonly counter: number;
  /** SHA-256 of the commit, in hex: the same counter with other bytes is another device's. */
  readonly commitHash: string;
  readonly firstSeq?: number | undefined;
  readonly place?: Cursor | undefined;
  /** Most commits are accepted whole, so a thousand verdicts take three bytes, and are made anew only for who asks again. */
  readonly runs: readonly VerdictRun[];
}

/** What became of one counter of a replica. `fenced`: it was asked for before it was executed, and never will be. */
export type KeptAnswer = { readonly kind: "fenced"; readonly counter: number } | KeptDone;

const verdict: Codec<Verdict> = verdictCodec;
const rowCodec = union<KeptAnswer>({
  fenced: { tag: 1, fields: struct({ counter: varint }) },
  done: {
    tag: 2,
    fields: struct<Omit<KeptDone, "kind">>({
      counter: varint,
      commitHash: id<string>(32),
      firstSeq: optional(varint),
      place: optional(cursorCodec),
      runs: list(struct<VerdictRun>({ count: varint, place: verdict, content: verdict }), MAX_COMMIT_CHANGES),
    }),
  },
});
const rowsCodec = list(rowCodec, KEPT_ANSWERS);

/** The binary form in a replica's mark: ascending by counter, the last {@link KEPT_ANSWERS}. */
export function encodeKeptAnswers(kept: readonly KeptAnswer[]): Uint8Array {
  return encode(rowsCodec, kept.slice(-KEPT_ANSWERS));
}

export function decodeKeptAnswers(bytes: Uint8Array): readonly KeptAnswer[] {
  return decode(rowsCodec, bytes);
}

export function keptDone(counter: number, commitHash: string, { verdicts, firstSeq, place }: DoneAnswer): KeptDone {
  return { kind: "done", counter, commitHash, firstSeq, place, runs: runsOf(verdicts) };
}

export function answerOf({ runs, firstSeq, place }: KeptDone): DoneAnswer {
  const verdicts = runs.flatMap(({ count, ...verdict }) => new Array<ChangeVerdict>(count).fill(verdict));
  return { kind: "done", verdicts, firstSeq, place };
}

function runsOf(verdicts: readonly ChangeVerdict[]): VerdictRun[] {
  const runs: Array<{ count: number; place: Verdict; content: Verdict }> = [];
  for (const { place, content } of verdicts) {
    const last = runs.at(-1);
    if (last?.place === place && last.content === content) last.count += 1;
    else runs.push({ count: 1, place, content });
  }
  return runs;
}
