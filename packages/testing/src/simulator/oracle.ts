import type { AccountId, CommitAnswer, HubBatch, SyncReport, WorkspaceId } from "@twinfold/core";
import type { SeenEntry } from "./folder.js";
import type { Ledger, Payload } from "./ledger.js";
import type { SimDevice } from "./sim-device.js";
import type { SimHub } from "./sim-hub.js";
import type { WorldPlan } from "./world-plan.js";

/** Something that must never be. */
export interface Violation {
  /** Of the oracle that saw it. */
  readonly oracle: string;
  readonly message: string;
}

/** What an oracle may look at. */
export interface WorldView {
  readonly plan: WorldPlan;
  readonly ledger: Ledger;
  readonly devices: readonly SimDevice[];
  readonly hub: SimHub;
  readonly workspaceId: WorkspaceId;
  readonly accountId: AccountId;
  /** Metadata of a device or of the hub was lost or put back: then what was superseded may come back, and nothing may be lost. */
  readonly hadSetback: boolean;
  /** Timers that are still to go off. */
  readonly timers: number;
}

export type Fail = (message: string) => void;

/** Watches one invariant. One object for each world: it may remember. */
export interface Oracle {
  /** As the reference numbers it: `I1` … `I18`. */
  readonly id: string;
  /** After rows became durable at the hub. */
  onAppended?(batch: HubBatch, world: WorldView, fail: Fail): Promise<void>;
  /** After a commit was carried out twice. */
  onTwice?(first: CommitAnswer, second: CommitAnswer, fail: Fail): void;
  /** After a pass. */
  onReport?(device: SimDevice, report: SyncReport, world: WorldView, fail: Fail): void;
  /** When the engine takes a file out of a folder to its trash, and nobody said yes to removals or asked for that. */
  onTakenAway?(device: SimDevice, fail: Fail): void;
  /** After the engine unlinked something in a folder of people's. */
  onUnlink?(what: string, fail: Fail): void;
  /** Now and then while everything goes on. */
  onLook?(world: WorldView, fail: Fail): Promise<void>;
  /** When everything works again and all devices have come to rest. */
  onRest?(world: WorldView, fail: Fail): Promise<void> | void;
}

/** Everything that has to be the same on every device, as text. */
export function describeEntries(entries: ReadonlyMap<string, SeenEntry>, ledger: Ledger): string {
  return [...entries].map(([path, entry]) => `${path}: ${describeEntry(entry, ledger)}`).join("\n");
}

function describeEntry(entry: SeenEntry, ledger: Ledger): string {
  switch (entry.kind) {
    case "file": {
      const payload = ledger.identify(entry.bytes);
      return `${entry.executable ? "executable" : "file"} ${payload === undefined ? `of ${entry.bytes.length} bytes that nobody wrote` : `#${payload.id}`}`;
    }
    case "symlink":
      return `-> ${entry.target}`;
    default:
      return entry.kind;
  }
}

/** The payloads in a folder, each with its paths. */
export function seenPayloads(entries: ReadonlyMap<string, SeenEntry>, ledger: Ledger): ReadonlyMap<Payload, readonly string[]> {
  const seen = new Map<Payload, string[]>();
  for (const [path, entry] of entries) {
    const payload = entry.kind === "file" ? ledger.identify(entry.bytes) : undefined;
    if (payload === undefined) continue;
    const paths = seen.get(payload);
    if (paths === undefined) seen.set(payload, [path]);
    else paths.push(path);
  }
  return seen;
}
