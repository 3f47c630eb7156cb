import { shippedSut, type Sut } from "../sut.js";
import { type CrashReport, crashPoints, failEachIo, type IoFailure, type PointOptions } from "./crash-points.js";
import { type Workload, WORKLOADS } from "./workloads.js";

const FAILURES: readonly IoFailure[] = ["ENOSPC", "EIO", "EMFILE", "FSYNC_LOST"];

/** Every interruption of every workload: process death, power loss, and each failure, at each call. Tens of thousands of runs; `every` thins them out. */
export async function* everyPoint(
  sut: Sut = shippedSut,
  options: PointOptions & { readonly workloads?: readonly Workload[] | undefined } = {},
): AsyncGenerator<CrashReport, void, undefined> {
  for (const workload of options.workloads ?? WORKLOADS) {
    yield* crashPoints(workload, sut, options);
    for (const failure of FAILURES) yield* failEachIo(workload, sut, failure, options);
  }
}

/** What to show a person of an interruption that did harm; `undefined` when it did none. */
export function describeHarm({ workload, node, k, call, what, wrong }: CrashReport): string | undefined {
  if (wrong.length === 0) return undefined;
  return `${workload}: ${what} at call ${k} of the ${node} (${call.operation} ${call.path})\n${wrong.join("\n")}`;
}
