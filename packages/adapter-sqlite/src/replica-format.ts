import type { DatabaseFormat } from "./database.js";

/*
 * One row per node, stored in the order of writing (see `HUB_FORMAT`), and small indexes that hold only the rows that have the value.
 * `workspaces` counts its rows, so that no status has to; `next_turn` only grows: it is the order in which rows became dirty.
 */
export const REPLICA_FORMAT: DatabaseFormat = {
  title: "the replica's metadata",
  exclusive: true,
  repair: "move it away and link the folders again: no file is lost, they are compared with the server's",
  migrations: [
    `
    CREATE TABLE workspaces (
      workspace INTEGER PRIMARY KEY,
      workspace_id BLOB NOT NULL UNIQUE,
      state BLOB,
      nodes INTEGER NOT NULL DEFAULT 0,
      dirty INTEGER NOT NULL DEFAULT 0,
      next_turn INTEGER NOT NULL DEFAULT 1
    ) STRICT;

    CREATE TABLE nodes (
      workspace INTEGER NOT NULL,
      node_id BLOB NOT NULL,
      body BLOB NOT NULL,
      dirty_turn INTEGER,
      local_parent_id BLOB,
      local_name_key TEXT,
      inode TEXT,
      manifest_id BLOB,
      remote_parent_id BLOB,
      remote_name_key TEXT
    ) STRICT;
    CREATE UNIQUE INDEX nodes_by_id ON nodes (workspace, node_id);
    CREATE INDEX nodes_by_turn ON nodes (workspace, dirty_turn) WHERE dirty_turn IS NOT NULL;
    CREATE INDEX nodes_by_local_name ON nodes (workspace, local_parent_id, local_name_key) WHERE local_parent_id IS NOT NULL;
    CREATE INDEX nodes_by_remote_name ON nodes (workspace, remote_parent_id, remote_name_key) WHERE remote_parent_id IS NOT NULL;
    CREATE INDEX nodes_by_inode ON nodes (workspace, inode) WHERE inode IS NOT NULL;
    CREATE INDEX nodes_by_manifest ON nodes (workspace, manifest_id) WHERE manifest_id IS NOT NULL;

    CREATE TABLE manifests (
      workspace INTEGER NOT NULL,
      manifest_id BLOB NOT NULL,
      body BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX manifests_by_id ON manifests (workspace, manifest_id);

    CREATE TABLE outbox (
      workspace INTEGER NOT NULL,
      counter INTEGER NOT NULL,
      body BLOB NOT NULL,
      PRIMARY KEY (workspace, counter)
    ) STRICT, WITHOUT ROWID;
    `,
    `
    CREATE TABLE looks (
      workspace INTEGER NOT NULL,
      node_id BLOB NOT NULL,
      body BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX looks_by_id ON looks (workspace, node_id);
    `,
    "-- Bodies name what is as the hub's head says only once. Those of format 2 are read as before; a program of format 2 cannot read the new ones.",
  ],
};
