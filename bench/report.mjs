import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { join } from "node:path";
import { barChart } from "./bar-chart.mjs";

/** Up to here a machine counts as idle. */
const IDLE_LOAD = 0.5;

/** What the figures were taken on. `load` is the machine's one-minute load before the first measurement: what else it was doing. */
export function describeMachine() {
  return {
    date: new Date().toISOString().slice(0, 16),
    machine: { cpu: cpus()[0].model, cores: cpus().length, memoryBytes: totalmem(), kernel: release(), load: loadavg()[0] },
    node: process.versions.node,
  };
}

/** Writes `bench.md`, `bench/results.json` and `bench/*.svg` below `folder`, and gives the Markdown. */
export function publish(folder, results) {
  const below = join(folder, "bench");
  mkdirSync(below, { recursive: true });
  for (const name of readdirSync(below)) if (name.endsWith(".svg")) rmSync(join(below, name));
  const charts = chartsOf(results);
  for (const { file, svg } of charts) writeFileSync(join(below, file), svg);
  writeFileSync(join(below, "results.json"), `${JSON.stringify(results, undefined, 2)}\n`);
  const text = markdown(results, charts);
  writeFileSync(join(folder, "bench.md"), text);
  return text;
}

const CHARTS = [
  { file: "first-sync.svg", title: "First sync", axis: "seconds; shorter is better", has: ({ id }) => id.startsWith("first-sync") },
  {
    file: "wire.svg",
    title: "Bytes on a device's wire",
    axis: "bytes, each line ten times the one before; shorter is better",
    logarithmic: true,
    has: ({ figure }) => figure === "wireBytes",
  },
  {
    file: "latency.svg",
    title: "A 1 KB file from A's write to B's bytes",
    axis: "seconds; shorter is better",
    has: ({ id }) => id.startsWith("latency"),
  },
  {
    file: "nothing-changed.svg",
    title: "Looking at many files when nothing has changed",
    axis: "seconds; shorter is better",
    has: ({ id, figure }) => id === "nothing-changed" && figure === "seconds",
  },
];

function chartsOf({ lines }) {
  return CHARTS.flatMap(({ file, has, ...chart }) => {
    const groups = lines.filter(has).flatMap(({ title, place, figure, competitors }) => {
      const measured = Object.entries(competitors).filter(([, { median }]) => median !== undefined);
      const bars = measured.map(([name, { title: who, median }]) => ({ name, title: who, value: median, text: format(figure, median) }));
      return bars.length === 0 ? [] : [{ label: `${title} (${place})`, bars }];
    });
    if (groups.length === 0) return [];
    const formatTick = (tick) => (chart.logarithmic ? formatBytes(tick) : String(Number(tick.toPrecision(6))));
    return [{ file, title: chart.title, svg: barChart({ ...chart, groups, formatTick }) }];
  });
}

