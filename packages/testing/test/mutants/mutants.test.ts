import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { problemOf, readKills } from "../../src/mutants/check-mutants.js";
import { mutantIds, mutants } from "../../src/mutants/mutants.js";
import { mutantTable, scoreMutant } from "../../src/mutants/score.js";

const corpus = fileURLToPath(new URL("../../corpus/mutants/", import.meta.url));
const document = fileURLToPath(new URL("../../../../docs/reference/simulator.md", import.meta.url));
/** Worlds with fresh seeds for each mutant. */
const RUNS = Number(process.env.RUNS ?? 0);
const FRESH_SEED = 100_001;

const kills = readKills(corpus);

describe("a bug that is planted on purpose", () => {
  it("has a world on record in which it was found, each of them", () => {
    expect(kills.map(({ mutant }) => mutant).sort()).toEqual([...mutantIds].sort());
    expect(mutantIds.length).toBeGreaterThanOrEqual(30);
  });

  it.each(kills)("is found again by the same oracle, and the healthy system lives through the same world: $mutant", async (kill) => {
    expect(await problemOf(kill), mutants[kill.mutant].broken).toBeUndefined();
  });

  it.each(RUNS > 0 ? mutantIds : [])(
    `in ${RUNS} worlds with fresh seeds is the only thing that is found: %s`,
    async (id) => {
      const { unsound } = await scoreMutant(id, { runs: RUNS, seed: FRESH_SEED });
      expect(unsound, "seeds of worlds that end badly without the mutant too").toEqual([]);
    },
    3_600_000,
  );
});

describe("the table of mutants in the reference of the simulator", () => {
  it("says what the record says: written by npx twinfold-testing mutants --record", () => {
    expect(readFileSync(document, "utf8")).toContain(mutantTable(kills));
  });
});
