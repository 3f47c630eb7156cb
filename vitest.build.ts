import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const REPOSITORY = fileURLToPath(new URL(".", import.meta.url));

/** For tests that run what is built, as people do: what is out of date is built first. */
export function setup(): void {
  const script = 'import { build } from "./scripts/build.mjs"; await build();';
  const { status } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], { cwd: REPOSITORY, stdio: "inherit" });
  if (status !== 0) throw new Error(`the build failed (${status})`);
}
