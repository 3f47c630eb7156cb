import type { Violation } from "../simulator/oracle.js";
import { planOf } from "../simulator/plans.js";
import { shrink } from "../simulator/shrink.js";
import { shippedSut } from "../simulator/sut.js";
import { createWorld } from "../simulator/world.js";
import type { WorldPlan } from "../simulator/world-plan.js";
import { type MutantId, mutantIds, mutants } from "./mutants.js";

export interface ScoreOptions {
  /** Worlds, each with a seed of its own, from `seed` upwards. */
  readonly runs: number;
  /** @default 1 */
  readonly seed?: number | undefined;
  /** Ends sooner when they are over, but not before the first world did. */
  readonly seconds?: number | undefined;
  /** Ends with the first world in which it is found. @default false */
  readonly untilKilled?: boolean | undefined;
}

/** How soon and how often a mutant was found. */
export interface MutantScore {
  readonly runs: number;
  /** Worlds of them in which an oracle complained. */
  readonly killed: number;
  readonly first?: { readonly seed: number; readonly violation: Violation } | undefined;
  /** Worlds that end badly without the mutant too: what they found is another bug. They do not count as killed. */
  readonly unsound: readonly number[];
}

/** A mutant's end, as a file of `corpus/mutants` holds it. */
export interface KillFile {
  readonly mutant: MutantId;
  /** Of the first world in which it was found, and the oracle that found it. */
  readonly seed: number;
  readonly oracle: string;
  /** What that said. */
  readonly about: string;
  /** How many worlds it was looked for in, and in how many it was found. */
  readonly runs: number;
  readonly killed: number;
  /** Shrunk: the same oracle complains. The healthy system lives through it. */
  readonly plan: WorldPlan;
}

/** Lets the mutant live in world after world. */
export async function scoreMutant(id: MutantId, options: ScoreOptions): Promise<MutantScore> {
  const { runs, seed: firstSeed = 1, seconds = Number.POSITIVE_INFINITY, untilKilled = false } = options;
  const until = performance.now() + seconds * 1000;
  const unsound: number[] = [];
  let first: MutantScore["first"];
  let killed = 0;
  let done = 0;
  while (done < runs && (done === 0 || performance.now() < until) && !(untilKilled && killed > 0)) {
    const seed = firstSeed + done;
    done += 1;
    const plan = planOf(seed, mutants[id].where);
    const violation = await firstViolation(plan, id);
    if (violation === undefined) continue;
    if ((await firstViolation(plan)) === undefined) {
      killed += 1;
      first ??= { seed, violation };
    } else unsound.push(seed);
  }
  return { runs: done, killed, first, unsound };
}

/** What an oracle says first of a world with that mutant, or of a healthy one; `undefined` when all is well. */
export async function firstViolation(plan: WorldPlan, id?: MutantId): Promise<Violation | undefined> {
  const sut = id === undefined ? shippedSut : mutants[id].apply(shippedSut);
  return (await createWorld(plan, sut).run()).violations[0];
}

/** The smallest plan that it finds in which the mutant ends as it did first. `undefined` when it lives. */
export async function killOf(id: MutantId, { first, runs, killed }: MutantScore): Promise<KillFile | undefined> {
  if (first === undefined) return undefined;
  const { seed, violation } = first;
  const plan = await shrink(planOf(seed, mutants[id].where), () => mutants[id].apply(shippedSut), { runs: 150 });
  const [about = ""] = violation.message.split("\n");
  return { mutant: id, seed, oracle: violation.oracle, about, runs, killed, plan };
}

/** What is known of all mutants, as a table in Markdown. */
export function mutantTable(kills: readonly KillFile[]): string {
  const rows = [...kills]
    .sort((a, b) => mutantIds.indexOf(a.mutant) - mutantIds.indexOf(b.mutant))
    .map(({ mutant, oracle, seed, killed, runs }) => `| \`${mutant}\` | ${mutants[mutant].broken} | ${oracle} | ${seed} | ${killed} of ${runs} |`);
  return ["| mutant | what is broken | found by | first seed | found in |", "| --- | --- | --- | --- | --- |", ...rows].join("\n");
}
