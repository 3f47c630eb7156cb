import { writeSync } from "node:fs";
import { isTwinfoldError, nobleSha256, parseAccountId, parseNodeId, parseWorkspaceId, type WorkspaceRow } from "@twinfold/core";
import { createSqliteHubStore, createSqliteReplicaStore } from "../src/index.js";

/*
 * Another process: `append PATH` tells each journal row that is durable until it is killed, `hold PATH` tells when it has the
 * replica store open and keeps it, `try PATH` tells how opening it went and ends.
 */

const [mode, path = ""] = process.argv.slice(2);
const WORKSPACE = parseWorkspaceId("1".repeat(32));

function tell(line: string): void {
  writeSync(1, `${line}\n`);
}

async function append(): Promise<void> {
  const store = await createSqliteHubStore({ path });
  const created: WorkspaceRow = {
    workspaceId: WORKSPACE,
    rootNodeId: parseNodeId("0".repeat(32)),
    epoch: "0".repeat(32),
    stamp: 0,
    headSeq: 0,
    chain: new Uint8Array(32),
    compactedBelow: 0,
  };
  await store.createWorkspace(created, parseAccountId("2".repeat(32)));
  /** One of several writers, so that appends share transactions, and some are stale. */
  async function write(): Promise<never> {
    for (;;) {
      const { stamp, workspaceId: _, ...row } = (await store.workspace(WORKSPACE)) ?? created;
      const seq = row.headSeq + 1;
      const body = nobleSha256(new TextEncoder().encode(String(seq)));
      const [outcome] = await store.append([
        {
          workspaceId: WORKSPACE,
          expectedStamp: stamp,
          rows: [
            { table: "journal", row: { seq, body, chain: body } },
            { table: "workspace", row: { ...row, headSeq: seq, chain: body } },
          ],
        },
      ]);
      if (outcome === "appended") tell(String(seq));
    }
  }
  await Promise.all([write(), write(), write(), write()]);
}

async function hold(): Promise<void> {
  const store = await createSqliteReplicaStore({ path });
  await store.write(WORKSPACE, { state: Uint8Array.of(1, 2, 3) });
  tell("open");
  setInterval(() => {}, 60_000); // stays until it is killed
}

async function tryToOpen(): Promise<void> {
  try {
    await (await createSqliteReplicaStore({ path })).close();
    tell("opened");
  } catch (error) {
    tell(isTwinfoldError(error) ? error.code : String(error));
  }
}

if (mode === "append") await append();
if (mode === "hold") await hold();
if (mode === "try") await tryToOpen();
