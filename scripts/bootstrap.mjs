// Makes a fresh clone ready to run: checks Node, installs what the lock file says, builds what is out of date.
// Uses nothing that is installed, and says one line for each thing that it does: `node scripts/bootstrap.mjs [--types]`.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, outdatedPackages } from "./build.mjs";
import { CommandError, formatSeconds, ROOT, runNpm } from "./steps.mjs";

const OLDEST_NODE = [20, 19];

/** What a person can put right. Printed without a stack. */
class BootstrapError extends Error {}

function say(line) {
  console.error(`twinfold: ${line}`);
}

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  throw new BootstrapError(
    `Node ${OLDEST_NODE.join(".")} or later is needed, and this is ${process.versions.node}. Install a newer one: https://nodejs.org`,
  );
}

function isOnPath(program) {
  return spawnSync(program, ["--version"], { stdio: "ignore", shell: process.platform === "win32" }).status === 0;
}

/** Tools for compiling SQLite's binding that this machine lacks. */
function missingTools() {
  if (process.platform === "win32") return []; // node-gyp looks for Visual Studio by itself, and says what it misses
  const wanted = [[process.env.CXX, "c++", "g++", "clang++"].filter(Boolean), ["make"], ["python3", "python"]];
  return wanted.filter((names) => !names.some(isOnPath)).map((names) => (names.includes("g++") ? "a C++ compiler" : names[0]));
}

function toolchainAdvice(missing) {
  return (
    `SQLite's binding is compiled on this machine, and ${missing.join(", ")} could not be found. ` +
    "Install them (Debian, Ubuntu: apt-get install g++ make python3; macOS: xcode-select --install) and run the command again."
  );
}

function readLock(path) {
  try {
    return JSON.parse(readFileSync(join(ROOT, path), "utf8")).packages;
  } catch {
    return undefined;
  }
}

/** Why `node_modules` is not what the lock file says; `undefined` when it is. */
function installProblem() {
  const wanted = readLock("package-lock.json");
  const installed = readLock("node_modules/.package-lock.json");
  if (installed === undefined) return "nothing is installed yet";
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.includes("node_modules/")) continue; // a workspace
    const found = existsSync(join(ROOT, path)) ? installed[path] : undefined;
    if (found === undefined && entry.optional !== true && entry.devOptional !== true) return `${path} is not installed`;
    if (found !== undefined && (found.version !== entry.version || found.integrity !== entry.integrity)) return `${path} is not at ${entry.version}`;
  }
  return undefined;
}

/** The compiled binding must fit this Node: another major version has another ABI. */
function bindingWorks() {
  try {
    const Database = createRequire(join(ROOT, "packages/adapter-sqlite/package.json"))("better-sqlite3");
    new Database(":memory:").close();
    return true;
  } catch {
    return false;
  }
}

async function npm(args) {
  try {
    await runNpm([...args, "--loglevel=error"], { env: { JOBS: "max" } });
  } catch (error) {
    const missing = missingTools();
    if (missing.length > 0) throw new BootstrapError(toolchainAdvice(missing), { cause: error });
    throw error;
  }
}

async function timed(what, action) {
  const startedAt = performance.now();
  say(`${what} …`);
  await action();
  say(`done in ${formatSeconds(performance.now() - startedAt)}`);
}

/** Installs and builds what is missing or out of date. Silent when nothing is. */
export async function bootstrap({ types = false } = {}) {
  checkNode();
  const problem = installProblem();
  if (problem !== undefined) {
    const missing = missingTools();
    // There is no ready-made binding for Node 20: better say so now than after a minute.
    if (missing.length > 0 && process.versions.node.startsWith("20.")) throw new BootstrapError(toolchainAdvice(missing));
    await timed(`${problem}: running npm ci (one or two minutes, mostly for compiling SQLite)`, () => npm(["ci"]));
  }
  if (existsSync(join(ROOT, "node_modules/better-sqlite3")) && !bindingWorks()) {
    await timed("SQLite's binding does not fit this Node: compiling it (about a minute)", () => npm(["rebuild", "better-sqlite3"]));
    if (!bindingWorks())
      throw new BootstrapError(
        `SQLite's binding was compiled for Node ${process.versions.node}, and still cannot be loaded: remove node_modules, and run the command again.`,
      );
  }
  const outdated = outdatedPackages({ types });
  if (outdated.length === 0) return;
  await timed(`building ${outdated.map(({ name }) => name).join(", ")}`, () => build({ types }));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await bootstrap({ types: process.argv.includes("--types") });
  } catch (error) {
    if (error instanceof CommandError) say(`${error.message}\n${error.output.trimEnd()}`);
    else if (error instanceof BootstrapError) say(error.message);
    else throw error;
    process.exitCode = 1;
  }
}
