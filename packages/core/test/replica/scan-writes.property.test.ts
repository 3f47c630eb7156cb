import { createMemoryLocalTree, createMemoryReplicaStore, type LocalPath, type ManifestId, type NodeId, type WorkspaceId } from "@twinfold/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NodeName } from "../../src/names.js";
import type { NodeRecord } from "../../src/reconcile/node-record.js";
import { findOwners } from "../../src/replica/scan/owners.js";
import { ScanWrites } from "../../src/replica/scan/scan-writes.js";
import { Trees } from "../../src/replica/trees/trees.js";
import { virtualEnv } from "./twins.js";

const ROOT = "" as LocalPath;
const workspaceId = "a".repeat(32) as WorkspaceId;
const idOf = (index: number): NodeId => index.toString(16).padStart(32, "0") as NodeId;

/** Files of a directory that was looked at: whether a node of each is in the database, only seen so far, or nowhere; and whether it is in another directory by now. */
const files = fc.array(fc.record({ known: fc.constantFrom("written", "seen", "no"), hasMoved: fc.boolean() }), { maxLength: 6 });

describe("what a scan has seen and not written", () => {
  it("is found by its inode as if it were written, and is written only when something is found", async () => {
    await fc.assert(
      fc.asyncProperty(files, async (plan) => {
        const tree = createMemoryLocalTree();
        const trees = await Trees.open(createMemoryReplicaStore(), workspaceId, virtualEnv());
        const writes = new ScanWrites(trees);
        const nodeId = trees.state.rootNodeId;
        tree.mkdir("before");
        const record = async (id: NodeId, parentId: NodeId, path: string): Promise<NodeRecord> => {
          const stat = await tree.stat(path as LocalPath);
          if (stat === undefined) throw new Error(`${path} is not there`);
          const { sizeBytes, executable, mtimeNs } = stat;
          const content =
            stat.kind === "directory"
              ? ({ kind: "directory" } as const)
              : ({ kind: "file", manifestId: "b".repeat(64) as ManifestId, sizeBytes, executable, mtimeNs } as const);
          return { nodeId: id, local: { place: { parentId, name: path.split("/").at(-1) as NodeName }, content, stat, suspect: false } };
        };
        const before = idOf(1_000);
        await trees.write({ put: [await record(before, nodeId, "before")] });
        for (const [index, { known }] of plan.entries()) {
          tree.write(`before/${index}`, `text ${index}`);
          const seen = await record(idOf(index), before, `before/${index}`);
          if (known === "written") await trees.write({ put: [seen] });
          if (known === "seen") await writes.put({ record: seen, manifest: undefined, left: undefined });
        }
        for (const [index, { hasMoved }] of plan.entries()) if (hasMoved) tree.rename(`before/${index}`, `${index}`);

        const listed = (await tree.list(ROOT)).entries.filter(({ stat }) => stat.kind === "file");
        const entries = listed.map((entry) => ({ ...entry, name: entry.name as NodeName }));
        const owners = await findOwners({ trees, tree, writes }, { path: ROOT, nodeId, entries, known: new Map() });

        const found = plan.flatMap(({ known, hasMoved }, index) => (hasMoved && known !== "no" ? [index] : []));
        expect([...owners].map(([name, owner]) => [name, owner.nodeId])).toEqual(found.map((index) => [`${index}`, idOf(index)]));
        const seen = plan.flatMap(({ known }, index) => (known === "seen" ? [idOf(index)] : []));
        expect((await trees.records(seen)).filter((row) => row !== undefined)).toHaveLength(found.length > 0 ? seen.length : 0);
        expect(writes.seen).toBe(seen.length);
      }),
      { numRuns: 100 },
    );
  });
});
