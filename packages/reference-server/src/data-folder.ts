import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { TwinfoldError } from "@twinfold/core";

/** A server's data folder, held by this process: on-disk-format.md §1. */
export interface DataFolder {
  readonly hubDatabase: string;
  readonly accountDatabase: string;
  readonly blobs: string;
  /** A file that says where the blobs are when they are not in `blobs`. */
  readonly blobPlace: string;
  release(): Promise<void>;
}

interface Holder {
  readonly pid: number;
  readonly bootId: string;
  /** When that process started, in ticks since boot; a later process may be given its pid. */
  readonly startedAt?: string | undefined;
}

/** A takeover takes a few file operations. */
const GUARD_RETRY_MS = 5;

/**
 * Makes the folder when it is absent, and takes its lock. A lock whose process has ended is taken over: `kill -9` leaves nothing to clean up.
 *
 * @throws {TwinfoldError} `ERR_IN_USE` when another living process has it; `ERR_PERMISSION_DENIED`, `ERR_NO_SPACE` or `ERR_LOCAL_FAILED` when the disk refuses.
 */
export async function openDataFolder(path: string, bootId: string): Promise<DataFolder> {
  const folder = resolve(path);
  const lock = join(folder, "lock");
  const own = `${lock}.${process.pid}.${randomBytes(4).toString("hex")}`;
  const holder: Holder = { pid: process.pid, bootId, startedAt: await startOf(process.pid) };
  const text = JSON.stringify({ ...holder, nonce: randomBytes(8).toString("hex") });
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(own, text, { mode: 0o600, flag: "wx" });
    while (!(await linked(own, lock))) {
      const present = await readIfThere(lock);
      if (present === undefined) continue; // released in between
      const other = parseHolder(present);
      if (other !== undefined && (await isRunning(other, bootId))) {
        throw new TwinfoldError(
          "ERR_IN_USE",
          `the data folder ${folder} is served by process ${other.pid} already: stop that one, or name another folder`,
        );
      }
      await removeStale(lock, present, own, bootId);
    }
  } catch (cause) {
    throw folderError(folder, cause);
  } finally {
    await rm(own, { force: true }).catch(() => {}); // the folder itself may be what failed
  }
  return {
    hubDatabase: join(folder, "hub.db"),
    accountDatabase: join(folder, "accounts.db"),
    blobs: join(folder, "blobs"),
    blobPlace: join(folder, "blobs-at"),
    async release() {
      if ((await readIfThere(lock)) === text) await rm(lock, { force: true });
    },
  };
}

/** The lock appears whole or not at all, and never over another. */
async function linked(existing: string, path: string): Promise<boolean> {
  try {
    await link(existing, path);
    return true;
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return false;
    throw error;
  }
}

export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * Takes away exactly the lock that was found stale, under a guard, so that of many who found it none takes away the lock of the first.
 * Gives up at once when another holds the guard: the caller looks at the lock again.
 */
async function removeStale(lock: string, staleText: string, own: string, bootId: string): Promise<void> {
  const guard = `${lock}.takeover`;
  if (!(await linked(own, guard))) {
    const owner = parseHolder((await readIfThere(guard)) ?? "");
    if (owner !== undefined && (await isRunning(owner, bootId))) await sleep(GUARD_RETRY_MS);
    else await rm(guard, { force: true }); // killed within the moment of a takeover
    return;
  }
  try {
    if ((await readIfThere(lock)) === staleText) await rm(lock);
  } finally {
    await rm(guard, { force: true });
  }
}

/** What cannot be read was never whole, so nobody holds it. */
function parseHolder(text: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const { pid, bootId, startedAt } = { ...(value as object) } as Record<string, unknown>;
    if (typeof pid !== "number" || typeof bootId !== "string") return undefined;
    return { pid, bootId, startedAt: typeof startedAt === "string" ? startedAt : undefined };
  } catch {
    return undefined;
  }
}

async function isRunning(holder: Holder, bootId: string): Promise<boolean> {
  if (holder.bootId !== bootId || !pidExists(holder.pid)) return false;
  const startedAt = await startOf(holder.pid);
  return startedAt === undefined || holder.startedAt === undefined || startedAt === holder.startedAt;
}

function pidExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) === "EPERM"; // there, and another user's
  }
}

/** Field 22 of Linux's stat, counted after the program's name, which may hold spaces (proc_pid_stat(5)); elsewhere the pid alone must do. */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

function folderError(folder: string, cause: unknown): unknown {
  const code = errnoOf(cause);
  if (code === undefined || cause instanceof TwinfoldError) return cause;
  const doing = `cannot use the data folder ${folder}`;
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    return new TwinfoldError("ERR_PERMISSION_DENIED", `${doing}: this user may not write there; change its owner or mode, or name another folder`, {
      cause,
    });
  }
  if (code === "ENOSPC" || code === "EDQUOT") return new TwinfoldError("ERR_NO_SPACE", `${doing}: the disk is full; make room`, { cause });
  if (code === "ENOTDIR" || code === "EEXIST") return new TwinfoldError("ERR_INVALID_ARGUMENT", `${doing}: a file is in its place`, { cause });
  return new TwinfoldError("ERR_LOCAL_FAILED", `${doing}: the disk answered ${code}`, { cause });
}

export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
