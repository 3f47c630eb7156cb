import { readFileSync } from "node:fs";
import { shippedSut, type Sut } from "./sut.js";
import { createWorld, type RunReport } from "./world.js";
import type { WorldPlan } from "./world-plan.js";
import type { PlanFile } from "./hunt.js";

export interface ReplayOptions {
  /** Where the timeline goes, line by line. @default standard output */
  readonly print?: ((line: string) => void) | undefined;
}

/** Runs a plan again, the same way, and prints what happened: who did what when, what went wrong, and what is broken. */
export async function replay(plan: string | WorldPlan, sut: Sut = shippedSut, { print = console.log }: ReplayOptions = {}): Promise<RunReport> {
  const file: PlanFile = typeof plan === "string" ? (JSON.parse(readFileSync(plan, "utf8")) as PlanFile) : { about: "a plan", plan };
  const report = await createWorld(file.plan, sut, { explain: true }).run();
  const { devices, ops, faults, seed } = file.plan;
  print(`${file.about}`);
  print(`seed ${seed}, ${devices.map(({ name, mode }) => `${name} (${mode})`).join(", ")}, ${ops.length} ops, ${faults.length} faults`);
  for (const line of report.timeline) print(line);
  for (const { oracle, message } of report.violations) print(`${oracle} is broken: ${message}`);
  if (report.violations.length === 0) print("Nothing is broken.");
  print(`${report.events} events, hash ${report.hash}`);
  return report;
}
