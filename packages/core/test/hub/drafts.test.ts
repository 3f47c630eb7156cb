import { createHub, createMemoryBlobStore, createMemoryHubStore, type DraftId, type DraftNews, type NodeName, type WaitAnswer } from "@twinfold/core";
import { describe, expect, it } from "vitest";
import { bytesOf, frameOf, hexId, nodeId, principal, replicaId, testEnv } from "./hub-world.js";

const DAY_MS = 24 * 60 * 60 * 1_000;
const draftId = (n: number): DraftId => hexId<DraftId>("e", n);
const entries = [1, 2, 3, 4].map((n) => ({ chunkId: frameOf(bytesOf(`chunk ${n}`)).chunkId, lengthBytes: 7 }));

async function openDrafts() {
  let nowMs = 1_000;
  const store = createMemoryHubStore();
  const hub = createHub({ blobs: createMemoryBlobStore(), store, env: { ...testEnv(), nowMs: () => nowMs } });
  const workspaceId = await hub.createWorkspace(principal(1).accountId);
  const session = hub.session(principal(1));
  return {
    hub,
    later: (ms: number) => {
      nowMs += ms;
    },
    /** Grows the draft `n` of a replica, which is about the node `node`, by its first entries from `firstIndex` to `end`. */
    grow: (n: number, { replica = 1, node = n, firstIndex = 0, end = 2 } = {}) =>
      session.draft({
        workspaceId,
        replicaId: replicaId(replica),
        draftId: draftId(n),
        firstIndex,
        runs: [{ kind: "entries", entries: entries.slice(firstIndex, end) }],
        about: { nodeId: nodeId(node), place: { parentId: nodeId(0), name: "large" as NodeName }, sizeBytes: 28 },
      }),
    stored: async () => (await store.drafts(workspaceId, 100)).map((draft) => draft.draftId),
    /** The drafts of which another replica is told. */
    async told(): Promise<readonly DraftId[]> {
      const ending = new AbortController();
      const waiting = session.wait(
        { workspaces: [{ workspaceId, afterSeq: 0 }], timeoutMs: 1, drafts: [{ workspaceId, replicaId: replicaId(9), known: [] }] },
        { signal: ending.signal },
      );
      const answer: WaitAnswer = await Promise.race([waiting, new Promise<WaitAnswer>((resolve) => setImmediate(() => resolve({ moved: [] })))]);
      waiting.catch(() => {}); // it is the answer by now, or is let go of
      ending.abort(new Error("enough"));
      return (answer.drafts ?? []).map((draft: DraftNews) => draft.draftId);
    },
  };
}

describe("drafts that are told to others", () => {
  it("are forgotten when nobody has touched them for seven days, and go when another one is begun", async () => {
    const { grow, later, told, stored } = await openDrafts();
    await grow(1);
    later(4 * DAY_MS);
    await grow(2, { replica: 2 });
    later(3 * DAY_MS - 1);
    expect(await told()).toEqual([draftId(1), draftId(2)]);
    later(1);
    expect(await told()).toEqual([draftId(2)]);
    await grow(2, { replica: 2, firstIndex: 2, end: 3 });
    expect(await stored()).toEqual([draftId(1), draftId(2)]);
    await grow(3, { replica: 3 });
    expect(await stored()).toEqual([draftId(2), draftId(3)]);
  });

  it("are sixteen of a replica at the most: the one longest untouched makes room", async () => {
    const { grow, later, stored } = await openDrafts();
    await grow(99, { replica: 2 });
    for (let n = 1; n <= 16; n++) {
      later(1);
      await grow(n);
    }
    later(1);
    await grow(1, { firstIndex: 2, end: 3 });
    await grow(17);
    expect(await stored()).toEqual([...[1, ...Array.from({ length: 14 }, (_, at) => at + 3), 17].map(draftId), draftId(99)].sort());
  });

  it("are one of a replica for each node", async () => {
    const { grow, stored } = await openDrafts();
    await grow(1, { node: 5 });
    await grow(2, { node: 5, replica: 2 });
    await grow(3, { node: 5 });
    expect(await stored()).toEqual([draftId(2), draftId(3)]);
  });

  it("are counted by the chunks that were told", async () => {
    const { hub, grow, told } = await openDrafts();
    await grow(1);
    await told();
    expect(hub.counters.draftChunksTold).toBe(2);
  });
});
