import { resolve } from "node:path";
import type { Context, ExitCode } from "../context.js";
import { request } from "../daemon/host.js";
import { printable } from "../output/table.js";
import { butNotInSync, syncDocument } from "../output/sync-report.js";

export interface RestoreOptions {
  readonly revision: number;
}

export async function restore({ device, output, signal }: Context, path: string, { revision }: RestoreOptions): Promise<ExitCode> {
  const report = await request(await device(), "restore", { path: resolve(path), revision }, { signal });
  output.answer(
    { path: resolve(path), restored: revision, sync: syncDocument(report) },
    `Revision ${revision} of ${printable(path)} is the newest again${report.inSync ? " and is in the folder" : butNotInSync(report)}.`,
  );
  return report.inSync ? 0 : 1;
}
