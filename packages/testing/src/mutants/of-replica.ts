import type { Mutant } from "./mutant.js";
import { except, onReplica, onReplicaStore, onTreeOptions } from "./seams.js";
import { crowded, interleaved, mortal } from "./where.js";

const NEVER_MS = 1e15;

/** Mutants of what a device remembers, and of what it waits for. */
export const ofReplica = {
  "cursor-before-rows": {
    broken: "The cursor is written in one transaction, and the rows for which it stands in the next.",
    where: mortal,
    apply: (sut) =>
      onReplicaStore(sut, (store) => ({
        async write(workspaceId, { state, ...rows }) {
          if (state !== undefined) await store.write(workspaceId, { state });
          await store.write(workspaceId, rows);
        },
      })),
  },
  "change-not-marked": {
    broken: "Some rows that the planner has to look at are not marked so.",
    where: crowded,
    apply: (sut) =>
      onReplicaStore(sut, (store) => ({
        write: async (workspaceId, batch) =>
          await store.write(workspaceId, {
            ...batch,
            put: batch.put?.map((row) => (row.nodeId.startsWith("0") ? { ...row, dirty: false } : row)),
          }),
      })),
  },
  "watcher-believed": {
    broken: "A device that follows believes the watcher, which loses a hint now and then, and never looks at everything again.",
    where: interleaved,
    apply(sut) {
      let hints = 0;
      const lossy = onTreeOptions(sut, ({ watch }) =>
        watch === undefined
          ? {}
          : { watch: (root, isDirectory, listener) => watch(root, isDirectory, (hint) => (hints++ % 3 === 2 ? undefined : listener(hint))) },
      );
      return onReplica(lossy, () => ({ rescanMs: NEVER_MS }));
    },
  },
  "wake-up-believed": {
    broken: "A device that follows waits for a word from the hub, which was lost, for ever.",
    where: interleaved,
    apply: (sut) =>
      onReplica(sut, ({ transport }) => ({
        rescanMs: NEVER_MS,
        transport: except(transport, {
          wait: (_request, options) =>
            new Promise((_, reject) => options?.signal?.addEventListener("abort", () => reject(options.signal?.reason as Error))),
        }),
      })),
  },
} satisfies Record<string, Mutant>;
