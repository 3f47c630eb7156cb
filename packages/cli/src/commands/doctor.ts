import { resolve } from "node:path";
import type { CheckReport } from "@twinfold/core";
import type { Context, ExitCode } from "../context.js";
import { request } from "../daemon/host.js";
import type { LinkOutcome } from "../daemon/requests.js";
import { formatBytes, formatCount } from "../output/format.js";
import { printable } from "../output/table.js";

export interface DoctorOptions {
  readonly repair?: boolean | undefined;
  readonly deep?: boolean | undefined;
}

const HOPS = { disk: "this disk", database: "this device's database", hub: "the view of the server", chunks: "the server's chunks" } as const;

/** Exit 1: something is wrong and was not mended, or a folder could not be checked. */
export async function doctor({ device, output, signal }: Context, dir: string | undefined, options: DoctorOptions): Promise<ExitCode> {
  const dirs = dir === undefined ? [] : [resolve(dir)];
  const links = await request(await device(), "check", { dirs, repair: options.repair === true, deep: options.deep === true }, { signal });
  const sound = links.every((link) => !("error" in link) && link.sound);
  output.answer({ sound, links }, links.map(describe).join("\n\n"));
  return sound ? 0 : 1;
}

function describe(link: LinkOutcome<CheckReport>): string {
  const title = printable(link.path);
  if ("error" in link) return `${title}: could not be checked: ${link.error.message} (${link.error.code})`;
  const looked = [
    formatCount(link.nodes, "node"),
    `${formatCount(link.files, "file")} of ${formatBytes(link.bytes)}`,
    formatCount(link.chunks, "chunk"),
  ];
  const lines = [`${title}: looked at ${looked.join(", ")}`];
  if (link.pending > 0) lines.push(`  ${formatCount(link.pending, "file")} changed since the last look: \`twinfold sync\` sees to it`);
  for (const [hop, name] of Object.entries(HOPS)) {
    const findings = link.findings.filter((finding) => finding.hop === hop);
    lines.push(`  ${findings.length === 0 ? "sound" : "WRONG"}  ${name}`);
    for (const { path, problem, repair } of findings) {
      lines.push(`         ${printable(path)}: ${printable(problem)}${repair === undefined ? "" : `; mended: ${repair}`}`);
    }
  }
  return lines.join("\n");
}
