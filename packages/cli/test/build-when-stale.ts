import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("../../..", import.meta.url));

/** The tests run the built command as people do: whatever is older than its sources is built first. */
export function setup(): void {
  const packages = readdirSync(join(repository, "packages")).map((name) => join(repository, "packages", name));
  const stale = packages.some((path) => {
    const entry = ["index.js", "main.js"].map((name) => join(path, "dist", name)).find((file) => existsSync(file));
    return entry === undefined || statSync(entry).mtimeMs < newestIn(join(path, "src"));
  });
  if (!stale) return;
  const { status } = spawnSync(process.execPath, ["scripts/build.mjs"], { cwd: repository, stdio: "inherit" });
  if (status !== 0) throw new Error(`the build failed (${status})`);
}

function newestIn(folder: string): number {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return Math.max(...entries.filter((entry) => entry.isFile()).map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs));
}
