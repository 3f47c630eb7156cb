import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { seededRandom, writeD2 } from "../data-sets.mjs";
import { withPair } from "../pair.mjs";
import { namesIn } from "../twins.mjs";

const INSERTED_BYTES = 50;

/** What a store grows by when 50 bytes are inserted in each file of D2, at a random place: all of the hub's data folder, or of the repository. */
export const storeGrowth = {
  name: "store-growth",
  oncePerRun: true,
  competitors: ["twinfold", "restic", "borg"],
  rows: [{ id: "store-growth", title: "store: growth when 50 bytes are inserted in each file of D2", figure: "storedBytes" }],
  measure: (context) =>
    withPair(context, { fill: (a) => writeD2(a, context.scale), needBytes: 6 * context.scale.d2.bytes }, async ({ pair, processes, a }) => {
      await pair.pass();
      const before = pair.storedBytes();
      insertInEach(a);
      const figures = await processes.measure(pair.pass);
      return { "store-growth": { ...figures, storedBytes: pair.storedBytes() - before } };
    }),
};

function insertInEach(folder) {
  const random = seededRandom("inserted");
  const directories = namesIn(folder);
  for (const [below, names] of directories) {
    for (const name of names.filter((each) => !directories.has(join(below, each)))) {
      const path = join(folder, below, name);
      const bytes = readFileSync(path);
      const place = random.below(bytes.length);
      writeFileSync(path, Buffer.concat([bytes.subarray(0, place), random.bytes(INSERTED_BYTES), bytes.subarray(place)]));
    }
  }
}
