import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { HuntFailure, HuntOptions, HuntReport } from "./hunt.js";

export interface HuntInProcessesOptions extends Omit<HuntOptions, "plans" | "onProgress"> {
  /** Processes that hunt at once, each a run of seeds of its own. */
  readonly jobs: number;
}

/** Hunts with this very program in several processes, and says how far it is. `true`: no world ended badly. */
export async function huntInProcesses({ jobs, runs, seed = 1, ops = 50, seconds, outDir }: HuntInProcessesOptions): Promise<boolean> {
  const startedMs = performance.now();
  const share = Math.ceil(runs / jobs);
  const parts = Array.from({ length: jobs }, (_, index) => ({
    seed: seed + index * share,
    runs: Math.max(0, Math.min(share, runs - index * share)),
  }));
  const progress = new Map<number, HuntReport>();
  const told = new Set<number>();
  let lastMs = startedMs;

  const sum = () => [...progress.values()].reduce((total, part) => total + part.runs, 0);
  const failures = (): readonly HuntFailure[] => [...progress.values()].flatMap((part) => part.failures);
  const rate = (): string => `${(sum() / ((performance.now() - startedMs) / 1000)).toFixed(1)} worlds/s`;

  function tell(index: number, report: HuntReport): void {
    progress.set(index, report);
    for (const failure of report.failures) {
      if (told.has(failure.seed)) continue;
      told.add(failure.seed);
      const [first = ""] = failure.violation.message.split("\n");
      console.log(`seed ${failure.seed}: ${failure.violation.oracle}, ${first}\n  ${failure.file}`);
    }
    if (performance.now() - lastMs < 5_000) return;
    lastMs = performance.now();
    console.log(`${sum()} of ${runs} worlds, ${rate()}, ${told.size} ended badly`);
  }

  const results = await Promise.all(
    parts.map(async (part, index) => {
      const args = ["hunt", "--json", "--runs", part.runs, "--seed", part.seed, "--ops", ops, "--out", outDir].map(String);
      const child = spawn(process.execPath, [process.argv[1] ?? "", ...args, ...(seconds === undefined ? [] : ["--seconds", `${seconds}`])], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const exit = once(child, "close");
      for await (const line of createInterface({ input: child.stdout })) tell(index, JSON.parse(line) as HuntReport);
      const [code] = (await exit) as [number | null];
      return code === 0;
    }),
  );
  const bad = failures();
  const outcome = bad.length === 0 ? "zero violations" : `${bad.length} ended badly: npx --no twinfold-testing replay FILE tells how`;
  console.log(`${sum()} worlds of ${ops} ops from seed ${seed}, ${rate()}: ${outcome}`);
  if (results.includes(false)) console.log("a process of the hunt died: see above");
  return bad.length === 0 && !results.includes(false);
}
