import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

/** What tells one run of a program from every other, also from a later one that was given the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in the system's own words; `undefined` where the system does not say. */
  readonly startedAt: string | undefined;
  readonly bootId: string;
}

export async function ownIdentity(bootId: string): Promise<ProcessIdentity> {
  return { pid: process.pid, startedAt: await startOf(process.pid), bootId };
}

/** False when that very process is known to have ended. */
export async function isRunning(identity: ProcessIdentity, bootId: string): Promise<boolean> {
  if (identity.bootId !== bootId || !pidExists(identity.pid)) return false;
  const startedAt = await startOf(identity.pid);
  return startedAt === undefined || identity.startedAt === undefined || startedAt === identity.startedAt;
}

function pidExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // there, and another user's
  }
}

async function startOf(pid: number): Promise<string | undefined> {
  try {
    if (process.platform === "linux") return startInProc(await readFile(`/proc/${pid}/stat`, "utf8"));
    if (process.platform === "win32") return undefined;
    const { stdout } = await promisify(execFile)("ps", ["-o", "lstart=", "-p", String(pid)], { env: { ...process.env, LC_ALL: "C" } });
    return stdout.trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Field 22, in clock ticks since boot. The fields are counted after the program's name, which may hold spaces. Source: proc_pid_stat(5). */
function startInProc(stat: string): string | undefined {
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
}
