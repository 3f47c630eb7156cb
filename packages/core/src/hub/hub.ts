import type { Bus } from "../bus/bus.js";
import type { Env } from "../env.js";
import type { TwinfoldError } from "../errors.js";
import type { AccountId, DeviceId, WorkspaceId } from "../ids.js";
import type { HubStore } from "../metadata/hub-store.js";
import type { BlobStore } from "../storage/blob-store.js";
import type { Transport } from "../transport/transport.js";

/** Who asks. The server has checked it. */
export interface Principal {
  readonly accountId: AccountId;
  readonly deviceId: DeviceId;
  /** Shown beside revisions. */
  readonly deviceName: string;
}

export interface HubOptions {
  readonly blobs: BlobStore;
  readonly store: HubStore;
  readonly env: Env;
  /** @default a bus inside this process */
  readonly bus?: Bus | undefined;
  /** @default 10 GiB */
  readonly maxFileBytes?: number | undefined;
  /** Longest that `wait` is held. @default 55 s */
  readonly maxWaitMs?: number | undefined;
  /** Told the `ERR_INTEGRITY` of each stored chunk that was asked for and is damaged: an operator has to restore its pack. */
  readonly onDamage?: ((damage: TwinfoldError) => void) | undefined;
}

/** The authority that accepts or refuses commits. */
export interface Hub {
  /** Makes an empty workspace, owned by `owner`. */
  createWorkspace(owner: AccountId): Promise<WorkspaceId>;
  /** The operations of one device. Whether it may, is judged at each call, in one place. */
  session(principal: Principal): Transport;
  /** Counters since this hub was made, for `/metrics`. */
  readonly counters: Readonly<Record<HubCounter, number>>;
  /** Lets calls under way end, wakes all that wait, and refuses new calls with `ERR_CLOSED`. The stores stay open. */
  close(): Promise<void>;
}

export type HubCounter =
  | "commits"
  | "changesAccepted"
  | "changesRefused"
  | "appendsStale"
  | "packsWritten"
  | "chunksStored"
  | "chunksDeduplicated"
  | "bytesStored"
  | "chunksServed"
  | "bytesServed"
  | "chunksDamaged"
  | "deltaFramesReceived"
  | "deflateFramesReceived"
  | "framesAskedAgain"
  | "deltaFramesServed"
  | "deflateFramesServed"
  | "bytesSaved"
  | "chunksSketched"
  | "draftChunksTold"
  | "waiting";
