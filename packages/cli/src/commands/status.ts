import { resolve } from "node:path";
import type { Context } from "../context.js";
import { request } from "../daemon/host.js";
import type { DeviceStatus, LinkStatus } from "../daemon/requests.js";
import { formatRate } from "../network/limits.js";
import { formatCount, formatDuration, formatTime } from "../output/format.js";
import { describeConfirmation } from "../output/sync-report.js";
import { printable } from "../output/table.js";

export async function status({ device, output, signal }: Context, dir: string | undefined): Promise<void> {
  const dirs = dir === undefined ? [] : [resolve(dir)];
  const answer = await request(await device(), "status", { dirs }, { signal });
  const running = answer.running ? "`twinfold sync` is running." : "`twinfold sync` is not running: changes wait until it is.";
  const text =
    answer.links.length === 0
      ? "No folder is linked: run `twinfold link DIR`."
      : [...answer.links.map(describe), ...describeLimits(answer), running].join("\n\n");
  output.answer(answer, text);
}

function describeLimits({ limits: { up, down } }: DeviceStatus): readonly string[] {
  return up === null && down === null ? [] : [`Limits: up ${formatRate(up)}, down ${formatRate(down)}.`];
}

function describe(link: LinkStatus): string {
  const lines = [
    `${printable(link.path)}  (workspace ${printable(link.workspace)})`,
    `  state         ${link.state}`,
    `  nodes         ${link.nodes}`,
    `  pending       ${link.pending}${link.oldestUnsyncedMs === null ? "" : `, the oldest for ${formatDuration(link.oldestUnsyncedMs)}`}`,
    `  last in sync  ${link.lastInSyncAtMs === null ? "never" : formatTime(link.lastInSyncAtMs)}`,
  ];
  const unheld = (["ignored", "excluded", "elsewhere"] as const).filter((kind) => link[kind] > 0).map((kind) => `${link[kind]} ${kind}`);
  if (unheld.length > 0) lines.push(`  not held      ${unheld.join(", ")}`);
  if (link.awaitingConfirmation !== null) lines.push(`  held back     ${describeConfirmation(link.awaitingConfirmation.removals, link.path)}`);
  if (link.problem !== null) lines.push(`  problem       ${link.problem}`);
  if (link.skipped.length > 0) lines.push(`  skipped       ${formatCount(link.skipped.length, "name")}:`);
  for (const { path, reason } of link.skipped) lines.push(`    ${printable(path)}: ${reason}`);
  if (link.aliased.length > 0) lines.push(`  other names   ${formatCount(link.aliased.length, "node")} shown under another name:`);
  for (const { path, reason } of link.aliased) lines.push(`    ${printable(path)}: ${reason}`);
  return lines.join("\n");
}
