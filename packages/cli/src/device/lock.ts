import { createHash, randomBytes } from "node:crypto";
import { link, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { TwinfoldError } from "@twinfold/core";
import type { DeviceHome } from "./home.js";
import { parseObject } from "./json-file.js";
import { errnoOf, localFailure } from "./local-failure.js";
import { isRunning, ownIdentity, type ProcessIdentity } from "./process-identity.js";

/** `follow`: a `twinfold sync` that runs until it is stopped. `once`: one command's own time. */
export type HolderRole = "follow" | "once";

export interface LockHolder extends ProcessIdentity {
  readonly role: HolderRole;
  /** Where it answers other commands. */
  readonly socket: string;
}

export interface HeldLock {
  release(): Promise<void>;
}

/** A removal takes two calls of the disk: it is looked at again after so long. */
const REMOVAL_MS = 5;

export type LockOutcome = { readonly kind: "held"; readonly lock: HeldLock } | { readonly kind: "busy"; readonly holder: LockHolder };

/**
 * Takes the state folder's lock for this process, unless a living process has it.
 *
 * A lock whose process has ended, by pid, start time and boot, and whose socket nobody answers, is taken over: `kill -9` leaves nothing to clean up.
 */
export async function acquireLock(
  home: DeviceHome,
  options: { readonly role: HolderRole; readonly socket: string; readonly bootId: string },
): Promise<LockOutcome> {
  const holder: LockHolder = { ...(await ownIdentity(options.bootId)), role: options.role, socket: options.socket };
  const text = JSON.stringify({ ...holder, nonce: randomBytes(8).toString("hex") });
  const own = `${home.lock}.${process.pid}.${randomBytes(4).toString("hex")}`;
  try {
    await writeFile(own, text, { mode: 0o600, flag: "wx" });
    const living = await placeLock(home.lock, own, options.bootId);
    return living === undefined ? { kind: "held", lock: { release: () => release(home.lock, text) } } : { kind: "busy", holder: living };
  } catch (cause) {
    throw localFailure(`take the lock ${home.lock}`, cause);
  } finally {
    await rm(own, { force: true });
  }
}

/** Makes `own` the lock at `path`, or gives the living process that has it. */
async function placeLock(path: string, own: string, bootId: string): Promise<LockHolder | undefined> {
  for (;;) {
    if (await linked(own, path)) return undefined;
    const present = await readLock(path);
    if (present === undefined) continue; // released in between
    if (present.holder !== undefined && (await isAlive(present.holder, bootId))) return present.holder;
    await removeStale(path, present.text, own, bootId);
  }
}

/**
 * Takes a dead process's lock away. Of many that want to, one may: the one that has the lock of exactly that removal, which is named after
 * what it removes and may itself be left by a process that died over it. Without it, one could take away the lock that another has placed meanwhile.
 */
async function removeStale(path: string, staleText: string, own: string, bootId: string): Promise<void> {
  const removal = `${path}.${createHash("sha256").update(staleText).digest("hex").slice(0, 16)}`;
  if ((await placeLock(removal, own, bootId)) !== undefined) {
    await sleep(REMOVAL_MS);
    return;
  }
  try {
    if ((await readLock(path))?.text === staleText) await rm(path, { force: true });
  } finally {
    await rm(removal, { force: true });
  }
}

/** The living process that has the lock; `undefined` when none has it. */
export async function lockHolder(home: DeviceHome, bootId: string): Promise<LockHolder | undefined> {
  const holder = (await readLock(home.lock))?.holder;
  return holder !== undefined && (await isAlive(holder, bootId)) ? holder : undefined;
}

export function inUse(holder: LockHolder): TwinfoldError {
  const what = holder.role === "follow" ? "`twinfold sync` is running" : "another twinfold command is running";
  return new TwinfoldError("ERR_IN_USE", `${what} on this device (process ${holder.pid}): stop it first, or wait until it ends`);
}

async function linked(existing: string, path: string): Promise<boolean> {
  try {
    await link(existing, path);
    return true;
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return false;
    throw error;
  }
}

async function readLock(path: string): Promise<{ readonly text: string; readonly holder: LockHolder | undefined } | undefined> {
  try {
    const text = await readFile(path, "utf8");
    return { text, holder: parseHolder(text) };
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw localFailure(`read the lock ${path}`, error);
  }
}

function parseHolder(text: string): LockHolder | undefined {
  const { pid, startedAt, bootId, role, socket } = parseObject(text) ?? {};
  if (typeof pid !== "number" || typeof bootId !== "string" || typeof socket !== "string") return undefined;
  return { pid, bootId, socket, startedAt: typeof startedAt === "string" ? startedAt : undefined, role: role === "follow" ? "follow" : "once" };
}

// A process in another container has a pid that means nothing here, but its socket answers.
async function isAlive(holder: LockHolder, bootId: string): Promise<boolean> {
  return (await isRunning(holder, bootId)) || (await answers(holder.socket));
}

async function answers(socketPath: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(socketPath, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

async function release(path: string, text: string): Promise<void> {
  if ((await readLock(path))?.text === text) await rm(path, { force: true });
}
