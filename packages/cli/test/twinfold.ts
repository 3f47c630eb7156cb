import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

const BIN = fileURLToPath(new URL("../bin/twinfold.js", import.meta.url));

export const PASSWORD = "correct horse battery staple";

export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** All of stdout as one JSON document; `notJson` when it is not one. */
  readonly json: Record<string, unknown>;
}

export interface RunOptions {
  readonly home?: string | undefined;
  readonly input?: string | undefined;
  readonly cwd?: string | undefined;
  readonly environment?: NodeJS.ProcessEnv | undefined;
  /** The id of the user and group that runs it; only root may say another than its own. */
  readonly user?: number | undefined;
}

export interface Running {
  readonly process: ChildProcess;
  /** The next line of stdout that `matches`; rejects when the process ends without one. */
  line(matches: (line: string) => boolean): Promise<string>;
  /** The next line of stderr that `matches`. */
  errorLine(matches: (line: string) => boolean): Promise<string>;
  /** Sends the signal, and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  readonly ended: Promise<number | null>;
}

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "twinfold-test-"));
  onTestFinished(async () => await rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs a command to its end. */
export async function twinfold(args: readonly string[], options: RunOptions = {}): Promise<Result> {
  const child = spawnTwinfold(args, options);
  const stdout: string[] = [];
  const stderr: string[] = [];
  child.stdout?.setEncoding("utf8").on("data", (text: string) => stdout.push(text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => stderr.push(text));
  child.stdin?.end(options.input ?? "");
  const code = await endOf(child);
  const text = stdout.join("");
  return { code, stdout: text, stderr: stderr.join(""), json: parsed(text) };
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return { notJson: text };
  }
}

/** Starts a command that goes on; it is stopped when the test is over. */
export function startTwinfold(args: readonly string[], options: RunOptions = {}): Running {
  const child = spawnTwinfold(args, options);
  child.stdin?.end(options.input ?? "");
  const ended = endOf(child);
  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> => {
    child.kill(signal);
    return await ended;
  };
  onTestFinished(async () => void (await stop("SIGKILL")));
  const [stdout, stderr] = [lineSource(child.stdout, ended), lineSource(child.stderr, ended)];
  return { process: child, line: stdout, errorLine: stderr, stop, ended };
}

function spawnTwinfold(args: readonly string[], { home, cwd, environment, user }: RunOptions): ChildProcess {
  const env = { ...process.env, ...(home === undefined ? {} : { TWINFOLD_HOME: home }), ...environment };
  return spawn(process.execPath, [BIN, ...args], { env, cwd, stdio: "pipe", ...(user === undefined ? {} : { uid: user, gid: user }) });
}

async function endOf(child: ChildProcess): Promise<number | null> {
  return await new Promise((resolve) => child.once("close", resolve));
}

/** Lines are kept until somebody asks: none is missed. */
function lineSource(stream: NodeJS.ReadableStream | null, ended: Promise<unknown>): Running["line"] {
  const seen: string[] = [];
  const waiting = new Set<() => void>();
  if (stream !== null) {
    createInterface({ input: stream }).on("line", (line) => {
      seen.push(line);
      for (const look of waiting) look();
    });
  }
  return async (matches) =>
    await new Promise((resolve, reject) => {
      const look = (): void => {
        const at = seen.findIndex(matches);
        if (at < 0) return;
        const [line = ""] = seen.splice(0, at + 1).slice(-1);
        waiting.delete(look);
        resolve(line);
      };
      waiting.add(look);
      look();
      void ended.then(() => {
        look();
        if (waiting.has(look)) reject(new Error(`ended without the line; it said:\n${seen.join("\n")}`));
      });
    });
}

/** A server of its own on a free port of this machine. */
export async function startServer(data?: string, listen = "127.0.0.1:0"): Promise<{ readonly url: string; readonly running: Running }> {
  const running = startTwinfold(["serve", "--data", data ?? (await temporaryFolder()), "--listen", listen, "--json"]);
  const { url } = JSON.parse(await running.line((line) => line.includes('"url"'))) as { url: string };
  return { url, running };
}

/** A device that has signed up, or, when the account is there, logged in. Gives its TWINFOLD_HOME. */
export async function signedUp(url: string, email = "ada@example.com"): Promise<string> {
  return await signIn("signup", url, email, "laptop");
}

export async function loggedIn(url: string, email = "ada@example.com"): Promise<string> {
  return await signIn("login", url, email, "phone");
}

async function signIn(command: "signup" | "login", server: string, email: string, device: string): Promise<string> {
  const home = await temporaryFolder();
  const args = [command, "--server", server, "--email", email, "--device", device, "--password-stdin", "--json"];
  const { code, stderr } = await twinfold(args, { home, input: PASSWORD });
  if (code !== 0) throw new Error(`${command} failed: ${stderr}`);
  return home;
}
