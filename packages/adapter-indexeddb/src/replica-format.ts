import type { ManifestId, NodeId, ReplicaRow, WorkspaceId } from "@twinfold/core";
import type { DBSchema } from "idb";
import type { DatabaseFormat } from "./store-database.js";

/** One for each workspace. It counts its rows, so that no status has to; `nextTurn` only grows: it is the order in which rows became dirty. */
export interface StoredWorkspace {
  /** Stands for the id in all other keys, at an eighth of its size. 0 is never given. */
  readonly workspace?: number;
  readonly workspaceId: WorkspaceId;
  readonly nodes: number;
  readonly dirty: number;
  readonly nextTurn: number;
  readonly state?: Uint8Array | undefined;
}

export interface StoredNode extends Omit<ReplicaRow, "dirty"> {
  readonly workspace: number;
  /** Absent when the row is clean. */
  readonly turn?: number;
}

type NameIndexKey = [workspace: number, parentId: NodeId, nameKey: string];

export interface ReplicaSchema extends DBSchema {
  workspaces: { key: number; value: StoredWorkspace; indexes: { byId: WorkspaceId } };
  nodes: {
    key: [workspace: number, nodeId: NodeId];
    value: StoredNode;
    indexes: {
      byTurn: [workspace: number, turn: number];
      byLocalName: NameIndexKey;
      byRemoteName: NameIndexKey;
      byInode: [workspace: number, inode: string];
      byManifest: [workspace: number, manifestId: ManifestId];
    };
  };
  manifests: { key: [workspace: number, manifestId: ManifestId]; value: Uint8Array };
  looks: { key: [workspace: number, nodeId: NodeId]; value: Uint8Array };
  outbox: { key: [workspace: number, counter: number]; value: Uint8Array };
}

/** IndexedDB leaves a row out of an index when it lacks a part of the key: so each holds only the rows that have the value. */
export const REPLICA_FORMAT: DatabaseFormat<ReplicaSchema> = {
  migrations: [
    (database) => {
      database.createObjectStore("workspaces", { keyPath: "workspace", autoIncrement: true }).createIndex("byId", "workspaceId", { unique: true });
      const nodes = database.createObjectStore("nodes", { keyPath: ["workspace", "nodeId"] });
      nodes.createIndex("byTurn", ["workspace", "turn"]);
      nodes.createIndex("byLocalName", ["workspace", "local.parentId", "local.nameKey"]);
      nodes.createIndex("byRemoteName", ["workspace", "remote.parentId", "remote.nameKey"]);
      nodes.createIndex("byInode", ["workspace", "local.inode"]);
      nodes.createIndex("byManifest", ["workspace", "local.manifestId"]);
      database.createObjectStore("manifests");
      database.createObjectStore("outbox");
    },
    (database) => void database.createObjectStore("looks"),
    // Bodies name what is as the hub's head says only once. Those of format 2 are read as before; a program of format 2 cannot read the new ones.
    () => {},
  ],
};

/** All keys that begin with these parts: an array is greater than any number or string. Source: W3C Indexed Database API 3.0, 2.4. */
export function keysUnder(...parts: ReadonlyArray<number | string>): IDBKeyRange {
  return IDBKeyRange.bound([...parts], [...parts, []]);
}
