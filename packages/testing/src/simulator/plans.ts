import fc from "fast-check";
import { createRandom } from "./random.js";
import {
  DEFAULT_SWARM,
  type DeviceFaultKind,
  type DeviceSpec,
  type Fault,
  isAsked,
  isOfPeople,
  type Op,
  OP_FIELDS,
  type NetworkFaultKind,
  type OpKind,
  type SwarmParams,
  type WorldPlan,
} from "./world-plan.js";

/** How often each kind of op is drawn, of the sum of all; 0: never. */
export type Weights = Readonly<Record<OpKind, number>>;

export const DEFAULT_WEIGHTS: Weights = {
  write: 14,
  "write-same": 3,
  append: 4,
  insert: 4,
  "truncate-and-write": 3,
  "write-slowly": 3,
  "save-atomically": 6,
  "delete-and-save": 3,
  delete: 8,
  mkdir: 3,
  move: 10,
  replace: 3,
  swap: 3,
  "change-kind": 3,
  copy: 3,
  symlink: 2,
  touch: 2,
  chmod: 3,
  "change-rules": 0.8,
  "settle-copy": 1,
  get: 0.8,
  free: 0.8,
  resolve: 1,
  "restore-revision": 0.8,
  "trash-restore": 0.8,
  sync: 22,
  "sync-all": 2,
  offline: 2,
  online: 2,
  crash: 2,
  "lose-power": 1,
  "lose-metadata": 0.3,
  "metadata-back": 0.3,
  "unmount-root": 0.5,
  "mount-root": 0.5,
  "step-clock": 0.5,
  suspend: 0.3,
  "clone-device": 0.2,
  "second-process": 0.1,
  "crash-hub": 1,
  "back-up-hub": 0.4,
  "restore-hub": 0.4,
};

export interface PlanOptions {
  /** Fewest and most devices. @default [2, 3] */
  readonly clients?: readonly [number, number] | undefined;
  /** Fewest and most ops. @default [1, 50] */
  readonly ops?: readonly [number, number] | undefined;
  readonly alphabet?: Partial<Weights> | undefined;
  /** Without them nothing goes wrong but what people do. @default true */
  readonly faults?: boolean | undefined;
  /** Names of which paths are made, one or two deep. @default a few, some of which only case or normalization tells apart */
  readonly names?: readonly string[] | undefined;
  /** Fewest and most bytes of what is written. @default most under 40, few up to 400,000 */
  readonly sizes?: readonly [number, number] | undefined;
  /** Now and then a disk that folds names, or a link that holds a part or lets files come when they are asked for; and many files, or large ones. @default true */
  readonly variety?: boolean | undefined;
  /** What is the same in all worlds instead of drawn. */
  readonly swarm?: Partial<SwarmParams> | undefined;
}

const NAMES = ["laptop", "phone", "desk", "tablet", "tv"];
/** Few, so that what people do meets. */
const path = fc
  .oneof(
    { weight: 5, arbitrary: fc.array(fc.constantFrom("a", "b"), { minLength: 1, maxLength: 2 }) },
    { weight: 2, arbitrary: fc.array(fc.constantFrom("a", "b", "c", "A", "é"), { minLength: 1, maxLength: 3 }) },
  )
  .map((names) => names.join("/"));
const size = fc.oneof({ weight: 40, arbitrary: fc.nat(40) }, { weight: 3, arbitrary: fc.nat(5_000) }, { weight: 1, arbitrary: fc.nat(400_000) });
const fieldsFor = (of: fc.Arbitrary<string>, sizes: PlanOptions["sizes"]) => ({
  path: of,
  to: of,
  size: sizes === undefined ? size : fc.integer({ min: sizes[0], max: sizes[1] }),
  count: fc.nat(12),
});
const pathOf = (names: readonly string[]) => fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 2 }).map((parts) => parts.join("/"));
const waitMs = fc.oneof({ weight: 6, arbitrary: fc.nat(60) }, { weight: 2, arbitrary: fc.nat(3_000) }, { weight: 1, arbitrary: fc.nat(90_000) });

/** Rates that are nothing in most worlds, and much in some. */
const rate = (most: number) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat(1000).map((n) => (n * most) / 1000) });

