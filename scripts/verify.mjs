// All that CI runs: `npm run verify`. Writes nothing but dist/ and .reports/. Says one line for each check, and what failed.
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { bootstrap } from "./bootstrap.mjs";
import { build, PACKAGES } from "./build.mjs";
import { CommandError, formatSeconds, ROOT, runTool } from "./steps.mjs";

const REPORT = ".reports/tests.json";

/** Runs a tool whose output matters only when it fails. */
async function silently(...tool) {
  await runTool(...tool);
  return "";
}

/** Declarations and package files that a consumer's resolver would trip over. `esm-only`: no CommonJS is shipped. */
async function checkPackages() {
  for (const name of PACKAGES) {
    const folder = join(ROOT, "packages", name);
    const { exports } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    await runTool("publint", ["run", folder, "--strict"]);
    if (exports["."] !== undefined)
      await runTool("@arethetypeswrong/cli", ["--pack", folder, "--profile", "esm-only", "--no-emoji"], { bin: "attw" });
  }
  return `${PACKAGES.length} packages`;
}

async function measureCore() {
  const { build: bundle } = await import("esbuild");
  const { outputFiles } = await bundle({
    entryPoints: [join(ROOT, "packages/core/src/index.ts")],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
    logLevel: "silent",
  });
  const [{ contents }] = outputFiles;
  const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
  return `${kib(contents.length)} minified, ${kib(gzipSync(contents, { level: 9 }).length)} gzipped`;
}

async function runTests() {
  mkdirSync(join(ROOT, ".reports"), { recursive: true });
  const output = await runTool("vitest", ["run", "--reporter=dot", "--reporter=json", `--outputFile.json=${REPORT}`], { env: { CI: "true" } });
  const { numPassedTests, numPendingTests, numTotalTests } = JSON.parse(readFileSync(join(ROOT, REPORT), "utf8"));
  if (numTotalTests === 0) throw new CommandError("vitest run", "no test at all", output);
  return `${numPassedTests} passed${numPendingTests > 0 ? `, ${numPendingTests} skipped` : ""}`;
}

/** Name and action of each check. What an action gives as a string stands in the table. */
const CHECKS = [
  ["types", () => silently("typescript", ["--noEmit", "-p", "tsconfig.json"], { bin: "tsc" })],
  ["types of core without a platform", () => silently("typescript", ["--noEmit", "-p", "packages/core/tsconfig.json"], { bin: "tsc" })],
  ["types of what runs in a browser", () => silently("typescript", ["--noEmit", "-p", "packages/adapter-indexeddb/tsconfig.json"], { bin: "tsc" })],
  ["format", () => silently("@biomejs/biome", ["format", "."], { bin: "biome" })],
  ["lint", () => silently("@biomejs/biome", ["lint", "--error-on-warnings", "."], { bin: "biome" })],
  ["lint with types", () => silently("eslint", ["--max-warnings=0", "."])],
  ["imports", () => silently("dependency-cruiser", ["--config", ".dependency-cruiser.mjs", "packages", "examples"], { bin: "depcruise" })],
  ["build", () => build({ types: true })],
  ["tests", runTests],
  ["published packages", checkPackages],
  ["unused files, exports, dependencies", () => silently("knip", ["--no-progress"])],
  ["size of core", measureCore],
];

await bootstrap();
const rows = [];
for (const [name, check] of CHECKS) {
  const startedAt = performance.now();
  let outcome;
  try {
    outcome = { passed: true, note: (await check()) ?? "" };
  } catch (error) {
    outcome = { passed: false, note: "see above" };
    console.log(`\n--- ${name}\n${error instanceof CommandError ? error.output.trimEnd() : error.stack}\n`);
  }
  rows.push({ name, durationMs: performance.now() - startedAt, ...outcome });
  console.log(`${outcome.passed ? "✓" : "✗"} ${name} (${formatSeconds(performance.now() - startedAt)})`);
}

console.log("");
for (const { name, passed, durationMs, note } of rows) {
  console.log(`${passed ? "passed" : "FAILED"}  ${name.padEnd(46)} ${formatSeconds(durationMs).padStart(8)}  ${note}`.trimEnd());
}
const failed = rows.filter(({ passed }) => !passed).length;
console.log(`\nverify: ${rows.length - failed} checks passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
