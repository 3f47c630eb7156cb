import { writeD1, writeD2, writeD3 } from "../data-sets.mjs";
import { withPair } from "../pair.mjs";
import { arrival, assertTwins, namesIn } from "../twins.mjs";

/**
 * First sync: the time from starting both sides, installed, logged in and linked, to the last byte in place in an empty B. Twinfold's two devices start
 * at once, beside a hub that runs. Every byte is compared after the clock has stopped.
 */
function firstSync(id, title, write, bytesOf) {
  return {
    name: id,
    competitors: ["twinfold", "syncthing", "rsync", "unison"],
    rows: [{ id, title: `first sync: ${title}`, figure: "seconds" }],
    measure: (context) =>
      withPair(context, { fill: (a) => write(a, context.scale), needBytes: 3 * bytesOf(context.scale) }, async ({ pair, processes, a, b }) => {
        const wanted = namesIn(a);
        const figures = await processes.measure(() =>
          pair.follow === undefined ? pair.pass() : Promise.all([pair.follow(), arrival(b, wanted, processes)]),
        );
        assertTwins(a, b);
        return { [id]: figures };
      }),
  };
}

/** The mean size of a file of D3, and what it takes on a disk with blocks of 4 KiB. */
const SMALL_FILE_BYTES = 4_096;

export const firstSyncs = [
  firstSync("first-sync-d1", "D1, one large file", writeD1, ({ d1Bytes }) => d1Bytes),
  firstSync("first-sync-d2", "D2, medium files", writeD2, ({ d2 }) => 1.1 * d2.bytes),
  firstSync("first-sync-d3", "D3, small files", writeD3, ({ d3Files }) => d3Files * SMALL_FILE_BYTES),
];
