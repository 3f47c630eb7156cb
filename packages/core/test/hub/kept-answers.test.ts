import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesToHex } from "@twinfold/core";
import { decodeKeptAnswers, encodeKeptAnswers, type KeptAnswer } from "../../src/hub/kept-answers.js";

const HASH = "ab".repeat(32);
const PLACE = { epoch: "e0".repeat(16), seq: 9, chain: "c4".repeat(8) };
const ACCEPTED = { place: "accepted", content: "accepted" } as const;

describe("the kept answers of a replica", () => {
  it("keep the binary form of the first release", () => {
    const verdicts = [ACCEPTED, ACCEPTED, { place: "absent", content: "missing-chunks" } as const];
    const kept: KeptAnswer[] = [
      { kind: "fenced", counter: 6 },
      { kind: "done", counter: 7, commitHash: HASH, answer: { kind: "done", verdicts, firstSeq: 8, place: PLACE } },
    ];
    const bytes = encodeKeptAnswers(kept);
    expect(bytesToHex(bytes)).toBe(`02${"0106"}${"0207"}${HASH}0108${`01${"e0".repeat(16)}09${"c4".repeat(8)}`}02020101010010`);
    expect(decodeKeptAnswers(bytes)).toEqual(kept);
  });

  it("come back as they were, the last 64 of them", () => {
    const verdict = fc.record({ place: fc.constantFrom("absent", "accepted", "conflict"), content: fc.constantFrom("absent", "accepted", "reset") });
    fc.assert(
      fc.property(fc.array(fc.array(verdict as fc.Arbitrary<typeof ACCEPTED>, { minLength: 1, maxLength: 1_000 }), { maxLength: 80 }), (commits) => {
        const kept = commits.map((verdicts, index): KeptAnswer => ({ kind: "done", counter: index + 1, commitHash: HASH, answer: { kind: "done", verdicts } }));
        expect(decodeKeptAnswers(encodeKeptAnswers(kept))).toEqual(kept.slice(-64));
      }),
      { numRuns: 30 },
    );
  });
});
