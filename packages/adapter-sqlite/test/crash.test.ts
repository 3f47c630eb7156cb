import { parseWorkspaceId } from "@twinfold/core";
import { beforeAll, describe, expect, it } from "vitest";
import { createSqliteHubStore, createSqliteReplicaStore } from "../src/index.js";
import { compileChild, type RunningChild, startChild } from "./child-process.js";
import { temporaryPath } from "./temporary-path.js";

const WORKSPACE = parseWorkspaceId("1".repeat(32));

let childFile: string;
beforeAll(async () => {
  childFile = await compileChild();
});

async function toldBy(child: RunningChild): Promise<string | undefined> {
  await child.wrote(1);
  await child.kill();
  return child.lines[0];
}

describe("a hub store whose process is killed", () => {
  it("has every append that was answered, and no half of one", async () => {
    const path = temporaryPath();
    for (const appends of [1, 40, 300]) {
      const child = startChild(childFile, "append", path);
      await child.wrote(appends);
      await child.kill();

      const store = await createSqliteHubStore({ path });
      const headSeq = (await store.workspace(WORKSPACE))?.headSeq ?? 0;
      const journal = await store.journal(WORKSPACE, 0, headSeq + 10);
      expect(journal.map(({ seq }) => seq)).toEqual(Array.from({ length: headSeq }, (_, i) => i + 1));
      expect(headSeq).toBeGreaterThanOrEqual(Math.max(...child.lines.map(Number)));
      await store.close();
    }
  });
});

describe("a replica store that another process has open", () => {
  it("is refused as in use until that process dies, however it dies", async () => {
    const path = temporaryPath();
    const child = startChild(childFile, "hold", path);
    await child.wrote(1);
    await expect(createSqliteReplicaStore({ path })).rejects.toMatchObject({ code: "ERR_IN_USE" });
    await child.kill();

    const store = await createSqliteReplicaStore({ path });
    expect(await store.state(WORKSPACE)).toEqual(Uint8Array.of(1, 2, 3));
    await store.close();
  });

  it("stays refused to others after the process that has it tried to open it once more", async () => {
    const path = temporaryPath();
    const store = await createSqliteReplicaStore({ path });
    await expect(createSqliteReplicaStore({ path })).rejects.toMatchObject({ code: "ERR_IN_USE" });
    expect(await toldBy(startChild(childFile, "try", path))).toBe("ERR_IN_USE");
    await store.close();
    expect(await toldBy(startChild(childFile, "try", path))).toBe("opened");
  });
});