const swarm = (faults: boolean): fc.Arbitrary<SwarmParams> =>
  fc.record({
    latencyMs: fc.constantFrom(0, 1, 20, 200, 3_000),
    diskTurns: fc.constantFrom(0, 0, 0.05, 0.3),
    storeTurns: fc.constantFrom(0, 0, 0.1),
    dropRequest: faults ? rate(0.15) : fc.constant(0),
    dropAnswer: faults ? rate(0.15) : fc.constant(0),
    duplicate: faults ? rate(0.2) : fc.constant(0),
    truncate: faults ? rate(0.05) : fc.constant(0),
    corrupt: faults ? rate(0.05) : fc.constant(0),
    diskErrors: faults ? rate(0.004) : fc.constant(0),
    storeErrors: faults ? rate(0.02) : fc.constant(0),
    initialFiles: fc.constantFrom(0, 0, 2, 6),
    calm: fc.oneof({ weight: 14, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  });

/** What goes wrong is concurrent to everything, so in a calm world nothing does. */
const calmed = (plan: WorldPlan): WorldPlan =>
  plan.swarm.calm
    ? { ...plan, faults: [], swarm: { ...DEFAULT_SWARM, calm: true, latencyMs: plan.swarm.latencyMs, initialFiles: plan.swarm.initialFiles } }
    : plan;

const deviceSpec = (name: string, faults: boolean): fc.Arbitrary<DeviceSpec> =>
  fc.record({
    name: fc.constant(name),
    mode: fc.constantFrom("passes" as const, "passes" as const, "follow" as const),
    skewMs: faults ? fc.constantFrom(0, 0, 3_600_000, -86_400_000, 315_360_000_000) : fc.constant(0),
    drift: faults ? fc.constantFrom(0, 0, 0.001, -0.001) : fc.constant(0),
    timeGranularityMs: fc.constantFrom(0, 0, 0, 1, 10),
  });

function opArbitrary(devices: number, weights: Weights, { faults = true, names, sizes }: PlanOptions): fc.Arbitrary<Op> {
  const fields = fieldsFor(names === undefined ? path : pathOf(names), sizes);
  const kinds = (Object.keys(OP_FIELDS) as OpKind[]).filter(
    (kind) => weights[kind] > 0 && (faults || isOfPeople(kind) || isAsked(kind) || kind === "sync" || kind === "sync-all"),
  );
  return fc.oneof(
    ...kinds.map((kind) => ({
      weight: Math.round(weights[kind] * 10),
      arbitrary: fc.record({
        kind: fc.constant(kind),
        device: fc.nat(devices - 1),
        waitMs,
        ...Object.fromEntries(OP_FIELDS[kind].map((field) => [field, fields[field]])),
      }) as fc.Arbitrary<Op>,
    })),
  );
}

const NETWORK_FAULTS: readonly NetworkFaultKind[] = ["drop-request", "drop-answer", "duplicate", "truncate", "corrupt"];
const DISK_FAULTS: readonly DeviceFaultKind[] = ["crash-at-disk-call", "power-loss-at-disk-call", "disk-error", "disk-full"];

const fault = (devices: number): fc.Arbitrary<Fault> => {
  const device = fc.nat(devices - 1);
  const of = (kinds: readonly Fault["kind"][], max: number) =>
    fc.record({ device, kind: fc.constantFrom(...kinds), nth: fc.integer({ min: 1, max }) });
  return fc.oneof(of(NETWORK_FAULTS, 120), of(["crash-at-store-write"], 120), of(DISK_FAULTS, 3_000));
};

/** Plans of worlds, as a fast-check arbitrary: it shrinks by leaving ops, faults and devices out. */
export function plans(options: PlanOptions = {}): fc.Arbitrary<WorldPlan> {
  const { clients = [2, 3], ops = [1, 50], alphabet = {}, faults = true, variety = true, swarm: pinned } = options;
  const weights = { ...DEFAULT_WEIGHTS, ...alphabet };
  return fc
    .integer({ min: clients[0], max: clients[1] })
    .chain((count) =>
      fc.record({
        v: fc.constant(1 as const),
        seed: fc.nat(2 ** 31 - 1),
        swarm: swarm(faults),
        devices: fc.tuple(...NAMES.slice(0, count).map((name) => deviceSpec(name, faults))),
        ops: fc.array(opArbitrary(count, weights, options), { minLength: ops[0], maxLength: ops[1], size: "max" }),
        faults: faults ? fc.array(fault(count), { maxLength: 6 }) : fc.constant([]),
      }),
    )
    .map((plan) => calmed({ ...plan, swarm: { ...plan.swarm, ...pinned } }))
    .map((plan) => (variety ? varied(plan, pinned?.initialFiles === undefined) : plan));
}

/** One device in so many has a disk that folds case, and one in so many one that lists form D; HFS+ does both. */
const FOLDS_CASE_ONE_IN = 8;
const DECOMPOSES_ONE_IN = 12;
/** Likewise of links; the first device holds everything, at once. */
const HOLDS_PART_ONE_IN = 12;
const ON_DEMAND_ONE_IN = 8;
const PARTS: ReadonlyArray<readonly string[]> = [["a"], ["b"], ["a", "c"], ["b", "A", "é"]];
const ON_DEMAND_SIZES = [0, 0, 30, 60];
/** One world in so many begins with so many files, a third of them in each of two directories: enough for the brake. */
const CROWDED_ONE_IN = 24;
const CROWD = 90;

/** One world in so many is of a few files with several chunks each, whose edits leave most of a chunk alone. */
const LARGE_ONE_IN = 8;
const LARGE_BYTES = 5_000;
const LARGER_BY = 4_000;
const LARGEST_BYTES = 400_000;
/** In one world in so many files are fetched ahead of their commit: those of any size, or of more than one chunk. */
const DRAFTS_ONE_IN = 3;
const DRAFT_SIZES = [1, 1, 100_000];
/** In it they insert into files instead. */
const EDITS: ReadonlySet<OpKind> = new Set(["write-same", "append", "truncate-and-write", "write-slowly", "touch"]);

/** With devices that are not like most: drawn from streams of their own, which move nothing else. */
function varied(plan: WorldPlan, mayBeCrowded: boolean): WorldPlan {
  const random = createRandom(plan.seed);
  const isLarge = random.stream("how large files are").int(LARGE_ONE_IN) === 0;
  const isCrowded = mayBeCrowded && random.stream("how many files there are").int(CROWDED_ONE_IN) === 0;
  const ofDrafts = random.stream("what is fetched ahead");
  const drafts = ofDrafts.int(DRAFTS_ONE_IN) === 0 ? { draftFromBytes: ofDrafts.pick(DRAFT_SIZES) } : {};
  const devices = plan.devices.map((device, index): DeviceSpec => {
    const of = random.stream(`what is special about ${device.name}`);
    const isOneIn = (count: number): boolean => of.int(count) === 0;
    const [foldsCase, listsDecomposed, holdsPart, isOnDemand] = [
      isOneIn(FOLDS_CASE_ONE_IN),
      isOneIn(DECOMPOSES_ONE_IN),
      isOneIn(HOLDS_PART_ONE_IN),
      isOneIn(ON_DEMAND_ONE_IN),
    ];
    // What one device does not hold, somebody there makes anew: that is concurrent, and a calm world has none of it.
    const isChosen = index > 0 && !plan.swarm.calm;
    return {
      ...device,
      ...(foldsCase ? { foldsCase } : {}),
      ...(listsDecomposed ? { listsDecomposed } : {}),
      // Those that follow fetch ahead.
      ...("draftFromBytes" in drafts && index > 0 ? { mode: "follow" as const } : {}),
      ...(isChosen && holdsPart ? { only: of.pick(PARTS) } : {}),
      ...(isChosen && isOnDemand ? { onDemandAboveBytes: of.pick(ON_DEMAND_SIZES) } : {}),
    };
  });
  const ops = isLarge ? plan.ops.map(enlarged) : plan.ops;
  return { ...plan, devices, ops, swarm: { ...plan.swarm, ...drafts, ...(isCrowded ? { initialFiles: CROWD } : {}) } };
}

function enlarged(op: Op): Op {
  const { kind, device, waitMs, path = "" } = op;
  if (EDITS.has(kind)) return { kind: "insert", device, waitMs, path: path.slice(0, 1) };
  if (op.size === undefined) return op;
  return { ...op, path: path.slice(0, 1), size: Math.min(LARGEST_BYTES, LARGE_BYTES + op.size * LARGER_BY) };
}

/** The plan of a number: always the same one. */
export function planOf(seed: number, options?: PlanOptions): WorldPlan {
  const [plan] = fc.sample(plans(options), { seed, numRuns: 1 });
  return { ...(plan as WorldPlan), seed };
}
