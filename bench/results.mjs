import { readFileSync } from "node:fs";

/**
 * What Twinfold must reach: `row` and `figure` name what is measured; `atMost` is a bound in the figure's unit or, with `of`, a multiple of what that
 * competitor needed in the same run, for any place or by place; `meaning` says what that is to a person.
 */
const TARGETS = JSON.parse(readFileSync(new URL("targets.json", import.meta.url), "utf8"));

/** One line for each row, figure and place: the rounds and medians of every competitor, and Twinfold's targets. */
export function summarize(run, measurements) {
  const lines = new Map();
  for (const { scenario, place } of measurements) {
    for (const row of scenario.rows) {
      const key = `${row.id} ${row.figure} ${place}`;
      if (lines.has(key)) continue;
      const competitors = figuresByCompetitor(
        row,
        measurements.filter((each) => each.scenario === scenario && each.place === place),
      );
      lines.set(key, { scenario: scenario.name, place, ...row, competitors, targets: judge(row, place, competitors) });
    }
  }
  return { ...run, lines: [...lines.values()] };
}

function figuresByCompetitor({ id, figure }, measurements) {
  const byName = {};
  for (const { competitor } of measurements) {
    if (byName[competitor.name] !== undefined) continue;
    const rounds = measurements.filter((each) => each.competitor === competitor);
    const failure = rounds.find((round) => round.failure !== undefined)?.failure;
    const figures = rounds.filter(({ rows }) => rows !== undefined).map(({ rows }) => withMemory(rows[id]));
    const values = figures.map((each) => each[figure]).filter((value) => value !== undefined);
    byName[competitor.name] = {
      title: competitor.title,
      ...(failure === undefined ? {} : { failure }),
      ...(values.length === 0
        ? {}
        : {
            median: median(values),
            rounds: values,
            cpuSeconds: median(figures.map(({ cpuSeconds }) => cpuSeconds)),
            summedRssBytes: median(figures.map(({ summedRssBytes }) => summedRssBytes)),
            peakRssBytes: figures[0].peakRssBytes,
          }),
    };
  }
  return byName;
}

function withMemory(figures) {
  const peaks = Object.values(figures.peakRssBytes);
  return { ...figures, largestRssBytes: Math.max(0, ...peaks), summedRssBytes: peaks.reduce((sum, peak) => sum + peak, 0) };
}

/** Twinfold's median against each target of the row at this place; nothing for a target whose other side was not measured. */
function judge({ id, figure }, place, competitors) {
  const own = competitors.twinfold?.median;
  return TARGETS.filter((target) => target.row === id && target.figure === figure).flatMap(({ of, atMost, meaning }) => {
    const bound = typeof atMost === "number" ? atMost : atMost[place];
    const base = of === undefined ? 1 : competitors[of]?.median;
    if (bound === undefined || base === undefined || own === undefined) return [];
    return [
      { ...(of === undefined ? {} : { of, title: competitors[of].title }), atMost: bound, reached: own / base, met: own / base <= bound, meaning },
    ];
  });
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2;
}
