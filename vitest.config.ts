import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const packagesDirectory = fileURLToPath(new URL("./packages", import.meta.url));
const names = readdirSync(packagesDirectory);

/** Tests read the packages' sources, so that a change needs no build to be tested. */
const alias = Object.fromEntries(
  names.map((name) => [name === "cli" ? "twinfold" : `@twinfold/${name}`, `${packagesDirectory}/${name}/src/index.ts`]),
);

export default defineConfig({
  test: {
    pool: "forks",
    projects: names.map((name) => ({
      extends: true,
      resolve: { alias },
      test: {
        name,
        root: `${packagesDirectory}/${name}`,
        include: ["test/**/*.test.ts"],
        testTimeout: 60_000,
        // The command is tested as people run it: built.
        ...(name === "cli" ? { globalSetup: ["test/build-when-stale.ts"] } : {}),
      },
    })),
  },
});
