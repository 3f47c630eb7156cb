import { resolve } from "node:path";
import { type ScopeOptions, TwinfoldError } from "@twinfold/core";
import type { Context } from "../context.js";
import { request } from "../daemon/host.js";

export interface LinkOptions {
  readonly workspace?: string | undefined;
  readonly mergeText?: boolean | undefined;
  readonly only?: readonly string[] | undefined;
  readonly onDemand?: boolean | undefined;
  readonly fetchSize?: number | undefined;
  readonly fetch?: readonly string[] | undefined;
  readonly all?: boolean | undefined;
}

export async function link({ device, output, signal }: Context, dir: string, options: LinkOptions): Promise<void> {
  const { workspace, mergeText } = options;
  const linked = await request(await device(), "link", { dir: resolve(dir), workspace, mergeText, scope: scopeOf(options) }, { signal });
  const twin = linked.created ? `the new workspace ${linked.workspace}` : `the workspace ${linked.workspace}`;
  const text = linked.changed
    ? `${linked.path} holds what you said from its next sync on. No file is removed by that, here or on the server.`
    : `${linked.path} is a twin of ${twin} now. Run \`twinfold sync\` to keep them the same.`;
  output.answer(linked, text);
}

/** `undefined`: nothing was said of what this device holds. */
function scopeOf({ only, onDemand, fetchSize, fetch, all }: LinkOptions): ScopeOptions | undefined {
  if (onDemand !== true && (fetchSize !== undefined || fetch !== undefined)) {
    throw new TwinfoldError("ERR_USAGE", "--fetch-size and --fetch say which files come at once with --on-demand: give that too");
  }
  if (all === true && (only !== undefined || onDemand === true)) {
    throw new TwinfoldError("ERR_USAGE", "--all is the end of --only and --on-demand: give it alone");
  }
  if (only === undefined && onDemand !== true) return all === true ? {} : undefined;
  return { only, onDemand: onDemand === true ? { upToBytes: fetchSize ?? 0, patterns: fetch ?? [] } : undefined };
}
