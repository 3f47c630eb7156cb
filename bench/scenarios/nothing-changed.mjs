import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeD3 } from "../data-sets.mjs";
import { withPair } from "../pair.mjs";

const FURTHER_FOLDERS = 10;

/**
 * A pass over D3 when nothing has changed: time, memory of the largest process, bytes on a device's wire. Of Twinfold's two devices the slower counts. Backup programs
 * have a pass too: they look at the same files.
 */
const pass = {
  name: "nothing-changed",
  competitors: ["twinfold", "rsync", "unison", "restic", "borg"],
  rows: [
    { id: "nothing-changed", title: "nothing changed in D3", figure: "seconds" },
    { id: "nothing-changed", title: "nothing changed in D3", figure: "largestRssBytes" },
    { id: "nothing-changed", title: "nothing changed in D3", figure: "wireBytes" },
  ],
  measure: (context) =>
    withPair(
      context,
      { fill: (a) => writeD3(a, context.scale), counted: true, needBytes: context.scale.d3Files * 4_096 * 4 },
      async ({ pair, processes }) => {
        // The data come across with the first; from the second on, whoever remembers what a look has found can go by it.
        for (let time = 0; time < 2; time++) await pair.pass();
        const passes = pair.passOf === undefined ? [pair.pass] : ["A", "B"].map((role) => () => pair.passOf(role));
        const measured = [];
        for (const one of passes) {
          const before = pair.wire?.();
          const figures = await processes.measure(one);
          const bytes = Object.entries(pair.wire?.() ?? {}).map(([role, count]) => count - before[role]);
          measured.push(bytes.length === 0 ? figures : { ...figures, wireBytes: Math.max(...bytes) });
        }
        return { "nothing-changed": measured.sort((x, y) => y.seconds - x.seconds)[0] };
      },
    ),
};

/** `sync --once` of one folder with one file in it, and what each of ten further folders adds, when nothing has changed. */
const furtherFolders = {
  name: "further-folders",
  oncePerRun: true,
  competitors: ["twinfold"],
  rows: [
    { id: "one-folder", title: "nothing changed, one folder", figure: "wireBytes" },
    { id: "further-folder", title: "nothing changed, each further folder", figure: "wireBytes" },
    { id: "all-folders", title: `nothing changed, ${1 + FURTHER_FOLDERS} folders`, figure: "requests" },
  ],
  measure(context) {
    const fill = (a) => writeFileSync(join(a, "file"), "a file");
    return withPair(context, { fill, counted: true, needBytes: 1_000_000 }, async ({ pair, processes, folder }) => {
      await pair.syncAllOfA();
      const one = await measurePass(pair, processes);
      for (let at = 0; at < FURTHER_FOLDERS; at++) {
        const further = join(folder, `further-${at}`);
        mkdirSync(further);
        writeFileSync(join(further, "file"), `file ${at}`);
        await pair.link(further);
      }
      await pair.syncAllOfA();
      const all = await measurePass(pair, processes);
      return {
        "one-folder": one,
        "further-folder": { ...all, wireBytes: (all.wireBytes - one.wireBytes) / FURTHER_FOLDERS },
        "all-folders": all,
      };
    });
  },
};

async function measurePass(pair, processes) {
  const { result, ...figures } = await processes.measure(pair.syncAllOfA);
  const { bytesSent, bytesReceived, requests } = result.totals;
  return { ...figures, wireBytes: bytesSent + bytesReceived, requests };
}

export const nothingChanged = [pass, furtherFolders];
