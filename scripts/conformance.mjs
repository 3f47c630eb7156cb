// Runs the conformance tests of all packages and examples and counts their clauses: `npm run conformance`.
import { mkdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { CommandError, ROOT, runTool } from "./steps.mjs";

const REPORT = ".reports/conformance.json";
const SUITE = / conformance$/;
const GAP = / \[known gap: .*\]$/;

/** Runs every `conformance.test.ts`; what failed is in the report and in the output. */
async function runSuites() {
  mkdirSync(join(ROOT, ".reports"), { recursive: true });
  try {
    await runTool("vitest", ["run", "conformance.test", "--reporter=dot", "--reporter=json", `--outputFile.json=${REPORT}`]);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    console.log(error.output.trimEnd());
    process.exitCode = 1;
  }
  return JSON.parse(readFileSync(join(ROOT, REPORT), "utf8")).testResults;
}

/** One entry for each suite that ran: an adapter is its package, and what its test calls it besides. */
function suitesIn(files) {
  const suites = new Map();
  for (const { name: file, assertionResults } of files) {
    const [, folder] = relative(ROOT, file).split(sep);
    for (const { ancestorTitles, title, status } of assertionResults) {
      const seam = ancestorTitles.at(-1)?.match(SUITE) && ancestorTitles.at(-1).replace(SUITE, "");
      if (!seam) continue;
      const adapter = [folder, ...ancestorTitles.slice(0, -1)].join(": ");
      const suite = suites.get(`${seam}/${adapter}`) ?? { seam, adapter, clauses: new Set(), passed: 0, gaps: 0, failed: 0 };
      suites.set(`${seam}/${adapter}`, suite);
      suite.clauses.add(title.replace(GAP, ""));
      suite[status !== "passed" ? "failed" : GAP.test(title) ? "gaps" : "passed"] += 1;
    }
  }
  return [...suites.values()].sort((a, b) => (a.seam + a.adapter < b.seam + b.adapter ? -1 : 1));
}

const suites = suitesIn(await runSuites());
const clausesOf = (seam) => new Set(suites.filter((suite) => suite.seam === seam).flatMap(({ clauses }) => [...clauses]));
const rows = suites.map(({ seam, adapter, clauses, passed, gaps, failed }) => {
  const notRun = clausesOf(seam).size - clauses.size;
  return [seam, adapter, ...[passed, gaps, failed, notRun].map(String)];
});
const table = [["seam", "adapter", "passed", "known gaps", "failed", "not run"], ...rows];
const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
const line = (row) => row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("  ");
for (const row of table) console.log(line(row));

const seams = [...new Set(suites.map(({ seam }) => seam))];
const total = suites.reduce((sum, { passed }) => sum + passed, 0);
console.log(`\n${seams.map((seam) => `${seam} ${clausesOf(seam).size}`).join(", ")} clauses; ${total} passed in ${suites.length} suites`);
