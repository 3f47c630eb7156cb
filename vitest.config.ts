import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";
import { chromiumMode } from "./vitest.chromium.js";

const packagesDirectory = fileURLToPath(new URL("./packages", import.meta.url));
const examplesDirectory = fileURLToPath(new URL("./examples", import.meta.url));
const names = readdirSync(packagesDirectory);
const folders = [packagesDirectory, examplesDirectory].flatMap((parent) => readdirSync(parent).map((name) => ({ name, root: `${parent}/${name}` })));
const bench = { name: "bench", root: fileURLToPath(new URL("./bench", import.meta.url)) };

/** Tests read the packages' sources, so that a change needs no build to be tested. */
const alias = Object.fromEntries([
  ["@twinfold/testing/conformance", `${packagesDirectory}/testing/src/conformance/index.ts`],
  ["@twinfold/transport-http/node", `${packagesDirectory}/transport-http/src/node/index.ts`],
  ...names.map((name) => [name === "cli" ? "twinfold" : `@twinfold/${name}`, `${packagesDirectory}/${name}/src/index.ts`]),
]);

/** Their tests run real processes and watch real folders: on a busy machine one may need a second try. Which did is in the report. */
const REAL = new Set(["cli", "adapter-fs", "adapter-s3", "reference-server", "bench"]);

/** The command is tested as people run it, and a thread of adapter-fs runs a program of its own: both are built. */
const BUILT = new Set(["cli", "adapter-fs"]);

/** Their tests run in a real browser too, as the project `NAME:chromium`; those called `x.chromium.test.ts` only there. */
const BROWSER = new Set(["adapter-indexeddb"]);
const chromium = chromiumMode();

/** Libraries of those tests. One that is found only while they run is bundled then, and the page loads again in the middle of a test. */
const BROWSER_LIBRARIES = ["@noble/hashes/sha2.js", "fast-check", "idb", "mitt", "node-diff3"];

/** Pages have no environment of their own. */
const env: Record<string, string> = process.env.RUNS === undefined ? {} : { RUNS: process.env.RUNS };

function inNode({ name, root }: { readonly name: string; readonly root: string }): TestProjectInlineConfiguration {
  return {
    resolve: { alias },
    test: {
      name,
      root,
      pool: "forks",
      include: ["test/**/*.test.{ts,mjs}"],
      exclude: ["test/**/*.chromium.test.ts"],
      // Ends what hangs, on the slowest machine too; no test waits for it.
      testTimeout: 300_000,
      retry: process.env.CI === "true" && REAL.has(name) ? 1 : 0,
      ...(BUILT.has(name) ? { globalSetup: [fileURLToPath(new URL("./vitest.build.ts", import.meta.url))] } : {}),
      // S3 is a real server of its own.
      ...(name === "adapter-s3" ? { globalSetup: ["test/start-s3-server.ts"] } : {}),
      ...(BROWSER.has(name) ? { setupFiles: ["test/node-setup.ts"] } : {}),
    },
  };
}

function inChromium({ name, root }: { readonly name: string; readonly root: string }): TestProjectInlineConfiguration[] {
  if (chromium === undefined || !BROWSER.has(name)) return [];
  return [
    {
      resolve: { alias },
      optimizeDeps: { include: BROWSER_LIBRARIES },
      test: { name: `${name}:chromium`, root, include: ["test/**/*.test.ts"], testTimeout: 120_000, env, browser: chromium },
    },
  ];
}

export default defineConfig({
  test: {
    // The default leaves one core idle, which on a machine of two is half of it.
    maxWorkers: availableParallelism(),
    projects: [...folders, bench].flatMap((folder) => [inNode(folder), ...inChromium(folder)]),
  },
});
