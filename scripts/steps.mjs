import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));

const require = createRequire(import.meta.url);

export function formatSeconds(durationMs) {
  return `${(durationMs / 1000).toFixed(1)} s`;
}

/** A command that did not exit with 0. `output` is all that it printed. */
export class CommandError extends Error {
  constructor(command, exit, output) {
    super(`"${command}" ended with ${exit}`);
    this.output = output;
  }
}

/** Runs a program to its end and gives what it printed. Rejects with a {@link CommandError} when it fails. */
export function run(command, args, { cwd = ROOT, env = {}, shell = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, shell, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
    child.on("error", reject);
    child.on("close", (status, signal) => {
      if (status === 0) resolve(output);
      else reject(new CommandError([command, ...args].join(" "), signal ?? status, output));
    });
  });
}

/** Runs the program `bin` of an installed package with the Node that runs this script: no shell, no npx. */
export function runTool(packageName, args, { bin = packageName, ...options } = {}) {
  const manifest = join(ROOT, "node_modules", packageName, "package.json");
  const declared = require(manifest).bin;
  const file = typeof declared === "string" ? declared : declared[bin];
  return run(process.execPath, [join(dirname(manifest), file), ...args], options);
}

/** Runs npm: the one that started this script, where there is one. */
export function runNpm(args, options) {
  const npm = process.env.npm_execpath;
  if (npm?.endsWith(".js")) return run(process.execPath, [npm, ...args], options);
  return run("npm", args, { ...options, shell: process.platform === "win32" });
}
