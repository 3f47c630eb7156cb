import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const packagesDirectory = fileURLToPath(new URL("./packages", import.meta.url));
const examplesDirectory = fileURLToPath(new URL("./examples", import.meta.url));
const names = readdirSync(packagesDirectory);
const folders = [packagesDirectory, examplesDirectory].flatMap((parent) => readdirSync(parent).map((name) => ({ name, root: `${parent}/${name}` })));

/** Tests read the packages' sources, so that a change needs no build to be tested. */
const alias = Object.fromEntries([
  ["@twinfold/testing/conformance", `${packagesDirectory}/testing/src/conformance/index.ts`],
  ...names.map((name) => [name === "cli" ? "twinfold" : `@twinfold/${name}`, `${packagesDirectory}/${name}/src/index.ts`]),
]);

/** Their tests run real processes and watch real folders: on a busy machine one may need a second try. Which did is in the report. */
const REAL = new Set(["cli", "adapter-fs", "reference-server"]);

export default defineConfig({
  test: {
    pool: "forks",
    projects: folders.map(({ name, root }) => ({
      extends: true,
      resolve: { alias },
      test: {
        name,
        root,
        include: ["test/**/*.test.ts"],
        testTimeout: 60_000,
        retry: process.env.CI === "true" && REAL.has(name) ? 1 : 0,
        // The command is tested as people run it: built.
        ...(name === "cli" ? { globalSetup: ["test/build.ts"] } : {}),
      },
    })),
  },
});
