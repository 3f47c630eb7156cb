import { type Env, TwinfoldError } from "@twinfold/core";
import { type Bandwidth, createBandwidth, MIN_BYTES_PER_SECOND } from "@twinfold/transport-http/node";
import type { DeviceHome } from "../device/home.js";
import { damaged, readJsonFile, writeJsonFile } from "../device/json-file.js";
import { formatBytes } from "../output/format.js";

/** Bytes per second of all of this device's links together; `null` is no limit. */
export interface Limits {
  readonly up: number | null;
  readonly down: number | null;
}

/** What is not named stays as it is. */
export interface LimitsChange {
  readonly up?: number | null | undefined;
  readonly down?: number | null | undefined;
}

/** The limits that all links of a process share. */
export interface DeviceLimits {
  readonly bandwidth: Bandwidth;
  readonly inForce: Limits;
  /** For as long as this process runs, or until they are changed again. */
  apply(change: LimitsChange): void;
  /** For good, and at once. Gives the limits that are kept. */
  keep(change: LimitsChange): Promise<Limits>;
}

export async function openLimits(home: DeviceHome, env: Env): Promise<DeviceLimits> {
  const bandwidth = createBandwidth(env);
  let inForce: Limits = { up: null, down: null };
  const apply = (change: LimitsChange): void => {
    inForce = changed(inForce, change);
    bandwidth.limit({ upBytesPerSecond: inForce.up ?? undefined, downBytesPerSecond: inForce.down ?? undefined });
  };
  apply(await readLimits(home));
  return {
    bandwidth,
    get inForce() {
      return inForce;
    },
    apply,
    async keep(change) {
      const kept = changed(await readLimits(home), change);
      if (change.up !== undefined || change.down !== undefined) await writeJsonFile(home.limits, kept);
      apply(change);
      return kept;
    },
  };
}

async function readLimits(home: DeviceHome): Promise<Limits> {
  const { up = null, down = null } = (await readJsonFile(home.limits)) ?? {};
  for (const rate of [up, down]) if (rate !== null && !(typeof rate === "number" && rate >= MIN_BYTES_PER_SECOND)) throw damaged(home.limits);
  return { up, down } as Limits;
}

function changed(limits: Limits, { up, down }: LimitsChange): Limits {
  return { up: up === undefined ? limits.up : up, down: down === undefined ? limits.down : down };
}

const UNITS = ["", "k", "m", "g"];

/**
 * `500k`, `1.5M`, `2MB/s`: bytes per second, 1024 times as many with each unit; `0` and `off` are no limit.
 *
 * @throws {TwinfoldError} `ERR_USAGE` for anything else, and below what a request needs to end in time.
 */
export function parseRate(text: string): number | null {
  if (/^(0|off)$/i.test(text)) return null;
  const [, digits, unit = ""] = /^([0-9]{1,9}(?:\.[0-9]{1,6})?)([kmg]?)(?:i?b)?(?:\/s)?$/i.exec(text) ?? [];
  const rate = Math.round(Number(digits) * 1024 ** UNITS.indexOf(unit.toLowerCase()));
  if (digits === undefined)
    throw new TwinfoldError("ERR_USAGE", `a rate is bytes per second such as 500k, 1.5M, or off for none, got ${JSON.stringify(text)}`);
  if (rate < MIN_BYTES_PER_SECOND) {
    throw new TwinfoldError(
      "ERR_USAGE",
      `a limit of ${rate} bytes per second is too low to end a request in time: at least ${formatRate(MIN_BYTES_PER_SECOND)}, or off`,
    );
  }
  return rate;
}

export function formatRate(rate: number | null): string {
  return rate === null ? "no limit" : `${formatBytes(rate)}/s`;
}

/** What options on the command line change; `undefined` when there is none. */
export function parseChange(up: string | undefined, down: string | undefined): LimitsChange | undefined {
  if (up === undefined && down === undefined) return undefined;
  return { up: up === undefined ? undefined : parseRate(up), down: down === undefined ? undefined : parseRate(down) };
}
