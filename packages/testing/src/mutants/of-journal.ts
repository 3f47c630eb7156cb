import { type Bus, type ChangesQuery, createInProcessBus, type Cursor, cursorAt, type HubStore, type WorkspaceId } from "@twinfold/core";
import type { Mutant } from "./mutant.js";
import { onHub, onHubEnd, onHubStore } from "./seams.js";
import { busyHub, crowded, failingStores, restored } from "./where.js";

/** Past every journal. */
const FAR_SEQ = 2 ** 40;

/** Mutants of the order of changes, and of how a hub and its devices find out where each other is. */
export const ofJournal = {
  "stamp-ignored": {
    broken: "Two processes of the hub decide at once, and the later append does not look whether the workspace has moved.",
    where: busyHub,
    apply(sut) {
      const unguarded = onHubStore(sut, (store) => ({
        async append(batches) {
          const now = batches.map(async (batch) =>
            batch.expectedStamp === undefined ? batch : { ...batch, expectedStamp: (await store.workspace(batch.workspaceId))?.stamp },
          );
          return await store.append(await Promise.all(now));
        },
      }));
      return onHub(unguarded, () => ({ bus: concurrentBus() }));
    },
  },
  "seq-before-append": {
    broken: "A seq is taken before the append, and is used up when that fails.",
    where: failingStores,
    apply(sut) {
      let commits = 0;
      let burnt = 0;
      const atStore = onHubStore(sut, (store) => ({
        async workspace(workspaceId) {
          const row = await store.workspace(workspaceId);
          return row && commits > 0 ? { ...row, headSeq: row.headSeq + burnt } : row;
        },
        async append(batches) {
          const journals = batches.some(({ rows }) => rows.some(({ table }) => table === "journal"));
          try {
            const results = await store.append(batches);
            if (journals) burnt = 0;
            return results;
          } catch (error) {
            if (journals) burnt += 1;
            throw error;
          }
        },
      }));
      return onHubEnd(atStore, (transport) => ({
        async commit(request, options) {
          commits += 1;
          try {
            return await transport.commit(request, options);
          } finally {
            commits -= 1;
          }
        },
      }));
    },
  },
  "append-failure-ignored": {
    broken: "The hub answers a commit as done whose append failed.",
    where: failingStores,
    apply: (sut) =>
      onHubStore(sut, (store) => ({
        append: async (batches) => await store.append(batches).catch(() => batches.map(() => "appended" as const)),
      })),
  },
  "row-left-out": {
    broken: "An answer with several rows of the journal leaves the second out.",
    where: crowded,
    apply: (sut) =>
      onHubEnd(sut, (transport) => ({
        async changes(request, options) {
          const answer = await transport.changes(request, options);
          const workspaces = answer.workspaces.map((each) =>
            each.kind === "rows" && each.rows.length > 2 ? { ...each, rows: each.rows.toSpliced(1, 1) } : each,
          );
          return { ...answer, workspaces };
        },
      })),
  },
  "cursor-read-later": {
    broken: "The cursor of an answer is read after its rows, so it stands for rows that nobody sent.",
    where: busyHub,
    apply: (sut) =>
      onHubEnd(sut, (transport) => ({
        async changes(request, options) {
          const answer = await transport.changes(request, options);
          const workspaces = [];
          for (const [index, each] of answer.workspaces.entries()) {
            const { workspaceId } = request.workspaces[index] as ChangesQuery;
            if (each.kind !== "rows" || each.more) workspaces.push(each);
            else workspaces.push({ ...each, cursor: (await transport.heads({ workspaceId, afterSeq: FAR_SEQ }, options)).cursor });
          }
          return { ...answer, workspaces };
        },
      })),
  },
  "chain-unchecked": {
    broken: "The hub compares the seq of a cursor with its journal, and not the hash chain.",
    where: restored,
    apply: (sut) => withCursors(sut, (cursor, headSeq) => cursor.seq <= headSeq),
  },
  "epoch-kept": {
    broken: "A hub that was put back to a backup takes cursors from before for its own.",
    where: restored,
    apply: (sut) => withCursors(sut, () => true),
  },
} satisfies Record<string, Mutant>;

/** Decisions of one workspace are not made one after another, as in two processes. The stamp alone keeps them apart. */
export function concurrentBus(): Bus {
  let work: Parameters<Bus["serve"]>[0] | undefined;
  return {
    ...createInProcessBus(),
    serve(handler) {
      work = handler;
      return () => {};
    },
    request: async (workspaceId, payload) => {
      if (work === undefined) throw new Error("nobody serves this bus");
      return await work(workspaceId, payload);
    },
  };
}

/** Cursors for which `isTaken` are made to be of this hub's journal before the hub looks at them. */
function withCursors(sut: Parameters<Mutant["apply"]>[0], isTaken: (cursor: Cursor, headSeq: number) => boolean) {
  return onHubEnd(sut, (transport, store) => {
    const taken = async (workspaceId: WorkspaceId, cursor: Cursor | undefined) => cursor && (await asOurs(store, workspaceId, cursor, isTaken));
    return {
      async changes(request, options) {
        const workspaces = [];
        for (const query of request.workspaces) {
          const { workspaceId, cursor, highest } = query;
          workspaces.push({ ...query, cursor: await taken(workspaceId, cursor), highest: await taken(workspaceId, highest) });
        }
        return await transport.changes({ ...request, workspaces }, options);
      },
    };
  });
}

async function asOurs(
  store: HubStore,
  workspaceId: WorkspaceId,
  cursor: Cursor,
  isTaken: (cursor: Cursor, headSeq: number) => boolean,
): Promise<Cursor> {
  const workspace = await store.workspace(workspaceId);
  if (workspace === undefined || cursor.seq === 0 || !isTaken(cursor, workspace.headSeq)) return cursor;
  const { epoch, headSeq, chain } = workspace;
  if (cursor.seq >= headSeq) return cursorAt(epoch, headSeq, chain);
  const [row] = await store.journal(workspaceId, cursor.seq - 1, 1);
  return row === undefined ? cursor : cursorAt(epoch, row.seq, row.chain);
}
