import type { DatabaseFormat } from "./database.js";

/*
 * Rows with a body are stored in the order in which they are written, and found by small indexes: a batch of rows with random ids
 * then touches a few pages of indexes and one run of the table, not a page per row. `workspace` is short for a workspace's id.
 */
export const HUB_FORMAT: DatabaseFormat = {
  title: "the hub's metadata",
  exclusive: false,
  repair: "stop the server, keep a copy of the file, and put back the last backup",
  migrations: [
    `
    CREATE TABLE workspaces (
      workspace INTEGER PRIMARY KEY,
      workspace_id BLOB NOT NULL UNIQUE,
      root_node_id BLOB NOT NULL,
      epoch BLOB NOT NULL,
      stamp INTEGER NOT NULL,
      head_seq INTEGER NOT NULL,
      chain BLOB NOT NULL,
      compacted_below INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE members (
      workspace INTEGER NOT NULL,
      account_id BLOB NOT NULL,
      role TEXT NOT NULL,
      PRIMARY KEY (workspace, account_id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE nodes (
      workspace INTEGER NOT NULL,
      node_id BLOB NOT NULL,
      parent_id BLOB NOT NULL,
      name_key TEXT NOT NULL,
      deleted INTEGER NOT NULL,
      seq INTEGER NOT NULL,
      body BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX nodes_by_id ON nodes (workspace, node_id);
    CREATE UNIQUE INDEX live_nodes_by_name ON nodes (workspace, parent_id, name_key) WHERE deleted = 0;
    CREATE INDEX live_nodes_by_parent ON nodes (workspace, parent_id, node_id) WHERE deleted = 0;
    CREATE INDEX nodes_by_seq ON nodes (workspace, seq, node_id);

    CREATE TABLE journal (
      workspace INTEGER NOT NULL,
      seq INTEGER NOT NULL,
      body BLOB NOT NULL,
      chain BLOB NOT NULL,
      PRIMARY KEY (workspace, seq)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE revisions (
      workspace INTEGER NOT NULL,
      node_id BLOB NOT NULL,
      revision INTEGER NOT NULL,
      body BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX revisions_by_node ON revisions (workspace, node_id, revision);

    CREATE TABLE manifests (
      workspace INTEGER NOT NULL,
      manifest_id BLOB NOT NULL,
      body BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX manifests_by_id ON manifests (workspace, manifest_id);

    CREATE TABLE marks (
      workspace INTEGER NOT NULL,
      replica_id BLOB NOT NULL,
      account_id BLOB NOT NULL,
      watermark INTEGER NOT NULL,
      answers BLOB NOT NULL,
      acked_seq INTEGER NOT NULL,
      PRIMARY KEY (workspace, replica_id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE possessed (
      workspace INTEGER NOT NULL,
      chunk_id BLOB NOT NULL,
      length_bytes INTEGER NOT NULL,
      PRIMARY KEY (workspace, chunk_id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE drafts (
      workspace INTEGER NOT NULL,
      draft_id BLOB NOT NULL,
      replica_id BLOB NOT NULL,
      manifest BLOB NOT NULL,
      touched_at_ms INTEGER NOT NULL,
      PRIMARY KEY (workspace, draft_id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE chunks (
      chunk_id BLOB NOT NULL PRIMARY KEY,
      pack TEXT NOT NULL,
      payload_offset INTEGER NOT NULL,
      stored_bytes INTEGER NOT NULL,
      plain_bytes INTEGER NOT NULL,
      codec TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    `,
    // Drafts are told to other devices, whose length is then looked up without their entries. Of those that were begun before nothing is told.
    `
    ALTER TABLE drafts ADD COLUMN length INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE drafts ADD COLUMN about BLOB;
    `,
  ],
};
