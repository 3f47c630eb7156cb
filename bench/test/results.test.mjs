import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { COMPETITORS } from "../competitors.mjs";
import { median, summarize } from "../results.mjs";
import { SCENARIOS } from "../scenarios.mjs";

const TARGETS = JSON.parse(readFileSync(new URL("../targets.json", import.meta.url), "utf8"));

const figures = (seconds) => ({ rows: { "first-sync-d1": { seconds, cpuSeconds: 1, peakRssBytes: { A: 10, B: 20 } } } });
const [scenario] = SCENARIOS;

function measurementsOf(rounds) {
  return rounds.flatMap((round) =>
    Object.entries(round).map(([name, outcome]) => ({ scenario, place: "tmpfs", competitor: COMPETITORS[name], ...outcome })),
  );
}

describe("a target", () => {
  it.each(TARGETS.map((target) => [`${target.row}, ${target.figure}`, target]))(
    "%s speaks of a figure that is measured, and of who takes part",
    (_, target) => {
      const measured = SCENARIOS.find(({ rows }) => rows.some(({ id, figure }) => id === target.row && figure === target.figure));
      expect(measured?.competitors).toContain(target.of ?? "twinfold");
      expect(target.meaning).not.toBe("");
    },
  );

  it("is met when the median of the rounds is, against the other's median in the same run", () => {
    const rounds = [
      { twinfold: figures(8), syncthing: figures(10) },
      { twinfold: figures(100), syncthing: figures(1) },
      { twinfold: figures(8), syncthing: figures(10) },
    ];
    const [line] = summarize({}, measurementsOf(rounds)).lines;
    expect(line.competitors.twinfold).toMatchObject({ median: 8, rounds: [8, 100, 8], summedRssBytes: 30 });
    expect(line.targets).toMatchObject([{ reached: 0.8, atMost: 0.85, met: true }]);
  });

  it("is not judged when the other side could not be measured, and the reason is kept", () => {
    const [line] = summarize({}, measurementsOf([{ twinfold: figures(8), syncthing: { failure: "it does not start" } }])).lines;
    expect(line.targets).toEqual([]);
    expect(line.competitors.syncthing).toEqual({ title: "Syncthing", failure: "it does not start" });
  });
});

it("the median has as many values below it as above it", () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
      const middle = median(values);
      expect(values.filter((value) => value < middle).length).toBeLessThanOrEqual(values.length / 2);
      expect(values.filter((value) => value > middle).length).toBeLessThanOrEqual(values.length / 2);
    }),
  );
});
