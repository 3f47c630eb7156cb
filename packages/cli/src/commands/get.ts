import { resolve } from "node:path";
import type { Context, ExitCode } from "../context.js";
import { request } from "../daemon/host.js";
import { formatCount } from "../output/format.js";
import { butNotInSync, syncDocument } from "../output/sync-report.js";
import { printable } from "../output/table.js";

export async function get({ device, output, signal }: Context, path: string): Promise<ExitCode> {
  const report = await request(await device(), "get", { path: resolve(path) }, { signal });
  const done = report.filesDownloaded === 0 ? "Nothing was missing" : `${formatCount(report.filesDownloaded, "file")} brought`;
  output.answer({ path: resolve(path), sync: syncDocument(report) }, `${done} at ${printable(path)}${butNotInSync(report)}.`);
  return report.inSync ? 0 : 1;
}
