import { resolve } from "node:path";
import type { Context, ExitCode } from "../context.js";
import { request } from "../daemon/host.js";
import type { ConflictInfo } from "../daemon/requests.js";
import { formatTime } from "../output/format.js";
import { printable } from "../output/table.js";

export async function conflicts({ device, output, signal }: Context, dir: string | undefined): Promise<ExitCode> {
  const dirs = dir === undefined ? [] : [resolve(dir)];
  const links = await request(await device(), "conflicts", { dirs }, { signal });
  const found = links.flatMap((link) => ("conflicts" in link ? link.conflicts : []));
  const failed = links.flatMap((link) => ("error" in link ? [`${link.path}: ${link.error.message}`] : []));
  for (const failure of failed) output.note(failure);
  const nothing = failed.length === 0 ? "No conflicts." : "No conflicts where they could be looked for.";
  output.answer({ links }, found.length === 0 ? nothing : found.map(describe).join("\n"));
  return failed.length === 0 ? 0 : 1;
}

function describe({ path, proven, device, atMs, mine, theirs }: ConflictInfo): string {
  const version = (of: string | null): string => (of === null ? "is not there any more" : printable(of));
  return [
    `${printable(path)}: changed apart on ${printable(device)}, ${formatTime(atMs)}${proven ? "" : " (by its name)"}`,
    `  mine    ${version(mine)}`,
    `  theirs  ${version(theirs)}`,
  ].join("\n");
}
