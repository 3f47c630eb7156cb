import { type Codec, boolean, encode, id, string, struct, varint } from "./codec/codec.js";
import { bytesToHex, hexToBytes } from "./codec/hex.js";
import type { Sha256 } from "./env.js";
import type { DeviceId, ReplicaId } from "./ids.js";
import { type Head, headCodec } from "./node.js";

/** One accepted change in a workspace's journal: the node as it was from then on, and who changed which part of it. */
export interface JournalRow {
  readonly head: Head;
  readonly placeChanged: boolean;
  readonly contentChanged: boolean;
  readonly replicaId: ReplicaId;
  readonly commitCounter: number;
  readonly deviceId: DeviceId;
  /** Shown beside revisions; at most 64 characters. */
  readonly deviceName: string;
  /** The hub's clock when it accepted the change. Shown to people, orders nothing. */
  readonly atMs: number;
}

/** Longest device name, in bytes of UTF-8. */
export const MAX_DEVICE_NAME_BYTES = 256;

export const journalRowCodec: Codec<JournalRow> = struct<JournalRow>({
  head: headCodec,
  placeChanged: boolean,
  contentChanged: boolean,
  replicaId: id<ReplicaId>(16),
  commitCounter: varint,
  deviceId: id<DeviceId>(16),
  deviceName: string(MAX_DEVICE_NAME_BYTES),
  atMs: varint,
});

/** Random id of one lineage of a workspace's journal; a hub that was restored or made anew has another. 16 bytes in hex. */
export type Epoch = string;

/** A place in one workspace's journal. The replica keeps it and gives it back; only the hub judges it. */
export interface Cursor {
  readonly epoch: Epoch;
  /** The last row that was seen; 0 before the first. */
  readonly seq: number;
  /** First 8 bytes of the hash chain at `seq`, in hex: two journals that differ below `seq` differ here. */
  readonly chain: string;
}

export const cursorCodec: Codec<Cursor> = struct<Cursor>({ epoch: id<Epoch>(16), seq: varint, chain: id<string>(8) });

/** chain₀ = SHA-256(epoch). 32 bytes. */
export function firstChain(epoch: Epoch, sha256: Sha256): Uint8Array {
  return sha256(hexToBytes(epoch));
}

/** chainₙ = SHA-256(chainₙ₋₁ ‖ row in canonical form). */
export function nextChain(chain: Uint8Array, rowBytes: Uint8Array, sha256: Sha256): Uint8Array {
  const joined = new Uint8Array(chain.length + rowBytes.length);
  joined.set(chain);
  joined.set(rowBytes, chain.length);
  return sha256(joined);
}

export function cursorAt(epoch: Epoch, seq: number, chain: Uint8Array): Cursor {
  return { epoch, seq, chain: bytesToHex(chain.subarray(0, 8)) };
}

export function encodeJournalRow(row: JournalRow): Uint8Array {
  return encode(journalRowCodec, row);
}
