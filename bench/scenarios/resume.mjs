import { writeD1 } from "../data-sets.mjs";
import { withPair } from "../pair.mjs";
import { until } from "../processes.mjs";
import { arrival, assertTwins, namesIn } from "../twins.mjs";

/**
 * The receiver is killed when half of D1 has come over its wire, and started again: what came over it in all, less the file. The other side is ready before: Twinfold's
 * hub has the file.
 */
export const resume = {
  name: "resume",
  oncePerRun: true,
  competitors: ["twinfold", "syncthing", "rsync", "rsync-inplace", "unison"],
  rows: [{ id: "resume", title: "receiver killed at half of D1: sent twice", figure: "resentBytes" }],
  measure(context) {
    const { d1Bytes } = context.scale;
    return withPair(context, { fill: (a) => writeD1(a, context.scale), counted: true, needBytes: 4 * d1Bytes }, async ({ pair, processes, a, b }) => {
      const wanted = namesIn(a);
      await pair.startSource();
      const before = pair.wire().B;
      const { result: resentBytes, ...figures } = await processes.measure(async () => {
        const receiver = await pair.startReceiver();
        await until("half of D1 has come", () => pair.wire().B - before > d1Bytes / 2, { everyMs: 1 });
        await processes.stop(receiver, "SIGKILL");
        if (pair.follow === undefined) await pair.pass();
        else {
          await pair.startReceiver();
          await arrival(b, wanted, processes);
        }
        return Math.max(0, pair.wire().B - before - d1Bytes);
      });
      assertTwins(a, b);
      return { resume: { ...figures, resentBytes } };
    });
  },
};
