import { readFileSync } from "node:fs";
import { TwinfoldError } from "@twinfold/core";
import { shippedSut, type Sut } from "./sut.js";
import { createWorld, type RunReport } from "./world.js";
import type { WorldPlan } from "./world-plan.js";
import type { PlanFile } from "./hunt.js";

export interface ReplayOptions {
  /** Where the timeline goes, line by line. @default standard output */
  readonly print?: ((line: string) => void) | undefined;
}

/**
 * Runs a plan again, the same way, and prints what happened: who did what when, what went wrong, and what is broken.
 *
 * @throws {TwinfoldError} `ERR_INVALID_ARGUMENT` when the file holds no plan.
 */
export async function replay(plan: string | WorldPlan, sut: Sut = shippedSut, { print = console.log }: ReplayOptions = {}): Promise<RunReport> {
  const file: PlanFile = typeof plan === "string" ? readPlan(plan) : { about: "a plan", plan };
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

function readPlan(path: string): PlanFile {
  const text = readFileSync(path, "utf8");
  try {
    const file = JSON.parse(text) as PlanFile;
    if (file.plan.v === 1 && [file.plan.devices, file.plan.ops, file.plan.faults].every(Array.isArray)) return file;
  } catch {
    // Told below, like all that is no plan.
  }
  throw new TwinfoldError("ERR_INVALID_ARGUMENT", `${path} holds no plan of a simulated world: give a file that a hunt wrote`);
}
