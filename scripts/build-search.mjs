// Compiles packages/core/assembly/search.ts, the chunker's inner loop, into the module that core carries as text: `node scripts/build-search.mjs`.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ROOT, runTool } from "./steps.mjs";

const SOURCE = join(ROOT, "packages/core/assembly/search.ts");
const TARGET = join(ROOT, "packages/core/src/chunking/search-module.ts");

/** What stands in the target, as a function of the compiled bytes. */
function textOf(module) {
  return [
    "/** Compiled from assembly/search.ts by `node scripts/build-search.mjs`. */",
    "export const SEARCH_MODULE_BASE64 =",
    `  "${module.toString("base64")}";`,
    "",
  ].join("\n");
}

export function hasCompiler() {
  return existsSync(join(ROOT, "node_modules/assemblyscript/package.json"));
}

/** The target as the source has it now. The compiler gives the same bytes for the same source, on every machine. */
export async function compileSearch() {
  const folder = mkdtempSync(join(tmpdir(), "twinfold-search-"));
  try {
    const binary = join(folder, "search.wasm");
    const options = ["--runtime", "stub", "-O3", "--converge", "--noAssert", "--importMemory"];
    await runTool("assemblyscript", [SOURCE, "--outFile", binary, ...options], { bin: "asc" });
    return textOf(readFileSync(binary));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(TARGET, await compileSearch());
