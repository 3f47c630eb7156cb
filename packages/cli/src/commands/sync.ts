import { resolve } from "node:path";
import type { Context, ExitCode } from "../context.js";
import { follow, request } from "../daemon/host.js";
import { errorOf } from "../daemon/messages.js";
import type { Ask, LinkEvent } from "../daemon/requests.js";
import { parseChange } from "../network/limits.js";
import { describeFact } from "../output/facts.js";
import { createProgress } from "../output/progress.js";
import { printable } from "../output/table.js";
import { describeOutcome, syncDocument, totalsOf } from "../output/sync-report.js";

export interface SyncOptions {
  readonly once?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  readonly confirm?: boolean | undefined;
  readonly limitUp?: string | undefined;
  readonly limitDown?: string | undefined;
}

type Chosen = Ask<"sync">;

export async function sync(context: Context, names: readonly string[], options: SyncOptions): Promise<ExitCode> {
  const dirs = names.map((name) => resolve(name));
  if (options.dryRun === true) return await showPlan(context, dirs);
  const chosen = { dirs, confirm: options.confirm === true, limits: parseChange(options.limitUp, options.limitDown) };
  return options.once === true ? await syncOnce(context, chosen) : await followLinks(context, chosen);
}

async function syncOnce({ device, output, signal, stderr }: Context, chosen: Chosen): Promise<ExitCode> {
  const { dirs } = chosen;
  const progress = await createProgress(stderr, !output.json);
  const onEvent = (event: LinkEvent): void => {
    progress.observe(event);
    if (event.event !== "connection:lost") return;
    progress.stop();
    output.note(`twinfold: ${describeFact(event)}`);
  };
  const links = await request(await device(), "sync", chosen, { signal, onEvent }).finally(() => progress.stop());
  const [only] = links;
  const text = links.map(describeOutcome).join("\n");
  if (dirs.length === 1 && only !== undefined) {
    if ("error" in only) throw errorOf(only.error);
    output.answer(syncDocument(only), text);
    return only.inSync ? 0 : 1;
  }
  const totals = totalsOf(links);
  const documents = links.map((link) => {
    const { path, workspace, workspaceId } = link;
    return { path, workspace, workspaceId, ...("error" in link ? { error: link.error } : syncDocument(link)) };
  });
  output.answer({ links: documents, totals }, text);
  return totals.inSync ? 0 : 1;
}

async function showPlan({ device, output, signal }: Context, dirs: readonly string[]): Promise<ExitCode> {
  const links = await request(await device(), "plan", { dirs }, { signal });
  const [only] = links;
  const text = links
    .map((link) => {
      if ("error" in link) return `${printable(link.path)}: ${link.error.message} (${link.error.code})`;
      const steps = link.steps.map(({ action, path, to, held }) => {
        const where = to === undefined ? "" : ` to ${printable(to)}`;
        return `  ${action} ${printable(path)}${where}${held ? "  (waits for a yes: it removes or empties it, with many others)" : ""}`;
      });
      return [`${printable(link.path)}: ${steps.length === 0 ? "nothing to do" : "would"}`, ...steps].join("\n");
    })
    .join("\n");
  if (dirs.length === 1 && only !== undefined) {
    if ("error" in only) throw errorOf(only.error);
    output.answer({ steps: only.steps }, text);
    return 0;
  }
  output.answer({ links }, text);
  return links.some((link) => "error" in link) ? 1 : 0;
}

async function followLinks({ device, output, signal, stderr }: Context, chosen: Chosen): Promise<ExitCode> {
  const progress = await createProgress(stderr, !output.json);
  const onEvent = (event: LinkEvent): void => {
    progress.observe(event);
    if (event.event === "scan:progressed" || event.event === "transfer:progressed") return;
    const text = describeFact(event);
    if (text !== undefined || event.event === "sync:finished") progress.stop();
    output.fact(event, text);
  };
  const onWaiting = (pid: number): void => output.note(`twinfold: waiting for another twinfold command (process ${pid}) to end`);
  await follow(await device(), { ...chosen, signal, onEvent, onWaiting }).finally(() => progress.stop());
  return 0;
}
