import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type MutantId, mutantIds, mutants } from "./mutants.js";
import { firstViolation, type KillFile, killOf, type MutantScore, mutantTable, scoreMutant } from "./score.js";

/** Recorded worlds have seeds below it. */
const FRESH_SEED = 100_001;
/** Tried when the recorded world does not kill any more. */
const NEXT_SEEDS = 8;
const TABLE = /(<!-- mutants -->\n)[\s\S]*(<!-- end of mutants -->)/;

export interface CheckMutantsOptions {
  /** @default all */
  readonly ids?: readonly MutantId[] | undefined;
  /** Worlds for each. */
  readonly runs: number;
  /** At most that long for each. */
  readonly seconds: number;
  /** Where the files of kills are. */
  readonly corpus: string;
  /** Looks for each from seed 1, and writes the corpus and the table in this document anew. */
  readonly record?: { readonly document: string } | undefined;
}

/** Replays how each mutant ended, lets it live in fresh worlds, and prints the table. `true`: each was found, and the healthy system is well in all of them. */
export async function checkMutants({ ids = mutantIds, runs, seconds, corpus, record }: CheckMutantsOptions): Promise<boolean> {
  mkdirSync(corpus, { recursive: true });
  let isWell = true;
  for (const id of ids) {
    const score = await scoreMutant(id, { runs, seconds, seed: record === undefined ? FRESH_SEED : 1 });
    const kill = record === undefined ? readKills(corpus).find(({ mutant }) => mutant === id) : await killOf(id, score);
    if (record !== undefined && kill !== undefined) writeFileSync(join(corpus, `${id}.json`), `${JSON.stringify(kill, undefined, 1)}\n`);
    const problem = kill === undefined ? "it lives" : await problemOf(kill);
    isWell &&= problem === undefined && score.unsound.length === 0;
    console.log(line(id, score, kill, problem));
    if (score.unsound.length > 0) console.log(`  seeds ${score.unsound.join(", ")} end badly without it too: that is another bug`);
  }
  if (record !== undefined) {
    const table = mutantTable(readKills(corpus));
    writeFileSync(
      record.document,
      readFileSync(record.document, "utf8").replace(TABLE, (_, begin: string, end: string) => `${begin}${table}\n${end}`),
    );
  }
  console.log(`${ids.length} mutants, ${isWell ? "each found; the healthy system is well in the same worlds" : "not all as they should be"}`);
  return isWell;
}

/** What is known of how mutants ended. */
export function readKills(corpus: string): readonly KillFile[] {
  return readdirSync(corpus).map((name) => JSON.parse(readFileSync(join(corpus, name), "utf8")) as KillFile);
}

/**
 * `undefined` when the mutant is still found in its recorded world, and the healthy system is well there.
 *
 * A change of the engine that has nothing to do with the bug moves what happens when; so the world may have one of the next seeds too.
 */
export async function problemOf({ mutant, oracle, plan }: KillFile): Promise<string | undefined> {
  let instead = "nothing";
  for (let seed = plan.seed; seed < plan.seed + NEXT_SEEDS; seed++) {
    const found = await firstViolation({ ...plan, seed }, mutant);
    const healthy = await firstViolation({ ...plan, seed });
    if (healthy !== undefined) return `its recorded world breaks the healthy system too, at seed ${seed}: ${healthy.oracle}: ${healthy.message}`;
    if (found?.oracle === oracle) return undefined;
    instead = found?.oracle ?? instead;
  }
  return `its recorded world no longer kills it (${instead} instead of ${oracle}): record it anew`;
}

function line(id: MutantId, { killed, runs }: MutantScore, kill: KillFile | undefined, problem: string | undefined): string {
  const found = kill === undefined ? "-" : `${kill.oracle} at seed ${kill.seed}`;
  return `${id.padEnd(26)} ${found.padEnd(20)} ${`${killed} of ${runs}`.padStart(10)}  ${problem?.toUpperCase() ?? mutants[id].broken}`;
}
