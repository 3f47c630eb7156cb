import { spawnSync } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { createNodeEnv } from "@twinfold/adapter-fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { type DeviceHome, openDeviceHome } from "../src/device/home.js";
import { acquireLock, type LockOutcome, lockHolder } from "../src/device/lock.js";
import { ownIdentity } from "../src/device/process-identity.js";
import { temporaryFolder } from "./twinfold.js";

const { bootId } = createNodeEnv();

async function openHome(): Promise<DeviceHome> {
  return await openDeviceHome({ TWINFOLD_HOME: await temporaryFolder() });
}

async function acquire(home: DeviceHome): Promise<LockOutcome> {
  return await acquireLock(home, { role: "once", socket: join(home.path, "socket"), bootId });
}

async function writeLock(home: DeviceHome, fields: object): Promise<void> {
  const holder = { ...(await ownIdentity(bootId)), role: "once", socket: join(home.path, "socket") };
  await writeFile(home.lock, JSON.stringify({ ...holder, ...fields }));
}

/** The pid of a process that has ended. */
function endedPid(): number {
  return spawnSync(process.execPath, ["-e", ""]).pid;
}

describe("the lock of a state folder", () => {
  it("is one process's at a time, and free after its release", async () => {
    const home = await openHome();
    const first = await acquire(home);
    expect(first.kind).toBe("held");
    expect(await acquire(home)).toMatchObject({ kind: "busy", holder: { pid: process.pid, role: "once" } });

    if (first.kind === "held") await first.lock.release();
    expect(await lockHolder(home, bootId)).toBeUndefined();
    expect((await acquire(home)).kind).toBe("held");
  });

  it.each([
    ["a process that has ended", () => ({ pid: endedPid() })],
    ["an earlier process with the pid of one that runs now", () => ({ startedAt: "1" })],
    ["a process before the last restart of the machine", () => ({ bootId: "another boot" })],
  ])("is taken over from %s", async (_, fields) => {
    const home = await openHome();
    await writeLock(home, fields());
    expect((await acquire(home)).kind).toBe("held");
  });

  it("is taken over when it is torn", async () => {
    const home = await openHome();
    await writeFile(home.lock, '{"pid":');
    expect((await acquire(home)).kind).toBe("held");
  });

  it("stays with a process in another container, whose pid means nothing here but whose socket answers", async () => {
    const home = await openHome();
    const socket = join(home.path, "socket");
    const server = createServer((connection) => connection.end()).listen(socket);
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once("listening", resolve));
    await writeLock(home, { pid: endedPid(), socket });
    expect(await acquire(home)).toMatchObject({ kind: "busy", holder: { socket } });
  });

  it("goes to exactly one of many that find a dead process's lock at once", async () => {
    const home = await openHome();
    for (let round = 0; round < 20; round++) {
      await writeLock(home, { pid: endedPid(), round });
      const outcomes = await Promise.all(Array.from({ length: 8 }, () => acquire(home)));
      const held = outcomes.filter((outcome) => outcome.kind === "held");
      expect(held).toHaveLength(1);
      for (const { lock } of held) await lock.release();
    }
  });

  it("leaves nothing else behind", async () => {
    const home = await openHome();
    await writeLock(home, { pid: endedPid() });
    const outcome = await acquire(home);
    expect(await readdir(home.path)).toEqual(["lock"]);
    expect(JSON.parse(await readFile(home.lock, "utf8"))).toMatchObject({ pid: process.pid, bootId });
    if (outcome.kind === "held") await outcome.lock.release();
    expect(await readdir(home.path)).toEqual([]);
  });
});
