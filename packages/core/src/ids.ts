import { bytesToHex } from "./codec/hex.js";
import type { Env } from "./env.js";
import { TwinfoldError } from "./errors.js";

declare const brand: unique symbol;
type Id<Name extends string> = string & { readonly [brand]: Name };

/** 16 bytes, as are all ids but those that are hashes; written as 32 lower-case hex digits. */
export type NodeId = Id<"NodeId">;
export type WorkspaceId = Id<"WorkspaceId">;
/** Stands for a device in version vectors; made anew with each link's rows. */
export type ReplicaId = Id<"ReplicaId">;
export type DraftId = Id<"DraftId">;
export type AccountId = Id<"AccountId">;
export type DeviceId = Id<"DeviceId">;
/** SHA-256 of a chunk's bytes after wire decoding: 64 lower-case hex digits. */
export type ChunkId = Id<"ChunkId">;
/** SHA-256 of a manifest's canonical binary form. */
export type ManifestId = Id<"ManifestId">;

/** The hub's own entry in every version vector. */
export const HUB_REPLICA_ID = "0".repeat(32) as ReplicaId;

function parser<T extends string>(what: string, bytes: number): (text: string) => T {
  const pattern = new RegExp(`^[0-9a-f]{${bytes * 2}}$`);
  return (text) => {
    if (typeof text !== "string" || !pattern.test(text)) {
      throw new TwinfoldError("ERR_INVALID_ARGUMENT", `a ${what} is ${bytes * 2} lower-case hex digits, got ${JSON.stringify(text)}`);
    }
    return text as T;
  };
}

export const parseNodeId = parser<NodeId>("node id", 16);
export const parseWorkspaceId = parser<WorkspaceId>("workspace id", 16);
export const parseReplicaId = parser<ReplicaId>("replica id", 16);
export const parseDraftId = parser<DraftId>("draft id", 16);
export const parseAccountId = parser<AccountId>("account id", 16);
export const parseDeviceId = parser<DeviceId>("device id", 16);
export const parseChunkId = parser<ChunkId>("chunk id", 32);
export const parseManifestId = parser<ManifestId>("manifest id", 32);

/** 16 random bytes as an id of the kind that the caller's variable names. */
export function randomId<T extends string & { readonly [brand]: string }>(env: Pick<Env, "randomBytes">): T {
  return bytesToHex(env.randomBytes(16)) as T;
}
