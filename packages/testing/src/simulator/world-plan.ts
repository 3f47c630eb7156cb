/** A whole world as data: what is in it, what people do, what goes wrong. The same plan gives the same run, on any machine. */
export interface WorldPlan {
  readonly v: 1;
  /** Of all that is drawn while it runs: times, ids, bytes, fates of messages. */
  readonly seed: number;
  readonly swarm: SwarmParams;
  readonly devices: readonly DeviceSpec[];
  /** In order; each begins `waitMs` after the one before. */
  readonly ops: readonly Op[];
  readonly faults: readonly Fault[];
}

export interface DeviceSpec {
  readonly name: string;
  /** `follow`: syncs by itself all the time. `passes`: when a `sync` comes. */
  readonly mode: "follow" | "passes";
  /** Its clock is that much ahead of the world's. */
  readonly skewMs: number;
  /** Its clock gains that share of the time that passes. */
  readonly drift: number;
  /** Of the times of its files. */
  readonly timeGranularityMs: number;
  /** Its disk takes names that differ in case alone for one. */
  readonly foldsCase?: boolean | undefined;
  /** Its disk keeps names in Unicode normalization form D, and finds them in any. */
  readonly listsDecomposed?: boolean | undefined;
  /** Its folder is linked with these names at the root, and holds nothing else. @default everything */
  readonly only?: readonly string[] | undefined;
  /** Its folder is linked so that files over that size come when they are asked for. @default all come at once */
  readonly onDemandAboveBytes?: number | undefined;
}

/** How a world behaves, drawn for each seed: a race that needs one kind of timing is found in the worlds that have it. */
export interface SwarmParams {
  /** Longest time of a message one way; each draws its own. */
  readonly latencyMs: number;
  /** Share of the disk calls that let others run first; the rest follow at once. */
  readonly diskTurns: number;
  /** Likewise of the stores' calls. */
  readonly storeTurns: number;
  /** Shares of the requests that are lost, whose answer is lost, that come twice, whose answer is cut off or damaged. */
  readonly dropRequest: number;
  readonly dropAnswer: number;
  readonly duplicate: number;
  readonly truncate: number;
  readonly corrupt: number;
  /** Share of the disk calls that fail with an I/O error. */
  readonly diskErrors: number;
  /** Share of the hub's calls of its stores that fail for the moment. */
  readonly storeErrors: number;
  /** Files in the workspace at the start, the same on all devices. */
  readonly initialFiles: number;
  /** All come to rest before each op, so nothing is concurrent. */
  readonly calm: boolean;
  /** Files of at least so many bytes are told to other devices while they are sent. @default what a replica takes: none here is as large */
  readonly draftFromBytes?: number | undefined;
}

export const DEFAULT_SWARM: SwarmParams = {
  latencyMs: 10,
  diskTurns: 0,
  storeTurns: 0,
  dropRequest: 0,
  dropAnswer: 0,
  duplicate: 0,
  truncate: 0,
  corrupt: 0,
  diskErrors: 0,
  storeErrors: 0,
  initialFiles: 0,
  calm: false,
  draftFromBytes: undefined,
};

/** Which further fields an op of each kind has. */
export const OP_FIELDS = {
  // What people and their programs do on a device.
  write: ["path", "size"],
  "write-same": ["path"],
  append: ["path"],
  insert: ["path"],
  "truncate-and-write": ["path", "size"],
  "write-slowly": ["path", "size"],
  "save-atomically": ["path", "size"],
  "delete-and-save": ["path", "size"],
  delete: ["path"],
  mkdir: ["path"],
  move: ["path", "to"],
  replace: ["path", "to"],
  swap: ["path", "to"],
  "change-kind": ["path"],
  copy: ["path", "to"],
  symlink: ["path"],
  touch: ["path"],
  chmod: ["path"],
  "change-rules": ["path", "count"],
  "settle-copy": ["path", "count"],
  // What they ask of the engine.
  get: ["path"],
  free: ["path"],
  resolve: ["count"],
  "restore-revision": ["path", "count"],
  "trash-restore": [],
  // What becomes of a device.
  sync: [],
  "sync-all": [],
  offline: [],
  online: [],
  crash: [],
  "lose-power": [],
  "lose-metadata": [],
  "metadata-back": ["count"],
  "unmount-root": ["count"],
  "mount-root": [],
  "step-clock": ["count"],
  suspend: ["count"],
  "clone-device": [],
  "second-process": [],
  // What becomes of the hub; the device does not matter.
  "crash-hub": [],
  "back-up-hub": [],
  "restore-hub": [],
} as const satisfies Record<string, ReadonlyArray<"path" | "to" | "size" | "count">>;

export type OpKind = keyof typeof OP_FIELDS;

const ASKED = ["get", "free", "resolve", "restore-revision", "trash-restore"] as const;

/** What people ask of the engine. */
export type AskedKind = (typeof ASKED)[number];

export function isAsked(kind: OpKind): kind is AskedKind {
  return (ASKED as readonly string[]).includes(kind);
}

/** What people and their programs do in a folder. The rest is asked of the engine, or is what becomes of machines. */
export function isOfPeople(kind: OpKind): boolean {
  return (OP_FIELDS[kind] as readonly string[]).includes("path") && !isAsked(kind);
}

export interface Op {
  readonly kind: OpKind;
  /** Index into `devices`. */
  readonly device: number;
  readonly waitMs: number;
  readonly path?: string | undefined;
  readonly to?: string | undefined;
  /** Of the payload, in bytes; a short name of it is added. */
  readonly size?: number | undefined;
  /** Transactions to go back, days to sleep, seconds to step, or which of several things. */
  readonly count?: number | undefined;
}

/** What happens to one request, counted from 1. */
export type NetworkFaultKind = "drop-request" | "drop-answer" | "duplicate" | "truncate" | "corrupt";

/** What happens at one write of the metadata, or one call of the disk, counted from 1. */
export type DeviceFaultKind = "crash-at-store-write" | "crash-at-disk-call" | "power-loss-at-disk-call" | "disk-error" | "disk-full";

/** What goes wrong once. */
export interface Fault {
  readonly device: number;
  readonly kind: NetworkFaultKind | DeviceFaultKind;
  readonly nth: number;
}
