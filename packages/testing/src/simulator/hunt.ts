import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Violation } from "./oracle.js";
import { type PlanOptions, planOf } from "./plans.js";
import { shrink } from "./shrink.js";
import { shippedSut, type Sut } from "./sut.js";
import { createWorld } from "./world.js";
import type { WorldPlan } from "./world-plan.js";

export interface HuntOptions {
  /** Worlds, each with a seed of its own, from `seed` upwards. */
  readonly runs: number;
  /** In each world. @default 50 */
  readonly ops?: number | undefined;
  /** @default 1 */
  readonly seed?: number | undefined;
  /** Ends sooner when they are over. */
  readonly seconds?: number | undefined;
  /** Where the plans of failures go, as JSON. */
  readonly outDir: string;
  /** @default what `plans` gives */
  readonly plans?: Omit<PlanOptions, "ops"> | undefined;
  readonly onProgress?: ((progress: HuntReport) => void) | undefined;
}

/** A failing world in a file: what it breaks, and the shrunk plan. */
export interface HuntFailure {
  readonly seed: number;
  readonly file: string;
  readonly violation: Violation;
}

export interface HuntReport {
  readonly runs: number;
  readonly failures: readonly HuntFailure[];
}

/** What a file of a failing plan holds. */
export interface PlanFile {
  /** For people: what breaks. */
  readonly about: string;
  readonly plan: WorldPlan;
}

/** Runs world after world; shrinks and writes down each that an oracle complains of. */
export async function hunt(sut: Sut = shippedSut, options: HuntOptions): Promise<HuntReport> {
  const { runs, ops = 50, seed: firstSeed = 1, seconds = Number.POSITIVE_INFINITY, outDir, onProgress } = options;
  const until = performance.now() + seconds * 1000;
  const failures: HuntFailure[] = [];
  let done = 0;
  for (; done < runs && performance.now() < until; done++) {
    const seed = firstSeed + done;
    const plan = planOf(seed, { ...options.plans, ops: [ops, ops] });
    const { violations } = await createWorld(plan, sut).run();
    const [violation] = violations;
    if (violation !== undefined) failures.push({ seed, violation, file: writePlan(outDir, seed, violation, await shrink(plan, sut)) });
    onProgress?.({ runs: done + 1, failures });
  }
  return { runs: done, failures };
}

function writePlan(outDir: string, seed: number, { oracle, message }: Violation, plan: WorldPlan): string {
  const file = join(outDir, `${oracle.toLowerCase()}-seed-${seed}.json`);
  const content: PlanFile = { about: `${oracle}: ${message.split("\n")[0] ?? ""}`, plan };
  mkdirSync(outDir, { recursive: true });
  writeFileSync(file, `${JSON.stringify(content, undefined, 2)}\n`);
  return file;
}
