import { describe, expect, it } from "vitest";
import { type AccountId, createMemoryHubStore, type NodeId, type WorkspaceId } from "@twinfold/core";

const W = "aa".repeat(16) as WorkspaceId;
const OWNER = "bb".repeat(16) as AccountId;
const ROOT = W as unknown as NodeId;
const nodeId = (n: number): NodeId => n.toString(16).padStart(32, "0") as NodeId;
const node = (n: number, nameKey: string, seq: number, deleted = false) =>
  ({ table: "node", row: { nodeId: nodeId(n), parentId: ROOT, nameKey, deleted, seq, body: new Uint8Array([n]) } }) as const;

async function storeWith(...rows: ReturnType<typeof node>[]) {
  const store = createMemoryHubStore();
  const row = { workspaceId: W, rootNodeId: ROOT, epoch: W, stamp: 0, headSeq: 0, chain: new Uint8Array(32), compactedBelow: 0 };
  await store.createWorkspace(row, OWNER);
  await store.append([{ workspaceId: W, expectedStamp: 0, rows }]);
  return store;
}

describe("createMemoryHubStore", () => {
  it("swaps two names in one batch", async () => {
    const store = await storeWith(node(1, "a", 1), node(2, "b", 2));
    expect(await store.append([{ workspaceId: W, expectedStamp: 1, rows: [node(1, "b", 3), node(2, "a", 4)] }])).toEqual(["appended"]);
    const found = await store.nodesByName(W, [
      { parentId: ROOT, nameKey: "a" },
      { parentId: ROOT, nameKey: "b" },
    ]);
    expect(found.map((row) => row?.nodeId)).toEqual([nodeId(2), nodeId(1)]);
  });

  it("refuses a taken name and changes nothing", async () => {
    const store = await storeWith(node(1, "a", 1));
    const batch = { workspaceId: W, expectedStamp: 1, rows: [node(3, "c", 2), node(2, "a", 3)] };
    await expect(store.append([batch])).rejects.toMatchObject({ code: "ERR_STORE_FAILED" });
    expect(await store.nodes(W, [nodeId(3)])).toEqual([undefined]);
    expect((await store.workspace(W))?.stamp).toBe(1);
  });

  it("lists each node once, at its latest seq", async () => {
    const store = await storeWith(node(1, "a", 1), node(2, "b", 2));
    for (let seq = 3; seq < 300; seq++) {
      await store.append([{ workspaceId: W, expectedStamp: seq - 2, rows: [node(1, "a", seq)] }]);
    }
    expect((await store.nodesSince(W, 0, 10)).map((row) => row.seq)).toEqual([2, 299]);
    expect(await store.nodesSince(W, 299, 10)).toEqual([]);
  });

  it("opens a snapshot as it was, whatever came after", async () => {
    const store = await storeWith(node(1, "a", 1));
    const older = store.snapshot();
    await store.append([{ workspaceId: W, expectedStamp: 1, rows: [node(1, "b", 2)] }]);
    const restored = createMemoryHubStore({ from: older });
    expect((await restored.nodesByName(W, [{ parentId: ROOT, nameKey: "a" }])).map((row) => row?.seq)).toEqual([1]);
    expect(await restored.append([{ workspaceId: W, expectedStamp: 2, rows: [] }])).toEqual(["stale"]);
  });
});
