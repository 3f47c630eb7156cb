import { spawnSync } from "node:child_process";

/** Packages in the order of their imports: each finds the types of those before it. */
const PACKAGES = ["core", "adapter-fs", "adapter-sqlite", "transport-http", "testing", "reference-server", "cli"];

for (const name of PACKAGES) {
  const { status } = spawnSync("npx", ["--no", "tsup", "--silent"], { cwd: new URL(`../packages/${name}`, import.meta.url), stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
