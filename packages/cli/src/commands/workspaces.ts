import type { Context } from "../context.js";
import { readLinks } from "../device/links.js";
import { withAccount } from "../device/sign-in.js";
import { formatTime } from "../output/format.js";
import { formatTable } from "../output/table.js";

export async function workspaces(context: Context): Promise<void> {
  const links = await readLinks((await context.device()).home);
  const found = await withAccount(context, (api) => api.workspaces({ signal: context.signal }));
  const listed = found.map(({ workspaceId, name, createdAtMs }) => ({
    workspaceId,
    name,
    createdAtMs,
    linkedAt: links.find((link) => link.workspaceId === workspaceId)?.path ?? null,
  }));
  const rows = listed.map((one) => [one.name, formatTime(one.createdAtMs), one.linkedAt ?? ""]);
  context.output.answer({ workspaces: listed }, formatTable(["WORKSPACE", "MADE", "LINKED HERE AT"], rows));
}
