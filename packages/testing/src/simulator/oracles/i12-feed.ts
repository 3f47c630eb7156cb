import type { Cursor, DeviceId, ReplicaId } from "@twinfold/core";
import type { Oracle, WorldView } from "../oracle.js";

const READER = "e".repeat(32);

/** Whoever reads the journal from a cursor sees every accepted change exactly once, in gapless order, whenever it looks. */
export function feed(): Oracle {
  let cursor: Cursor | undefined;
  let lastSeq = 0;

  const look = async ({ hub, workspaceId, accountId }: WorldView, fail: (message: string) => void): Promise<void> => {
    const transport = hub.readerFor({ accountId, deviceId: READER as DeviceId, deviceName: "reader" });
    const query = { workspaceId, replicaId: READER as ReplicaId, inDoubt: [] };
    for (;;) {
      if (cursor === undefined) {
        const heads = await transport.heads({ workspaceId, afterSeq: 0 });
        cursor = heads.cursor;
        lastSeq = cursor.seq;
      }
      const { workspaces } = await transport.changes({ helloHash: undefined, workspaces: [{ ...query, cursor }] });
      const answer = workspaces[0];
      if (answer?.kind === "unchanged") return;
      if (answer?.kind !== "rows") {
        if (hub.restores === 0) fail(`a reader at seq ${cursor.seq} was answered ${answer?.kind ?? "nothing"}`);
        cursor = undefined;
        if (answer?.kind === "reset") continue;
        return;
      }
      for (const { row } of answer.rows) {
        if (row.head.seq !== lastSeq + 1) fail(`after seq ${lastSeq} the journal went on with ${row.head.seq}`);
        lastSeq = row.head.seq;
      }
      cursor = answer.cursor;
      if (!answer.more) {
        if (cursor.seq !== lastSeq) fail(`a cursor says seq ${cursor.seq} after rows up to ${lastSeq}`);
        return;
      }
    }
  };
  return {
    id: "I12",
    async onAppended({ workspaceId, rows }, { hub }, fail) {
      const [newest] = rows.flatMap((change) => (change.table === "node" ? [change.row] : [])).sort((a, b) => b.seq - a.seq);
      const [row] = newest === undefined ? [] : await hub.store.journal(workspaceId, newest.seq - 1, 1);
      if (newest !== undefined && row?.seq !== newest.seq)
        fail(`node ${newest.nodeId} has a version of seq ${newest.seq}, which is not in the journal`);
    },
    onLook: look,
    onRest: look,
  };
}
