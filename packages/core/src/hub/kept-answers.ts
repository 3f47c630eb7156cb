import { type Codec, decode, encode, id, list, optional, struct, union, varint } from "../codec/codec.js";
import { type ChangeVerdict, type CommitAnswer, KEPT_ANSWERS, MAX_COMMIT_CHANGES, type Verdict, verdictCodec } from "../commit.js";
import { type Cursor, cursorCodec } from "../journal.js";

/** What became of one counter of a replica. `fenced`: it was asked for before it was executed, and never will be. */
export type KeptAnswer =
  | { readonly kind: "fenced"; readonly counter: number }
  | {
      readonly kind: "done";
      readonly counter: number;
      /** SHA-256 of the commit, in hex: the same counter with other bytes is another device's. */
      readonly commitHash: string;
      readonly answer: Extract<CommitAnswer, { kind: "done" }>;
    };

interface VerdictRun extends ChangeVerdict {
  readonly count: number;
}

interface DoneRow {
  readonly counter: number;
  readonly commitHash: string;
  readonly firstSeq?: number | undefined;
  readonly place?: Cursor | undefined;
  /** Most commits are accepted whole, so a thousand verdicts take three bytes. */
  readonly runs: readonly VerdictRun[];
}

const verdict: Codec<Verdict> = verdictCodec;
const rowCodec = union<{ readonly kind: "fenced"; readonly counter: number } | ({ readonly kind: "done" } & DoneRow)>({
  fenced: { tag: 1, fields: struct({ counter: varint }) },
  done: {
    tag: 2,
    fields: struct<DoneRow>({
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
  const rows = kept.slice(-KEPT_ANSWERS).map((answer) => {
    if (answer.kind === "fenced") return answer;
    const { counter, commitHash } = answer;
    const { firstSeq, place, verdicts } = answer.answer;
    return { kind: "done" as const, counter, commitHash, firstSeq, place, runs: runsOf(verdicts) };
  });
  return encode(rowsCodec, rows);
}

export function decodeKeptAnswers(bytes: Uint8Array): readonly KeptAnswer[] {
  return decode(rowsCodec, bytes).map((row) => {
    if (row.kind === "fenced") return row;
    const { counter, commitHash, runs, ...places } = row;
    const verdicts = runs.flatMap(({ count, place, content }) => Array.from({ length: count }, () => ({ place, content })));
    const answer = { kind: "done" as const, verdicts, firstSeq: places.firstSeq, place: places.place };
    return { kind: "done", counter, commitHash, answer };
  });
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
