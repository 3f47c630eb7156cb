import { resolve } from "node:path";
import type { Context } from "../context.js";
import { request } from "../daemon/host.js";
import { formatBytes, formatTime } from "../output/format.js";
import { formatTable } from "../output/table.js";

export interface RevisionsOptions {
  readonly limit?: number | undefined;
}

export async function revisions({ device, output, signal }: Context, path: string, { limit }: RevisionsOptions): Promise<void> {
  const found = await request(await device(), "revisions", { path: resolve(path), limit }, { signal });
  const rows = found.map((one) => [String(one.revision), formatTime(one.atMs), formatBytes(one.sizeBytes), one.deviceName]);
  output.answer({ revisions: found }, formatTable(["REVISION", "WHEN", "SIZE", "DEVICE"], rows));
}
