import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesToHex } from "@twinfold/core";
import { answerOf, decodeKeptAnswers, encodeKeptAnswers, type KeptAnswer, keptDone } from "../../src/hub/kept-answers.js";

const HASH = "ab".repeat(32);
const PLACE = { epoch: "e0".repeat(16), seq: 9, chain: "c4".repeat(8) };
const ACCEPTED = { place: "accepted", content: "accepted" } as const;

describe("the kept answers of a replica", () => {
  it("keep the binary form of the first release", () => {
    const verdicts = [ACCEPTED, ACCEPTED, { place: "absent", content: "missing-chunks" } as const];
    const kept: KeptAnswer[] = [{ kind: "fenced", counter: 6 }, keptDone(7, HASH, { kind: "done", verdicts, firstSeq: 8, place: PLACE })];
    const bytes = encodeKeptAnswers(kept);
    expect(bytesToHex(bytes)).toBe(`02${"0106"}${"0207"}${HASH}0108${`01${"e0".repeat(16)}09${"c4".repeat(8)}`}02020101010010`);
    expect(decodeKeptAnswers(bytes)).toEqual(kept);
  });

  it("come back as they were, the last 64 of them", () => {
    const verdict = fc.record({ place: fc.constantFrom("absent", "accepted", "conflict"), content: fc.constantFrom("absent", "accepted", "reset") });
    fc.assert(
      fc.property(fc.array(fc.array(verdict as fc.Arbitrary<typeof ACCEPTED>, { minLength: 1, maxLength: 1_000 }), { maxLength: 80 }), (commits) => {
        const answers = commits.map((verdicts) => ({ kind: "done" as const, verdicts }));
        const kept = answers.map((answer, index) => keptDone(index + 1, HASH, answer));
        const again = decodeKeptAnswers(encodeKeptAnswers(kept));
        expect(again).toEqual(kept.slice(-64));
        expect(again.map((one) => (one.kind === "done" ? answerOf(one) : one))).toEqual(answers.slice(-64));
      }),
      { numRuns: 30 },
    );
  });
});
