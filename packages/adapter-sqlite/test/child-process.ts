import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { build } from "tsup";

const SOURCE = fileURLToPath(new URL("./child.ts", import.meta.url));
/** Beside node_modules, so that the compiled child finds its packages. */
const OUTPUT = fileURLToPath(new URL("../node_modules/.test-child", import.meta.url));

/** Compiles `child.ts`, and gives the file that `startChild` runs. */
export async function compileChild(): Promise<string> {
  await build({
    entry: { child: SOURCE },
    outDir: OUTPUT,
    format: "esm",
    target: "es2022",
    config: false,
    silent: true,
    dts: false,
    tsconfig: fileURLToPath(new URL("../../../tsconfig.json", import.meta.url)),
    external: ["better-sqlite3"],
    noExternal: [/^@twinfold\//],
  });
  return `${OUTPUT}/child.js`;
}

export interface RunningChild {
  /** The lines that it has written so far. */
  readonly lines: readonly string[];
  /** Waits until it has written that many. */
  wrote(count: number): Promise<void>;
  /** kill -9. Afterwards `lines` are all that it ever wrote. */
  kill(): Promise<void>;
}

export function startChild(file: string, ...args: string[]): RunningChild {
  const child: ChildProcess = spawn(process.execPath, [file, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  if (child.stdout === null) throw new Error("the child's output is a pipe");
  const reader = createInterface({ input: child.stdout });
  const closed = Promise.all([once(child, "close"), once(reader, "close")]);
  const lines: string[] = [];
  reader.on("line", (line) => lines.push(line));
  return {
    lines,
    async wrote(count) {
      while (lines.length < count) {
        const ended = await Promise.race([once(reader, "line").then(() => false), closed.then(() => true)]);
        if (ended && lines.length < count) throw new Error(`the child ended after ${lines.length} of ${count} lines`);
      }
    },
    async kill() {
      child.kill("SIGKILL");
      await closed;
    },
  };
}
