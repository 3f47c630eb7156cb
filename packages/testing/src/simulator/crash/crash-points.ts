import { never } from "../life.js";
import { systemError } from "../sim-error.js";
import { shippedSut, type Sut } from "../sut.js";
import { CrashWorld, type NodeName } from "./crash-world.js";
import { type IoCall, storeFailure, type Turn } from "./station.js";
import { judge, Writings } from "./verdict.js";
import type { Workload } from "./workloads.js";

/** A call fails with it; `FSYNC_LOST`: an fsync fails with `EIO`, its bytes are forgotten, and the power is lost when the phase is over. */
export type IoFailure = "ENOSPC" | "EIO" | "EMFILE" | "FSYNC_LOST";

/** One interruption of a workload, and what came of it. */
export interface CrashReport {
  readonly workload: string;
  readonly node: NodeName;
  /** Which of the node's calls in the measured phase, from 1. */
  readonly k: number;
  readonly call: IoCall;
  readonly what: string;
  /** Says all that is wrong; nothing is wrong when it is empty. */
  readonly wrong: readonly string[];
}

export interface PointOptions {
  /** Only each so many-th call, from one that differs by workload. @default 1 */
  readonly every?: number | undefined;
  /** Power losses of each moment; the death of the process alone is one more. @default 2 */
  readonly images?: number | undefined;
  readonly seed?: number | undefined;
}

const NODES: readonly NodeName[] = ["laptop", "hub"];

/** Loses the power of each node, and kills its process, before each call that it makes to its disk and its store in the measured phase. */
export async function* crashPoints(
  workload: Workload,
  sut: Sut = shippedSut,
  options: PointOptions = {},
): AsyncGenerator<CrashReport, void, undefined> {
  const { images = 2 } = options;
  for await (const { node, k } of points(workload, sut, options)) {
    for (let image = 0; image <= images; image++) {
      const power = image === 0 ? "on" : "off";
      yield await interrupted(
        workload,
        sut,
        { node, k, seed: (options.seed ?? 1) + image, what: power === "on" ? "the process dies" : "the power is lost" },
        (world) => {
          if (node === "hub") world.killHub(power);
          else world[node].die(power);
          return never();
        },
      );
    }
  }
}

/** Fails each call that a node makes to its disk and its store in the measured phase. */
export async function* failEachIo(
  workload: Workload,
  sut: Sut,
  failure: IoFailure,
  options: PointOptions = {},
): AsyncGenerator<CrashReport, void, undefined> {
  for await (const { node, k, call } of points(workload, sut, options, failure === "FSYNC_LOST" ? isFsync : undefined)) {
    const { operation, path } = call;
    const code = failure === "FSYNC_LOST" ? "EIO" : failure;
    const fail = (): never => {
      throw operation.startsWith("store.") ? storeFailure(operation, code) : systemError(code, operation, path);
    };
    const afterwards = (world: CrashWorld): void => {
      if (failure !== "FSYNC_LOST") return;
      if (node === "hub") world.killHub("off");
      else world[node].die("off");
    };
    yield await interrupted(workload, sut, { node, k, seed: options.seed ?? 1, what: failure }, fail, afterwards);
  }
}

interface Point {
  readonly node: NodeName;
  readonly k: number;
  readonly call: IoCall;
}

const isFsync = ({ operation }: IoCall): boolean => operation === "file.sync" || operation === "syncDirectory";

/** Runs the workload without harm and gives the calls of its phase, of all or of those that `concerns` says. */
async function* points(
  workload: Workload,
  sut: Sut,
  { every = 1, seed = 1 }: PointOptions,
  concerns: (call: IoCall) => boolean = () => true,
): AsyncGenerator<Point> {
  const calls = new Map<NodeName, IoCall[]>(NODES.map((node) => [node, []]));
  const { wrong } = await run(workload, sut, seed, (node) => (call) => void calls.get(node)?.push(call));
  if (wrong.length > 0) throw new Error(`the workload ${workload.name} fails on its own: ${wrong.join("; ")}`);
  for (const node of NODES) {
    const made = (calls.get(node) ?? []).map((call, at): Point => ({ node, k: at + 1, call })).filter(({ call }) => concerns(call));
    // Another offset for each, so that workloads of one length do not leave out the same kind of call.
    for (let at = workload.name.length % every; at < made.length; at += every) yield made[at] as Point;
  }
}

async function interrupted(
  workload: Workload,
  sut: Sut,
  point: { readonly node: NodeName; readonly k: number; readonly seed: number; readonly what: string },
  spring: (world: CrashWorld) => Promise<void> | void,
  afterwards: (world: CrashWorld) => void = () => {},
): Promise<CrashReport> {
  const { node, k, seed, what } = point;
  let count = 0;
  let sprung: IoCall | undefined;
  // Weak references are let go of only between tasks, and all that a counter of time waits for is one task.
  await new Promise(setImmediate);
  const { wrong } = await run(
    workload,
    sut,
    seed,
    (ofNode, world) => (call) => {
      if (ofNode !== node || sprung !== undefined) return;
      count += 1;
      if (count < k) return;
      sprung = call;
      return spring(world());
    },
    afterwards,
  );
  return { workload: workload.name, node, k, what, call: sprung ?? { operation: "store.none", path: "the phase was over before" }, wrong };
}

async function run(
  workload: Workload,
  sut: Sut,
  seed: number,
  watch: (node: NodeName, world: () => CrashWorld) => Turn,
  afterwards: (world: CrashWorld) => void = () => {},
): Promise<{ readonly wrong: readonly string[] }> {
  let isMeasured = false;
  const opened: CrashWorld[] = [];
  const world = await CrashWorld.open(sut, seed, (node) => {
    const turn = watch(node, () => opened[0] as CrashWorld);
    return (call) => (isMeasured ? turn(call) : undefined);
  });
  opened.push(world);
  const writings = new Writings();
  await workload.prepare(world, writings);
  world.settleDisks();
  isMeasured = true;
  await (workload.phase ?? ((of) => of.laptop.sync()))(world);
  isMeasured = false;
  afterwards(world);
  return { wrong: await judge(world, writings, workload) };
}
