import { decode, journalRowCodec } from "@twinfold/core";
import type { Oracle } from "../oracle.js";

/** A commit that arrives twice is carried out once, and answered twice alike once it was; its answer is durable as soon as its changes are. */
export function exactlyOnce(): Oracle {
  return {
    id: "I9",
    async onAppended({ workspaceId, rows }, { hub }, fail) {
      const journal = rows.flatMap((change) => (change.table === "journal" ? [decode(journalRowCodec, change.row.body)] : []));
      const last = journal.at(-1);
      if (last === undefined) return;
      const watermark = (await hub.store.mark(workspaceId, last.replicaId))?.watermark ?? 0;
      if (watermark < last.commitCounter)
        fail(
          `commit ${last.commitCounter} of ${last.replicaId} is in the journal, and would be executed again: the hub remembers those up to ${watermark}`,
        );
    },
    onTwice(first, second, fail) {
      // Nothing was done: when it comes again, what was in the way may be gone.
      if (first.kind === "ahead" || first.kind === "reset") return;
      const [a, b] = [first, second].map((answer) => JSON.stringify(answer));
      if (a !== b) fail(`one commit was answered in two ways: ${a} and ${b}`);
    },
  };
}
