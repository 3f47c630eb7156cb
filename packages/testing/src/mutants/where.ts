import { DEFAULT_WEIGHTS, type PlanOptions, type Weights } from "../simulator/plans.js";
import type { OpKind } from "../simulator/world-plan.js";

/** Kinds of worlds, in each of which some kind of bug comes out soon. All are small: two devices, few names, few ops. */

const NONE = Object.fromEntries((Object.keys(DEFAULT_WEIGHTS) as OpKind[]).map((kind) => [kind, 0])) as unknown as Weights;
const EDITS = { write: 10, "save-atomically": 4, delete: 5, move: 4, sync: 24 } as const;

function world(alphabet: Partial<Weights>, { swarm, sizes, names = ["a", "b"], ops = [14, 14], faults = true }: PlanOptions = {}): PlanOptions {
  return {
    clients: [2, 2],
    ops,
    names,
    sizes,
    faults,
    variety: false,
    alphabet: { ...NONE, ...alphabet },
    swarm: { calm: false, diskErrors: 0, storeErrors: 0, corrupt: 0, ...swarm },
  };
}

/** Two people edit the same few files while messages take their time. */
export const crowded = world({ ...EDITS, mkdir: 2 }, { faults: false, swarm: { latencyMs: 200, initialFiles: 0 } });
/** One deletes the folder into which the other writes. */
export const contestedFolder = world(
  { write: 12, delete: 8, sync: 24 },
  { faults: false, names: ["b", "x"], swarm: { latencyMs: 1_000, initialFiles: 2 } },
);
/** One deletes what the other edits. */
export const contested = world(
  { write: 12, delete: 8, sync: 24 },
  { faults: false, names: ["first 0", "b", "first 1"], swarm: { latencyMs: 1_000, initialFiles: 2 } },
);
/** Both write to one file. */
export const contestedFile = world(
  { write: 14, "sync-all": 5, sync: 20 },
  { faults: false, names: ["first 0"], ops: [20, 20], swarm: { latencyMs: 20, initialFiles: 1 } },
);
/** The same, and what somebody writes lies between two calls of the disk. */
export const interleaved = world(EDITS, {
  faults: false,
  swarm: { latencyMs: 20, diskTurns: 0.3, initialFiles: 2 },
  names: ["first 0", "b", "first 1"],
});
/** Answers are lost, and requests come twice. */
export const lossy = world(EDITS, { swarm: { latencyMs: 20, dropAnswer: 0.15, duplicate: 0.2 } });
/** The hub takes longer than the messages, so that requests meet in it. */
export const busyHub = world({ write: 12, sync: 24 }, { faults: false, swarm: { latencyMs: 1, storeTurns: 0.9, initialFiles: 0 } });
/** The hub's stores fail now and then. */
export const failingStores = world(EDITS, { swarm: { latencyMs: 20, storeErrors: 0.06, storeTurns: 0.1 } });
/** The process of the hub dies now and then. */
export const dyingHub = world({ ...EDITS, "crash-hub": 12 }, { swarm: { latencyMs: 1, storeTurns: 0.8 } });
/** The hub is put back to a backup. */
export const restored = world({ ...EDITS, "back-up-hub": 5, "restore-hub": 5 }, { ops: [20, 20], swarm: { latencyMs: 1 } });
/** Devices lose power. */
export const powerless = world({ ...EDITS, "lose-power": 10 }, { swarm: { latencyMs: 1, diskTurns: 0.3 } });
/** Processes die, also between two writes of their metadata. */
export const mortal = world({ ...EDITS, crash: 10 }, { swarm: { latencyMs: 20, storeTurns: 0.5, initialFiles: 2 } });
/** Disks fail now and then. */
export const failingDisks = world(EDITS, { swarm: { latencyMs: 1, diskErrors: 0.03, initialFiles: 2 } });
/** Names that differ in case. */
export const twins = world(EDITS, { faults: false, names: ["a", "A"], swarm: { latencyMs: 1 } });
/** What arrives is damaged. */
export const damaging = world(EDITS, { swarm: { latencyMs: 1, corrupt: 0.1 } });
/** Files of several chunks are edited in their middle, and what arrives is damaged. */
export const damagingEdits = world(
  { write: 5, insert: 16, sync: 16, "sync-all": 10 },
  { names: ["first 0"], ops: [30, 30], sizes: [20_000, 200_000], swarm: { latencyMs: 1, corrupt: 0.2, initialFiles: 1 } },
);
/** People change nothing at once with others, one after another. */
export const orderly = world({ ...EDITS, chmod: 6, "delete-and-save": 6, copy: 3, replace: 3 }, { swarm: { latencyMs: 1, calm: true } });
