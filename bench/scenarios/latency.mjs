import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { seededRandom, writeSmallFiles } from "../data-sets.mjs";
import { withPair } from "../pair.mjs";
import { until } from "../processes.mjs";
import { arrival, assertTwins, namesIn } from "../twins.mjs";

const FILE_BYTES = 1_000;

/** Between two trials, at random up to this: they must not fall in step with anybody's timer. */
const PAUSE_MS = 200;

/**
 * Latency: from the moment when a new 1 KB file has been written in A to the moment when B has its bytes, while both follow and the folder holds many other
 * files. Syncthing's watcher is set to wait for 1 s; its default is 10 s.
 */
export const latency = {
  name: "latency",
  oncePerRun: true,
  competitors: ["twinfold", "syncthing"],
  rows: [
    { id: "latency-p50", title: "a 1 KB file from A's write to B's bytes, p50", figure: "seconds" },
    { id: "latency-p95", title: "a 1 KB file from A's write to B's bytes, p95", figure: "seconds" },
  ],
  measure(context) {
    const { watchedFiles, trials } = context.scale;
    const fill = (a) => {
      writeSmallFiles(a, watchedFiles, "latency");
      mkdirSync(join(a, "written"));
    };
    return withPair(context, { fill, watchDelaySeconds: 1, needBytes: watchedFiles * 4_096 * 3 }, async ({ pair, processes, a, b }) => {
      await pair.follow();
      await arrival(b, namesIn(a), processes);
      const random = seededRandom("trials");
      const trial = async (name) => {
        await pause(random.below(PAUSE_MS));
        const bytes = random.bytes(FILE_BYTES);
        const path = join("written", name);
        writeFileSync(join(a, path), bytes);
        const writtenMs = performance.now();
        await until(`${path} is in B`, () => holdsBytes(join(b, path), bytes, processes), { everyMs: 1 });
        return (performance.now() - writtenMs) / 1000;
      };
      await trial("first"); // both follow when it has arrived
      const { result, ...figures } = await processes.measure(async () => {
        const taken = [];
        for (let at = 0; at < trials; at++) taken.push(await trial(`trial-${at}`));
        return taken.sort((x, y) => x - y);
      });
      assertTwins(a, b);
      const percentile = (part) => ({ ...figures, seconds: result[Math.ceil(part * result.length) - 1] });
      return { "latency-p50": percentile(0.5), "latency-p95": percentile(0.95) };
    });
  },
};

function holdsBytes(path, bytes, processes) {
  processes.assertAlive();
  try {
    return readFileSync(path).equals(bytes);
  } catch {
    return false; // not there yet
  }
}
