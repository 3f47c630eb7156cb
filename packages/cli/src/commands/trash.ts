import { resolve } from "node:path";
import type { Context, ExitCode } from "../context.js";
import { request } from "../daemon/host.js";
import { formatBytes, formatCount, formatTime } from "../output/format.js";
import { butNotInSync, syncDocument } from "../output/sync-report.js";
import { formatTable, printable } from "../output/table.js";

export async function trash({ device, output, signal }: Context, dir: string | undefined): Promise<ExitCode> {
  const dirs = dir === undefined ? [] : [resolve(dir)];
  const links = await request(await device(), "trash", { dirs }, { signal });
  const rows = links.flatMap((link) =>
    "items" in link ? link.items.map(({ atMs, reason, sizeBytes, path }) => [formatTime(atMs), reason, formatBytes(sizeBytes), path]) : [],
  );
  const failed = links.flatMap((link) => ("error" in link ? [`${link.path}: ${link.error.message}`] : []));
  for (const failure of failed) output.note(failure);
  output.answer(
    { links },
    rows.length === 0
      ? failed.length === 0
        ? "The trash is empty."
        : "No trash could be looked at."
      : formatTable(["WHEN", "WHY", "SIZE", "PATH"], rows),
  );
  return failed.length === 0 ? 0 : 1;
}

export interface RestoreFromTrashOptions {
  /** As listed with `--json`. */
  readonly id?: string | undefined;
}

export async function restoreFromTrash({ device, output, signal }: Context, path: string, { id }: RestoreFromTrashOptions): Promise<ExitCode> {
  const { restored, sync } = await request(await device(), "restoreFromTrash", { path: resolve(path), trashId: id }, { signal });
  const [only = ""] = restored;
  const back =
    restored.length === 1 ? `${printable(only)} is back from the trash` : `${formatCount(restored.length, "file")} are back from the trash`;
  const text = sync === null ? `${back}, and goes up when the server is in reach.` : `${back}${butNotInSync(sync)}.`;
  output.answer({ path: resolve(path), restored, sync: sync === null ? null : syncDocument(sync) }, text);
  return sync === null || sync.inSync ? 0 : 1;
}
