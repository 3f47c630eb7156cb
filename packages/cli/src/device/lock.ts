import { randomBytes } from "node:crypto";
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
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

export type LockOutcome = { readonly kind: "held"; readonly lock: HeldLock } | { readonly kind: "busy"; readonly holder: LockHolder };

/**
 * Takes the state folder's lock for this process, unless a living process has it.
 *
 * A lock whose process has ended, by pid, start time and boot, and whose socket nobody answers, is taken over: `kill -9` leaves nothing to clean up.
 */
export async function acquireLock(home: DeviceHome, options: { readonly role: HolderRole; readonly socket: string; readonly bootId: string }): Promise<LockOutcome> {
  const holder: LockHolder = { ...(await ownIdentity(options.bootId)), role: options.role, socket: options.socket };
  const text = JSON.stringify({ ...holder, nonce: randomBytes(8).toString("hex") });
  const own = `${home.lock}.${process.pid}.${randomBytes(4).toString("hex")}`;
  try {
    await writeFile(own, text, { mode: 0o600, flag: "wx" });
    for (;;) {
      if (await linked(own, home.lock)) return { kind: "held", lock: { release: () => release(home.lock, text) } };
      const present = await readLock(home.lock);
      if (present === undefined) continue; // released in between
      if (present.holder !== undefined && (await isAlive(present.holder, options.bootId))) return { kind: "busy", holder: present.holder };
      await removeStale(home.lock, present.text);
    }
  } catch (cause) {
    throw localFailure(`take the lock ${home.lock}`, cause);
  } finally {
    await rm(own, { force: true });
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

/** Takes away exactly the lock that was found stale. Another command may have replaced it meanwhile: that one is put back. */
async function removeStale(path: string, staleText: string): Promise<void> {
  const aside = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return;
    throw error;
  }
  try {
    if ((await readFile(aside, "utf8")) !== staleText) await linked(aside, path);
  } finally {
    await rm(aside, { force: true });
  }
}

async function release(path: string, text: string): Promise<void> {
  if ((await readLock(path))?.text === text) await rm(path, { force: true });
}
