import { spawn } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

/** Clock ticks in a second of /proc/PID/stat. Source: proc(5); USER_HZ is 100 on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

/** How often memory is looked at. The kernel keeps each process's peak (VmHWM); only what a process gains in its last moment before it ends is missed. */
const SAMPLE_MS = 50;

/** What a process has to end after SIGTERM before it is killed. */
const ENDING_MS = 10_000;

/** The end of stderr that is kept to explain a failure, in characters. */
const KEPT_STDERR = 2_000;

/** All that this program has started and that has not ended yet: what must not outlive it. */
const living = new Set();

/** Ends everything at once, by pid. For the end of the program, after a failure too. */
export function killAll() {
  for (const child of living) killTree(child);
}

/** Kills a process and its descendants, parents first: none can start another. */
export function killTree(child) {
  for (const pid of treeOf(child.pid)) signal(pid, "SIGKILL");
}

/** The processes of one measurement, each with the role that it plays. Linux: figures come from /proc. */
export class Processes {
  #children = new Set();
  #peaks = new Map();

  /** Starts a process that is to live until it is stopped. `endedEarly` of the others tells when it does not. */
  start(role, command, args, { env = {}, cwd, input } = {}) {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"] });
    child.role = role;
    child.said = "";
    child.ended = new Promise((resolve) => {
      child.once("error", (error) => resolve(error.message));
      child.once("close", (code, name) => resolve(name ?? code));
    });
    child.stderr.setEncoding("utf8").on("data", (text) => (child.said = (child.said + text).slice(-KEPT_STDERR)));
    child.stdin?.on("error", () => {}); // it ended without reading: its exit tells more
    child.stdin?.end(input);
    this.#children.add(child);
    living.add(child);
    void child.ended.then((exit) => {
      child.exit = exit;
      living.delete(child);
      if (child.stopping === true) this.#children.delete(child);
    });
    return child;
  }

  /** Runs a process to its end and gives its stdout. */
  async run(role, command, args, options = {}) {
    const child = this.start(role, command, args, options);
    child.stopping = true;
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
    const exit = await child.ended;
    if (exit !== 0) throw new Error(`${command} ${args.join(" ")} (${role}) ended with ${exit}: ${child.said || stdout.slice(-KEPT_STDERR)}`);
    return stdout;
  }

  /** Throws when a process that is to live has ended. */
  assertAlive() {
    for (const child of this.#children) {
      if (child.stopping !== true && child.exit !== undefined)
        throw new Error(`${child.spawnargs.join(" ")} (${child.role}) ended early with ${child.exit}: ${child.said}`);
    }
  }

  async stop(child, name = "SIGTERM") {
    child.stopping = true;
    if (name === "SIGKILL") killTree(child);
    else child.kill(name);
    const timer = setTimeout(() => killTree(child), ENDING_MS);
    await child.ended;
    clearTimeout(timer);
    this.#children.delete(child);
  }

  async stopAll() {
    await Promise.all([...this.#children].map((child) => this.stop(child)));
  }

  /**
   * Runs `action` and says what it took: wall time, the CPU time of all processes and of their descendants, and for each role the peak of
   * resident memory. Memory that processes share is counted in each.
   */
  async measure(action) {
    this.#peaks.clear();
    for (const child of this.#children) for (const pid of treeOf(child.pid)) forgetPeak(pid);
    const cpuBefore = this.#cpuSeconds();
    const timer = setInterval(() => this.#samplePeaks(), SAMPLE_MS);
    const startedMs = performance.now();
    try {
      const result = await action();
      const seconds = (performance.now() - startedMs) / 1000;
      this.#samplePeaks();
      const peakRssBytes = Object.fromEntries([...this.#peaks].map(([role, perPid]) => [role, Math.max(...perPid.values())]));
      return { result, seconds, cpuSeconds: this.#cpuSeconds() - cpuBefore, peakRssBytes };
    } finally {
      clearInterval(timer);
    }
  }

  /** Resident memory now, in bytes, by role. */
  residentBytes() {
    return Object.fromEntries([...this.#children].map((child) => [child.role, statusBytes(child.pid, "VmRSS") ?? 0]));
  }

  #samplePeaks() {
    for (const child of this.#children) {
      for (const pid of treeOf(child.pid)) {
        const peak = statusBytes(pid, "VmHWM");
        if (peak === undefined) continue;
        const perPid = this.#peaks.get(child.role) ?? new Map();
        this.#peaks.set(child.role, perPid.set(pid, Math.max(peak, perPid.get(pid) ?? 0)));
      }
    }
  }

  /** Of the processes that run, and of all that have ended: those are in the account of this process. */
  #cpuSeconds() {
    const own = ticksOf("self").ofEnded;
    const running = [...this.#children].filter((child) => child.exit === undefined).flatMap((child) => treeOf(child.pid));
    const ticks = running.map(ticksOf).reduce((sum, { own: used, ofEnded }) => sum + used + ofEnded, own);
    return ticks / TICKS_PER_SECOND;
  }
}

/** Resolves when `test` gives true; looks every `everyMs`. `what` completes "gave up waiting until". */
export async function until(what, test, { everyMs = 20, patienceMs = 1_800_000 } = {}) {
  for (const deadlineMs = performance.now() + patienceMs; ; await pause(everyMs)) {
    if (await test()) return;
    if (performance.now() > deadlineMs) throw new Error(`gave up after ${patienceMs / 1000} s waiting until ${what}`);
  }
}

/** Whether a port of 127.0.0.1 takes connections. */
export function answersAt(port) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}

function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself.
  }
}

function readProc(path) {
  try {
    return readFileSync(`/proc/${path}`, "utf8");
  } catch {
    return ""; // the process has ended
  }
}

/** A pid and those of all descendants that run. */
function treeOf(pid) {
  if (pid === undefined) return [];
  let threads = [];
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
  const children = threads.flatMap((thread) => readProc(`${pid}/task/${thread}/children`).split(" ").filter(Boolean).map(Number));
  return [pid, ...children.flatMap(treeOf)];
}

function statusBytes(pid, field) {
  const kib = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(readProc(`${pid}/status`))?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}

function ticksOf(pid) {
  const stat = readProc(`${pid}/stat`);
  // The second field is a name in brackets that may hold spaces; utime, stime, cutime and cstime are fields 14 to 17.
  const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 15)
    .map(Number);
  return { own: user + system, ofEnded: endedUser + endedSystem };
}

/** Sets VmHWM back to what is resident now. Source: proc(5), clear_refs. */
function forgetPeak(pid) {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, "5");
  } catch {
    // It has ended, or is another user's: then its peak is that since its start.
  }
}
