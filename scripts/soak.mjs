// Hunts for as long as you like: `npm run soak -- --help` tells how. Exits 0 only if nothing is broken.
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { bootstrap } from "./bootstrap.mjs";
import { ROOT } from "./steps.mjs";

const USAGE = `npm run soak -- [--runs 10000] [--ops 50] [--seed N] [--seconds N] [--jobs N] [--out DIR]
                                       simulated worlds; what breaks is shrunk, and written down to be replayed
npm run soak -- --crash-points         every workload, interrupted at every call of disk and store
npm run soak -- --planner [--runs N]   the planner alone: a million triples of trees, or N
npm run soak -- --exhaustive           every sequence of up to three operations by three devices, on a tree of four nodes
npm run soak -- --kills [--runs 200]   real processes of client and server, killed in the middle of a sync`;

const given = process.argv.slice(2);
const jobs = Math.max(1, availableParallelism());
const runs = given.includes("--runs") ? Number(given[given.indexOf("--runs") + 1]) : undefined;

function node(args, env = {}) {
  const child = spawn(process.execPath, args.map(String), { cwd: ROOT, stdio: "inherit", env: { ...process.env, ...env } });
  return new Promise((resolve) => child.on("close", (code) => resolve(code ?? 1)));
}

/** One process for each core, each with its share. */
function shares(project, file, envOf) {
  const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
  const tests = ["run", "--project", project, "--testTimeout=0", file];
  return Promise.all(Array.from({ length: jobs }, (_, share) => node([vitest, ...tests], envOf(share))));
}

const simulator = (...args) => node([join(ROOT, "packages/testing/bin/twinfold-testing.js"), ...args]);
const MODES = {
  "--crash-points": async () => [await simulator("crash-points")],
  "--planner": () => shares("core", "test/reconcile/reconcile.property", () => ({ RUNS: String(Math.ceil((runs ?? 1_000_000) / jobs)) })),
  "--exhaustive": () => shares("core", "test/replica/exhaustive", (share) => ({ EXHAUSTIVE: "3", SHARD: `${share}/${jobs}` })),
  "--kills": async () => [
    await node([join(ROOT, "node_modules/vitest/vitest.mjs"), "run", "--project", "cli", "test/kills"], { KILLS: String(runs ?? 200) }),
  ],
};

if (runs !== undefined && !(Number.isSafeInteger(runs) && runs > 0)) {
  console.error(`soak: --runs takes a whole number from 1 on\n\n${USAGE}`);
  process.exit(2);
}
if (given.includes("--help")) {
  console.log(USAGE);
  process.exit(0);
}
await bootstrap();
const mode = given.find((argument) => argument in MODES);
const codes =
  mode === undefined
    ? [await simulator("hunt", "--runs", "10000", "--jobs", jobs, "--out", ".reports/failing-plans", ...given)]
    : await MODES[mode]();
process.exitCode = Math.max(...codes);
