/**
 * Twinfold beside its peers, with real processes on loopback: see docs/how-to/run-the-benchmarks.md.
 *
 *   npm run bench -- [--quick] [--only NAME,…] [--peers NAME,…] [--place tmpfs|disk|both] [--rounds N] [--huge] [--many] [--out DIR]
 *
 * Exits 0 when every scenario could be measured, 1 when one failed, 2 on wrong usage. A target that is missed is a figure, not a failure.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, statfsSync } from "node:fs";
import { loadavg } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { formatSeconds, ROOT } from "../scripts/steps.mjs";
import { COMPETITORS } from "./competitors.mjs";
import { describeScale, SCALES } from "./data-sets.mjs";
import { removeAll } from "./pair.mjs";
import { killAll, Processes } from "./processes.mjs";
import { describeMachine, publish } from "./report.mjs";
import { summarize } from "./results.mjs";
import { SCENARIOS } from "./scenarios.mjs";

/** What statfs(2) calls a file system in memory. Source: linux/magic.h, TMPFS_MAGIC. */
const TMPFS_MAGIC = 0x01021994;

const HELP = `npm run bench -- [options]     Twinfold beside its peers, with real processes on loopback

  --quick          small data, one round, in memory: minutes instead of an hour
  --only NAME,…    these scenarios: ${SCENARIOS.map(({ name }) => name).join(", ")}
  --peers NAME,…   these competitors beside Twinfold, or none: ${Object.keys(COMPETITORS).slice(1).join(", ")}
  --place WHERE    tmpfs, disk or both (default both; with --quick tmpfs)
  --rounds N       how often each figure is taken; the median counts (default 3; with --quick 1)
  --huge           one file of 10 GB besides, on the disk; needs 33 GB
  --many           500,000 files besides, on the disk
  --out DIR        where bench.md and bench/ are written (default docs; with --quick, --only or --peers .reports)
`;

class UsageError extends Error {}

function readOptions() {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        quick: { type: "boolean", default: false },
        only: { type: "string" },
        peers: { type: "string" },
        place: { type: "string" },
        rounds: { type: "string" },
        huge: { type: "boolean", default: false },
        many: { type: "boolean", default: false },
        out: { type: "string" },
        help: { type: "boolean", default: false },
      },
    }));
  } catch (error) {
    throw new UsageError(error.message);
  }
  const { quick, only, huge, many, help } = values;
  const rounds = Number(values.rounds ?? (quick ? 1 : 3));
  if (!Number.isInteger(rounds) || rounds < 1) throw new UsageError(`--rounds takes a number from 1, not ${values.rounds}`);
  const place = values.place ?? (quick ? "tmpfs" : "both");
  if (!["tmpfs", "disk", "both"].includes(place)) throw new UsageError(`--place takes tmpfs, disk or both, not ${place}`);
  const scenarios =
    only === undefined ? SCENARIOS.filter(({ option }) => option === undefined || { huge, many }[option]) : named(only, byName(SCENARIOS), "--only");
  const peers = values.peers === undefined ? Object.values(COMPETITORS) : values.peers === "none" ? [] : named(values.peers, COMPETITORS, "--peers");
  const competitors = new Set([COMPETITORS.twinfold, ...peers]);
  const isWhole = !quick && only === undefined && values.peers === undefined;
  return {
    help,
    quick,
    rounds,
    places: place === "both" ? ["tmpfs", "disk"] : [place],
    scenarios,
    competitors,
    out: resolve(values.out ?? join(ROOT, isWhole ? "docs" : ".reports")),
  };
}

function byName(things) {
  return Object.fromEntries(things.map((thing) => [thing.name, thing]));
}

function named(list, all, option) {
  return list.split(",").map((name) => {
    if (all[name] === undefined) throw new UsageError(`${option} takes ${Object.keys(all).join(", ")}, not ${name}`);
    return all[name];
  });
}

function say(line) {
  process.stderr.write(`bench: ${line}\n`);
}

/** Where measurements are made. The disk is that of this checkout. */
function openPlace(name) {
  if (name === "disk") {
    const folder = join(ROOT, ".bench");
    mkdirSync(folder, { recursive: true });
    return { name, folder };
  }
  const folder = "/dev/shm";
  if (!existsSync(folder) || statfsSync(folder).type !== TMPFS_MAGIC)
    throw new UsageError(`--place tmpfs needs a tmpfs at ${folder}; take --place disk`);
  return { name, folder };
}

