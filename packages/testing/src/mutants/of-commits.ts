import { type Change, commitCodec, decode, encodeCommit, type Head, headCodec, type HubStore, type WorkspaceId } from "@twinfold/core";
import type { Mutant } from "./mutant.js";
import { onHubEnd, onHubStore } from "./seams.js";
import { contested, contestedFolder, crowded, failingStores, lossy } from "./where.js";

/** Mutants of how the hub decides and remembers commits. */
export const ofCommits = {
  "no-base-check": {
    broken: "The hub takes every change for one that is based on what it has now.",
    where: crowded,
    apply: (sut) => withBases(sut, () => true),
  },
  "delete-beats-edit": {
    broken: "The hub takes every deletion for one of the version that it has now.",
    where: contested,
    apply: (sut) => withBases(sut, ({ kind }) => kind === "delete"),
  },
  "later-mtime-wins": {
    broken: "Of two versions made apart the one with the later modification time replaces the other.",
    where: crowded,
    apply: (sut) =>
      withBases(sut, (change, { content }) => {
        const mine = change.kind === "put" ? change.content?.content : undefined;
        return mine?.kind === "file" && content.kind === "file" && mine.mtimeNs > content.mtimeNs;
      }),
  },
  "conflict-called-accepted": {
    broken: "A change that the hub did not accept because of a conflict is answered as accepted.",
    where: crowded,
    apply: (sut) =>
      onHubEnd(sut, (transport) => ({
        async commit(request, options) {
          const answer = await transport.commit(request, options);
          if (answer.kind !== "done") return answer;
          const called = (verdict: (typeof answer.verdicts)[number]["place"]) => (verdict === "conflict" ? "accepted" : verdict);
          return { ...answer, verdicts: answer.verdicts.map(({ place, content }) => ({ place: called(place), content: called(content) })) };
        },
      })),
  },
  "executed-again": {
    broken: "A commit that comes a second time is executed a second time.",
    where: lossy,
    apply(sut) {
      const asked = new Map<string, number>();
      const atHub = onHubStore(sut, (store) => ({
        async mark(workspaceId, replicaId) {
          const mark = await store.mark(workspaceId, replicaId);
          const counter = asked.get(replicaId);
          return mark && counter !== undefined && mark.watermark >= counter ? { ...mark, watermark: counter - 1 } : mark;
        },
      }));
      return onHubEnd(atHub, (transport) => ({
        async commit(request, options) {
          const { replicaId, counter } = decode(commitCodec, request.commit);
          asked.set(replicaId, counter);
          try {
            return await transport.commit(request, options);
          } finally {
            asked.delete(replicaId);
          }
        },
      }));
    },
  },
  "outcome-forgotten": {
    broken: "Asked what became of a commit in doubt, the hub says that it was never executed.",
    where: lossy,
    apply: (sut) =>
      onHubEnd(sut, (transport) => ({
        async changes(request, options) {
          const answer = await transport.changes(request, options);
          const forgotten = answer.workspaces.map((each) =>
            each.kind === "gone"
              ? each
              : { ...each, outcomes: each.outcomes.map(({ counter }) => ({ counter, answer: { kind: "fenced" as const } })) },
          );
          return { ...answer, workspaces: forgotten };
        },
        outcomes: async (request, options) =>
          (await transport.outcomes(request, options)).map(({ counter }) => ({ counter, answer: { kind: "fenced" as const } })),
      })),
  },
  "answer-kept-apart": {
    broken: "The hub remembers the answer of a commit in a transaction of its own, after that of the changes.",
    where: failingStores,
    apply: (sut) => inTwoTransactions(sut, (table) => table !== "mark"),
  },
  "node-before-journal": {
    broken: "The hub writes the nodes of a commit in one transaction, and its journal rows in the next.",
    where: failingStores,
    apply: (sut) => inTwoTransactions(sut, (table) => table === "node" || table === "manifest"),
  },
  "children-unseen": {
    broken: "The hub deletes a directory without looking for live children in it.",
    where: contestedFolder,
    apply: (sut) => onHubStore(sut, () => ({ children: async () => [] })),
  },
  "tombstone-lost": {
    broken: "A deletion gets its row in the journal, and the node stays alive at the hub.",
    where: crowded,
    apply: (sut) =>
      onHubStore(sut, (store) => ({
        append: async (batches) =>
          await store.append(
            batches.map((batch) => ({ ...batch, rows: batch.rows.filter((change) => change.table !== "node" || !change.row.deleted) })),
          ),
      })),
  },
} satisfies Record<string, Mutant>;

/** The hub is told that the changes for which `isTold` are based on its current versions. A repeated commit is told the same. */
function withBases(sut: Parameters<Mutant["apply"]>[0], isTold: (change: Change, head: Head) => boolean) {
  const told = new Map<string, Uint8Array>();
  return onHubEnd(sut, (transport, store) => ({
    async commit({ workspaceId, commit }, options) {
      const { replicaId, counter } = decode(commitCodec, commit);
      const key = `${replicaId} ${counter}`;
      const rebased = told.get(key) ?? (await rebase(store, workspaceId, commit, isTold));
      told.set(key, rebased);
      return await transport.commit({ workspaceId, commit: rebased }, options);
    },
  }));
}

async function rebase(
  store: HubStore,
  workspaceId: WorkspaceId,
  body: Uint8Array,
  isTold: (change: Change, head: Head) => boolean,
): Promise<Uint8Array> {
  const commit = decode(commitCodec, body);
  const rows = await store.nodes(
    workspaceId,
    commit.changes.map(({ nodeId }) => nodeId),
  );
  const changes = commit.changes.map((change, index): Change => {
    const row = rows[index];
    const head = row && decode(headCodec, row.body);
    if (head === undefined || !isTold(change, head)) return change;
    const { placeVector, contentVector } = head;
    if (change.kind === "delete") return { ...change, placeBase: placeVector, contentBase: contentVector };
    const place = change.place && { ...change.place, base: placeVector };
    return { ...change, place, content: change.content && { ...change.content, base: contentVector } };
  });
  return encodeCommit({ ...commit, changes });
}

/** Each commit of the hub is appended in two batches: first the rows of the tables for which `isFirst`, then the others. */
function inTwoTransactions(sut: Parameters<Mutant["apply"]>[0], isFirst: (table: string) => boolean) {
  return onHubStore(sut, (store) => ({
    async append(batches) {
      const results: Array<"appended" | "stale"> = [];
      for (const { workspaceId, expectedStamp, rows } of batches) {
        const [first, second] = [rows.filter(({ table }) => isFirst(table)), rows.filter(({ table }) => !isFirst(table))];
        const isWhole = expectedStamp === undefined || first.length === 0 || second.length === 0;
        const [result = "stale"] = await store.append([{ workspaceId, expectedStamp, rows: isWhole ? rows : first }]);
        results.push(result);
        if (!isWhole && result === "appended") await store.append([{ workspaceId, expectedStamp: expectedStamp + 1, rows: second }]);
      }
      return results;
    },
  }));
}
