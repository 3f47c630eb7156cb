import type { ManifestId, NodeId, WorkspaceId } from "@twinfold/core";
import Database from "better-sqlite3";
import { expect, it } from "vitest";
import { createSqliteReplicaStore } from "../src/index.js";
import { REPLICA_FORMAT } from "../src/replica-format.js";
import { temporaryPath } from "./temporary-path.js";

const WORKSPACE = "c3".repeat(16) as WorkspaceId;
const ROOT = "e5".repeat(16) as NodeId;
const FILE = "d4".repeat(16) as NodeId;
const MANIFEST = "0c".repeat(32) as ManifestId;
const BODY = Uint8Array.of(1, 2, 3);

/** A database as the first release made it. */
function databaseOfFormat1(path: string): void {
  const database = new Database(path);
  database.exec(REPLICA_FORMAT.migrations[0] as string);
  database.pragma("application_id = 0x54574e46");
  database.pragma("user_version = 1");
  database.exec(`
    INSERT INTO workspaces (workspace, workspace_id, state, nodes, dirty, next_turn) VALUES (7, x'${WORKSPACE}', x'0506', 1, 1, 5);
    INSERT INTO nodes VALUES (7, x'${FILE}', x'010203', 4, x'${ROOT}', 'a', '8:300', x'${MANIFEST}', x'${ROOT}', 'b');
    INSERT INTO manifests VALUES (7, x'${MANIFEST}', x'09');
    INSERT INTO outbox VALUES (7, 3, x'08');
  `);
  database.close();
}

it("takes over a database of format 1 with all that it holds", async () => {
  const path = temporaryPath();
  databaseOfFormat1(path);

  const store = await createSqliteReplicaStore({ path });
  const row = {
    nodeId: FILE,
    body: BODY,
    dirty: true,
    local: { parentId: ROOT, nameKey: "a", inode: "8:300", manifestId: MANIFEST },
    remote: { parentId: ROOT, nameKey: "b" },
  };
  expect(await store.dirty(WORKSPACE, 9)).toEqual([row]);
  expect(await store.byManifest(WORKSPACE, [MANIFEST], 9)).toEqual([[row]]);
  expect(await store.counts(WORKSPACE)).toEqual({ nodes: 1, dirty: 1 });
  expect(await store.state(WORKSPACE)).toEqual(Uint8Array.of(5, 6));
  expect(await store.manifests(WORKSPACE, [MANIFEST])).toEqual([Uint8Array.of(9)]);
  expect(await store.outbox(WORKSPACE)).toEqual([{ counter: 3, body: Uint8Array.of(8) }]);

  const settled = { ...row, dirty: false, remote: { parentId: ROOT, nameKey: "a" } };
  await store.write(WORKSPACE, { put: [settled] });
  expect(await store.rows(WORKSPACE, [FILE])).toEqual([settled]);
  await store.close();

  const database = new Database(path);
  expect(database.pragma("user_version", { simple: true })).toBe(3);
  database.close();
});