/** Installs what is missing, where that is allowed; says what is left out, and why. Gives the versions of those that can be measured. */
async function readyCompetitors(competitors) {
  const versions = new Map();
  const processes = new Processes();
  for (const competitor of competitors) {
    try {
      if (competitor.program !== undefined && !isOnPath(competitor.program)) install(competitor);
      versions.set(competitor, (await competitor.version(processes)).trim());
    } catch (error) {
      say(`${competitor.title} is left out: ${error.message}`);
    }
  }
  return versions;
}

function isOnPath(program) {
  return spawnSync(program, ["--version"], { stdio: "ignore" }).error === undefined;
}

function install({ title, debian }) {
  say(`${title} is not here: apt-get install ${debian}`);
  const options = { stdio: "ignore", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } };
  spawnSync("apt-get", ["update", "-qq"], options);
  spawnSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", debian], options);
}

/** Every scenario at each place that it is measured at: what does not depend on the disk at the first alone, what needs much room on the disk. */
function plan({ places, scenarios }) {
  const placesOf = ({ place, oncePerRun }) => (place !== undefined ? [place] : oncePerRun === true ? places.slice(0, 1) : places);
  return ["tmpfs", "disk"].flatMap((name) => {
    const here = scenarios.filter((scenario) => placesOf(scenario).includes(name));
    const place = here.length === 0 ? undefined : openPlace(name);
    return here.map((scenario) => ({ place, scenario }));
  });
}

/** One competitor in one round: its figures by row, or why there are none. */
async function measure(scenario, context) {
  const startedMs = performance.now();
  try {
    const rows = await scenario.measure(context);
    say(`  ${context.competitor.title}: done in ${formatSeconds(performance.now() - startedMs)}`);
    return { rows };
  } catch (error) {
    say(`  ${context.competitor.title}: FAILED after ${formatSeconds(performance.now() - startedMs)}: ${error.message}`);
    return { failure: error.message };
  }
}

async function main() {
  const options = readOptions();
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (process.platform !== "linux") throw new UsageError("memory and CPU time are read from /proc, so the benchmarks run on Linux only");
  const scale = SCALES[options.quick ? "quick" : "full"];
  const planned = plan(options);
  const versions = await readyCompetitors(options.competitors);
  const run = {
    ...describeMachine(),
    scale: options.quick ? "quick" : "full",
    sizes: describeScale(scale),
    rounds: options.rounds,
    versions: Object.fromEntries([...versions].map(([{ title }, version]) => [title, version])),
  };
  const measurements = [];
  for (const [at, { place, scenario }] of planned.entries()) {
    const competitors = scenario.competitors.map((name) => COMPETITORS[name]).filter((competitor) => versions.has(competitor));
    for (let round = 1; round <= options.rounds; round++) {
      say(`${at + 1}/${planned.length} ${scenario.name} on ${place.name}, round ${round} of ${options.rounds}`);
      for (const competitor of competitors) {
        measurements.push({ scenario, place: place.name, competitor, ...(await measure(scenario, { competitor, place, scale })) });
      }
    }
    publish(options.out, summarize({ ...run, loadAtEnd: loadavg()[0] }, measurements)); // what has been measured is kept, whatever comes
  }
  const results = summarize({ ...run, loadAtEnd: loadavg()[0] }, measurements);
  process.stdout.write(publish(options.out, results));
  say(`written to ${options.out}: bench.md, bench/results.json, bench/*.svg`);
  return measurements.some(({ failure }) => failure !== undefined) ? 1 : 0;
}

function leaveNothing() {
  killAll();
  removeAll();
}

for (const [name, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
]) {
  process.on(name, () => {
    leaveNothing();
    process.exit(code);
  });
}

try {
  process.exitCode = await main();
} catch (error) {
  say(error instanceof UsageError ? `${error.message}\n\n${HELP}` : error.stack);
  process.exitCode = error instanceof UsageError ? 2 : 1;
} finally {
  leaveNothing();
}
