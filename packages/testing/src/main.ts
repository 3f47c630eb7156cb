import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isTwinfoldError } from "@twinfold/core";
import { checkMutants } from "./mutants/check-mutants.js";
import { parseMutantId } from "./mutants/mutants.js";
import { describeHarm, everyPoint } from "./simulator/crash/every-point.js";
import { huntInProcesses } from "./simulator/hunt-in-processes.js";
import { hunt } from "./simulator/hunt.js";
import { replay } from "./simulator/replay.js";
import { shippedSut } from "./simulator/sut.js";

const USAGE = `twinfold-testing replay FILE           runs a failing plan again and prints what happened
twinfold-testing hunt [--runs N] [--ops N] [--seed N] [--seconds N] [--jobs N] [--out DIR]
                                       runs simulated worlds; failing plans are shrunk and written to DIR
twinfold-testing crash-points          interrupts every workload at every call
twinfold-testing mutants [--runs N] [--seconds N] [--only ID,ID] [--record]
                                       plants bugs: each has to be found where it was, and is looked for in fresh worlds`;

const OPTIONS = {
  runs: { type: "string" },
  ops: { type: "string", default: "50" },
  seed: { type: "string", default: "1" },
  seconds: { type: "string" },
  only: { type: "string" },
  record: { type: "boolean", default: false },
  jobs: { type: "string", default: "1" },
  out: { type: "string", default: "failing-plans" },
  /** For a process that hunts a part: tells the one that started it, line by line. */
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

/** `true`: no interruption did harm. */
async function interruptAll(): Promise<boolean> {
  let [count, harmful, workload] = [0, 0, ""];
  for await (const report of everyPoint()) {
    if (report.workload !== workload) console.log(`${count} interruptions, ${harmful} did harm; now: ${report.workload}`);
    workload = report.workload;
    count += 1;
    const harm = describeHarm(report);
    if (harm === undefined) continue;
    harmful += 1;
    console.log(harm);
  }
  console.log(`${count} interruptions, ${harmful === 0 ? "none did harm" : `${harmful} did harm`}`);
  return harmful === 0;
}

class UsageError extends Error {}

/** The whole number that an option was given, from `least` on. */
function wholeNumber(option: keyof typeof OPTIONS, text: string, least = 1): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < least)
    throw new UsageError(`--${option} takes a whole number from ${least} on, and was given ${JSON.stringify(text)}`);
  return number;
}

/** Exits 0 when nothing is broken, 1 when something is, 2 on wrong usage. */
async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const [command, file] = positionals;
  const [surplus] = positionals.slice(command === "replay" ? 2 : 1);
  if (surplus !== undefined) throw new UsageError(`${JSON.stringify(surplus)} is one word too many`);
  if (command === "replay" && file !== undefined) return (await replay(file)).violations.length > 0 ? 1 : 0;
  if (command === "crash-points") return (await interruptAll()) ? 0 : 1;
  if (command === "mutants") {
    const corpus = fileURLToPath(new URL("../corpus/mutants/", import.meta.url));
    const document = fileURLToPath(new URL("../../../docs/reference/simulator.md", import.meta.url));
    const ids = values.only?.split(",").map(parseMutantId);
    const limits = { runs: wholeNumber("runs", values.runs ?? "200"), seconds: wholeNumber("seconds", values.seconds ?? "10") };
    return (await checkMutants({ ids, ...limits, corpus, record: values.record ? { document } : undefined })) ? 0 : 1;
  }
  if (command !== "hunt") {
    console.error(USAGE);
    return 2;
  }
  const options = {
    runs: wholeNumber("runs", values.runs ?? "1000"),
    ops: wholeNumber("ops", values.ops),
    seed: wholeNumber("seed", values.seed, 0),
    seconds: values.seconds === undefined ? undefined : wholeNumber("seconds", values.seconds),
    outDir: values.out,
  };
  if (values.json) {
    await hunt(shippedSut, { ...options, onProgress: (progress) => console.log(JSON.stringify(progress)) });
    return 0;
  }
  return (await huntInProcesses({ ...options, jobs: wholeNumber("jobs", values.jobs) })) ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const code = String((error as NodeJS.ErrnoException).code);
  const isOfUsage = error instanceof UsageError || isTwinfoldError(error) || code.startsWith("ERR_PARSE_ARGS") || code === "ENOENT";
  if (!isOfUsage) throw error;
  console.error(`twinfold-testing: ${(error as Error).message}\n\n${USAGE}`);
  process.exitCode = 2;
}
