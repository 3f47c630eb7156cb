import { createMemoryLocalTree, parsePath } from "@twinfold/core";
import { describe, expect, it } from "vitest";

describe("createMemoryLocalTree", () => {
  it("shows a person's edits to the engine, and the engine's to the person", async () => {
    const tree = createMemoryLocalTree();
    tree.write("notes/today.txt", "by hand");
    expect((await tree.list(parsePath("notes"))).entries.map(({ name }) => name)).toEqual(["today.txt"]);

    const staging = await tree.stage("key");
    await staging.append(new TextEncoder().encode("by Twinfold"));
    const placed = await staging.place(parsePath("notes/other.txt"), undefined, { executable: true, mtimeNs: 1_234_567n });

    expect(placed).toMatchObject({ kind: "done", stat: { kind: "file", executable: true, mtimeNs: 1_234_000n } });
    expect([...tree.files().keys()]).toEqual(["notes", "notes/other.txt", "notes/today.txt"]);
  });

  it("gives every state of a file a stat of its own, though the clock stands still", async () => {
    const tree = createMemoryLocalTree({ env: { nowMs: () => 1 } });
    tree.write("a", "1");
    const first = await tree.stat(parsePath("a"));
    tree.write("a", "2");
    const second = await tree.stat(parsePath("a"));

    expect(second).not.toEqual(first);
    expect(second?.inode).toBe(first?.inode);
  });

  it("keeps what was replaced in the trash, but not what the person removed", async () => {
    const tree = createMemoryLocalTree();
    tree.write("a", "old");
    const staging = await tree.stage("key");
    await staging.place(parsePath("a"), await tree.stat(parsePath("a")), { executable: false, mtimeNs: 0n });
    tree.rm("a");

    expect(tree.trashed().map(({ path, entry }) => [path, entry.kind === "file" && new TextDecoder().decode(entry.bytes)])).toEqual([["a", "old"]]);
  });

  it("refuses every call while its root is another one", async () => {
    const tree = createMemoryLocalTree();
    tree.setRoot("foreign");
    await expect(tree.list(parsePath(""))).rejects.toMatchObject({ code: "ERR_ROOT_FOREIGN" });
    tree.setRoot("present");
    await expect(tree.check()).resolves.toBe("1");
  });
});
