import { afterEach, expect, it } from "vitest";
import { Processes } from "../processes.mjs";

const MIB = 1024 * 1024;
const processes = new Processes();
afterEach(() => processes.stopAll());

/** A process that runs `code`, which is to call `ready()`, and lives on. */
async function startNode(role, code) {
  const child = processes.start(role, process.execPath, [
    "--expose-gc",
    "-e",
    `const ready = () => console.log("ready"); setInterval(() => {}, 1000); ${code}`,
  ]);
  await new Promise((resolve) => child.stdout.once("data", resolve));
  return child;
}

it("tells the peak of memory while it measures, not an earlier one", async () => {
  await startNode("full", `globalThis.kept = Buffer.alloc(${200 * MIB}, 1); ready()`);
  await startNode(
    "emptied",
    `let kept = Buffer.alloc(${200 * MIB}, 1); kept = undefined;
     const timer = setInterval(() => { gc(); if (process.memoryUsage.rss() < ${120 * MIB}) { clearInterval(timer); ready(); } }, 1);`,
  );
  const { peakRssBytes } = await processes.measure(async () => {});
  expect(peakRssBytes.full).toBeGreaterThan(200 * MIB);
  expect(peakRssBytes.emptied).toBeLessThan(150 * MIB);
});

const SPIN_SECONDS = 0.5;
const spin = `for (const until = ${SPIN_SECONDS * 1e6}; process.cpuUsage().user < until; );`;

it("counts the CPU time of a process that has ended meanwhile", async () => {
  const { cpuSeconds } = await processes.measure(() => processes.run("ended", process.execPath, ["-e", spin]));
  expect(cpuSeconds).toBeGreaterThan(0.9 * SPIN_SECONDS);
});

it("counts the CPU time of a descendant of a process that runs", async () => {
  const { cpuSeconds } = await processes.measure(() =>
    startNode("parent", `require("node:child_process").spawnSync(process.execPath, ["-e", ${JSON.stringify(spin)}]); ready()`),
  );
  expect(cpuSeconds).toBeGreaterThan(0.9 * SPIN_SECONDS);
});

it("ends the descendants of a process too", async () => {
  const child = processes.start("parent", process.execPath, [
    "-e",
    `const below = require("node:child_process").spawn("sleep", ["1000"]); below.once("spawn", () => console.log(below.pid)); setInterval(() => {}, 1000)`,
  ]);
  const pid = Number(await new Promise((resolve) => child.stdout.once("data", resolve)));
  await processes.stop(child, "SIGKILL");
  const isGone = () => {
    try {
      process.kill(pid, 0);
      return false;
    } catch {
      return true;
    }
  };
  await expect.poll(isGone, { timeout: 10_000 }).toBe(true);
});

it("names a process that should live and has ended, with what it said last", async () => {
  const child = processes.start("hub", process.execPath, ["-e", `console.error("no room"); process.exit(3)`]);
  await child.ended;
  expect(() => processes.assertAlive()).toThrow(/hub\) ended early with 3: no room/);
});

it("rejects with what a command said when it fails, also when there is no such command", async () => {
  await expect(processes.run("A", process.execPath, ["-e", `console.error("no such folder"); process.exit(1)`])).rejects.toThrow(
    /ended with 1: no such folder/,
  );
  await expect(processes.run("A", "no-such-program", [])).rejects.toThrow(/ENOENT/);
});