function markdown({ date, machine, loadAtEnd, node, scale, sizes, rounds, versions, lines }, charts) {
  const names = [...new Map(lines.flatMap(({ competitors }) => Object.entries(competitors).map(([name, { title }]) => [name, title])))];
  const peers = names.filter(([name]) => name !== "twinfold");
  const of = ({ competitors, figure }, name) => {
    const { median, failure } = competitors[name] ?? {};
    if (median !== undefined) return `${format(figure, median)}${failure === undefined ? "" : " (a round failed)"}`;
    return failure === undefined ? "" : "failed";
  };
  const figureRows = lines.flatMap((line) => {
    const cells = peers.map(([name]) => of(line, name));
    const targets = line.targets.length === 0 ? [undefined] : line.targets;
    return targets.map((target) => [
      line.title,
      FIGURE_NAMES[line.figure],
      line.place,
      of(line, "twinfold"),
      ...describeTarget(line, target),
      ...cells,
    ]);
  });
  const seen = new Set();
  const costRows = lines.flatMap((line) => {
    if (seen.has(`${line.id} ${line.place}`)) return [];
    seen.add(`${line.id} ${line.place}`);
    const costs = names.map(([name]) => {
      const { cpuSeconds, summedRssBytes } = line.competitors[name] ?? {};
      return cpuSeconds === undefined ? "" : `${cpuSeconds.toFixed(2)} s · ${formatBytes(summedRssBytes)}`;
    });
    return [[line.title, line.place, ...costs]];
  });
  const failures = new Set(
    lines.flatMap(({ scenario, place, competitors }) =>
      Object.values(competitors).flatMap(({ title, failure }) =>
        failure === undefined ? [] : [`- ${scenario} on ${place}, ${title}: ${failure.split("\n")[0]}`],
      ),
    ),
  );
  const judged = lines.flatMap(({ targets }) => targets);
  const isQuick = scale === "quick";
  return `${[
    "# Benchmarks",
    "",
    "Written by `npm run bench`; [how to run and read it](how-to/run-the-benchmarks.md).",
    "",
    `- ${date} UTC, ${isQuick ? "small data (`--quick`): ratios are about right, single figures are not those of the full sizes" : "full sizes"}; ${rounds === 1 ? "one round" : `medians of ${rounds} rounds`}.`,
    `- ${sizes}.`,
    `- ${machine.cpu}, ${machine.cores} cores, ${(machine.memoryBytes / 2 ** 30).toFixed(0)} GiB, Linux ${machine.kernel}, Node ${node}; load ${machine.load.toFixed(1)} before the run${machine.load > IDLE_LOAD ? ": the machine was not idle" : ""}, ${loadAtEnd.toFixed(1)} at its end.`,
    `- ${Object.entries(versions)
      .map(([title, version]) => `${title} ${version.replace(/^v/, "")}`)
      .join(", ")}.`,
    `- ${judged.filter(({ met }) => met).length} of ${judged.length} targets met.`,
    "",
    ...charts.flatMap(({ file, title }) => [`![${title}](bench/${file})`, ""]),
    "## Figures",
    "",
    ...table([["what", "figure", "place", "Twinfold", "must be at most", "is", "met", ...peers.map(([, title]) => title)], ...figureRows]),
    "",
    "## CPU time and memory",
    "",
    "CPU seconds of all processes, and the sum of their peaks of resident memory, while the row was measured.",
    "",
    ...table([["what", "place", ...names.map(([, title]) => title)], ...costRows]),
    ...(failures.size === 0 ? [] : ["", "## Could not be measured", "", ...failures]),
  ].join("\n")}\n`;
}

function describeTarget({ figure }, target) {
  if (target === undefined) return ["", "", ""];
  const { of, title, atMost, reached, met } = target;
  const value = (number) => (of === undefined ? format(figure, number) : `${number.toFixed(2)} × ${title}`);
  return [value(atMost), of === undefined ? `${(reached / atMost).toFixed(2)} of it` : value(reached), met ? "yes" : "**no**"];
}

function table([head, ...rows]) {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
}

const FIGURE_NAMES = {
  seconds: "time",
  largestRssBytes: "memory of the largest process",
  wireBytes: "wire",
  requests: "requests",
  resentBytes: "bytes",
  storedBytes: "bytes",
  gainedRssBytes: "memory",
  rssBytesPerFile: "memory",
};

function format(figure, value) {
  if (figure === "seconds") return value < 1 ? `${(value * 1000).toFixed(0)} ms` : `${value.toFixed(2)} s`;
  if (figure === "requests") return String(value);
  return formatBytes(value);
}

/** Decimal units, as in all figures of this page. */
function formatBytes(bytes) {
  if (Math.abs(bytes) < 10_000) return `${Math.round(bytes)} B`;
  if (Math.abs(bytes) < 1e6) return `${(bytes / 1e3).toFixed(0)} KB`;
  return Math.abs(bytes) < 1e9 ? `${(bytes / 1e6).toFixed(bytes < 1e7 ? 2 : 1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}
