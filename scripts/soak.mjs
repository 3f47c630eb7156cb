/**
 * Simulated worlds for as long as you like: what breaks is shrunk, and written down to be replayed.
 *
 *   npm run soak -- [--runs 10000] [--ops 50] [--seed N] [--seconds N] [--jobs N] [--out DIR] [--crash-points]
 *
 * With `--crash-points` every workload is interrupted at every call of disk and store instead. Exits 0 only if nothing is broken.
 */
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { bootstrap } from "./bootstrap.mjs";
import { ROOT } from "./steps.mjs";

await bootstrap();
const given = process.argv.slice(2);
const args = given.includes("--crash-points")
  ? ["crash-points"]
  : ["hunt", "--runs", "10000", "--jobs", `${availableParallelism()}`, "--out", ".reports/failing-plans", ...given];
const child = spawn(process.execPath, [join(ROOT, "packages/testing/bin/twinfold-testing.js"), ...args], { cwd: ROOT, stdio: "inherit" });
child.on("close", (code) => {
  process.exitCode = code ?? 1;
});
