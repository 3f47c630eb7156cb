import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeRandomFile, writeSmallFiles } from "../data-sets.mjs";
import { withPair } from "../pair.mjs";
import { arrival, assertTwins, namesIn } from "../twins.mjs";

/** One file of 10 GB, moved into A while both devices follow: how much more memory each of the three processes has at its peak than when it was idle before. */
const hugeFile = {
  name: "huge",
  option: "huge",
  place: "disk",
  competitors: ["twinfold"],
  rows: [
    { id: "huge-file", title: "huge file: memory gained, by the process that gained most", figure: "gainedRssBytes" },
    { id: "huge-file", title: "huge file: from A to B", figure: "seconds" },
  ],
  measure(context) {
    const { hugeBytes } = context.scale;
    const fill = (a) => writeFileSync(join(a, "marker"), "both follow when this has arrived");
    return withPair(context, { fill, needBytes: 3.2 * hugeBytes }, async ({ pair, processes, a, b, folder }) => {
      const outside = join(folder, "huge.bin");
      writeRandomFile(outside, hugeBytes, "huge");
      await pair.follow();
      await arrival(b, namesIn(a), processes);
      const idle = processes.residentBytes();
      const figures = await processes.measure(async () => {
        renameSync(outside, join(a, "huge.bin"));
        await arrival(b, namesIn(a), processes);
      });
      assertTwins(a, b);
      const gained = Object.entries(figures.peakRssBytes).map(([role, peak]) => peak - idle[role]);
      return { "huge-file": { ...figures, gainedRssBytes: Math.max(...gained) } };
    });
  },
};

/** 500,000 small files: first sync, and a pass of A when nothing has changed. Memory for each file is what that pass takes more than one over a single file. */
const manyFiles = {
  name: "many",
  option: "many",
  place: "disk",
  competitors: ["twinfold"],
  rows: [
    { id: "many-first-sync", title: "many files: first sync, A then B", figure: "seconds" },
    { id: "many-nothing-changed", title: "many files: nothing changed", figure: "seconds" },
    { id: "many-nothing-changed", title: "many files: nothing changed, for each file", figure: "rssBytesPerFile" },
  ],
  async measure(context) {
    const { manyFiles: count } = context.scale;
    const single = await passWithFiles(context, 1);
    const many = await passWithFiles(context, count);
    const rssBytesPerFile = (many.pass.peakRssBytes.A - single.pass.peakRssBytes.A) / (count - 1);
    return { "many-first-sync": many.first, "many-nothing-changed": { ...many.pass, rssBytesPerFile } };
  },
};

function passWithFiles(context, count) {
  return withPair(context, { fill: (a) => writeSmallFiles(a, count, "many"), needBytes: count * 4_096 * 4 }, async ({ pair, processes, a, b }) => {
    const first = await processes.measure(async () => {
      await pair.passOf("A");
      await pair.passOf("B");
    });
    assertTwins(a, b);
    return { first, pass: await processes.measure(() => pair.passOf("A")) };
  });
}

export const extremes = [hugeFile, manyFiles];
