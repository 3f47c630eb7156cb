import { resolve } from "node:path";
import type { Context } from "../context.js";
import { request } from "../daemon/host.js";

export interface LinkOptions {
  readonly workspace?: string | undefined;
  readonly mergeText?: boolean | undefined;
}

export async function link({ device, output, signal }: Context, dir: string, { workspace, mergeText }: LinkOptions): Promise<void> {
  const linked = await request(await device(), "link", { dir: resolve(dir), workspace, mergeText }, { signal });
  const twin = linked.created ? `the new workspace ${linked.workspace}` : `the workspace ${linked.workspace}`;
  output.answer(linked, `${linked.path} is a twin of ${twin} now. Run \`twinfold sync\` to keep them the same.`);
}
