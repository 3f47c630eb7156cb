import { resolve } from "node:path";
import type { Context, ExitCode } from "../context.js";
import { request } from "../daemon/host.js";
import { printable } from "../output/table.js";

export async function conflicts({ device, output, signal }: Context, dir: string | undefined): Promise<ExitCode> {
  const dirs = dir === undefined ? [] : [resolve(dir)];
  const links = await request(await device(), "conflicts", { dirs }, { signal });
  const copies = links.flatMap((link) => ("copies" in link ? link.copies : []));
  const failed = links.flatMap((link) => ("error" in link ? [`${link.path}: ${link.error.message}`] : []));
  for (const failure of failed) output.note(failure);
  output.answer({ links }, copies.length === 0 ? "No conflict copies." : copies.map(printable).join("\n"));
  return failed.length === 0 ? 0 : 1;
}
