import { readdir, rm, rmdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { initializeRoot, readRootMarker } from "@twinfold/adapter-fs";
import { assertScope, INTERNAL_NAME, isTwinfoldError, parseWorkspaceId, type ScopeOptions, TwinfoldError, type WorkspaceId } from "@twinfold/core";
import { type ApiClient, ServerError } from "@twinfold/transport-http";
import type { DeviceHome } from "../device/home.js";
import { type Link, readLinks, writeLinks } from "../device/links.js";
import { errnoOf, localFailure } from "../device/local-failure.js";
import { checkNewRoot } from "../device/new-root.js";
import type { ReplicaPool } from "./replica-pool.js";
import type { Ask } from "./requests.js";

interface Linking {
  readonly home: DeviceHome;
  readonly pool: ReplicaPool;
}

/** Makes a folder a twin of the account's workspace of that name, which is created when there is none. */
export async function createLink(
  { dir, workspace, mergeText = false, scope = {} }: Ask<"link">,
  { home, pool, signal }: Linking & { readonly signal: AbortSignal },
): Promise<{ readonly link: Link; readonly created: boolean }> {
  assertScope(scope);
  const links = await readLinks(home);
  const path = await checkNewRoot(dir, links, home);
  const name = workspace ?? basename(path);
  if (name === "") throw new TwinfoldError("ERR_USAGE", `${path} has no name of its own: name the workspace with --workspace`);
  const { workspaceId, created } = await ensureWorkspace(await pool.api(), name, signal);
  const twin = links.find((link) => link.workspaceId === workspaceId);
  if (twin !== undefined) throw new TwinfoldError("ERR_ALREADY_LINKED", `the workspace ${name} is linked on this device already, at ${twin.path}`);
  await pool.store.removeWorkspace(workspaceId); // what a link to it that was cut off may have left
  const { rootId } = await initializeRoot({ root: path, workspaceId });
  const link: Link = { path, workspaceId, workspace: name, rootId, paused: false, mergeText, ...scope };
  await writeLinks(home, [...links, link]);
  return { link, created };
}

/** Says anew what of its workspace a linked folder holds. No file is touched before the next pass, and none is ever lost by it. */
export async function changeScope(link: Link, { only, onDemand }: ScopeOptions, { home, pool }: Linking): Promise<Link> {
  assertScope({ only, onDemand });
  const changed: Link = { ...link, only, onDemand };
  await pool.release(link);
  const links = await readLinks(home);
  await writeLinks(
    home,
    links.map((one) => (one.path === link.path ? changed : one)),
  );
  return changed;
}

/** Creates it, and takes the one that has the name when there is one: the server alone decides what the same name is. */
async function ensureWorkspace(
  api: ApiClient,
  name: string,
  signal: AbortSignal,
): Promise<{ readonly workspaceId: WorkspaceId; readonly created: boolean }> {
  try {
    return { workspaceId: (await api.createWorkspace({ name }, { signal })).workspaceId, created: true };
  } catch (error) {
    if (!(error instanceof ServerError) || error.problem.workspaceId === undefined) throw error;
    return { workspaceId: parseWorkspaceId(error.problem.workspaceId), created: false };
  }
}

/** Forgets a link: its marker, its rows, its entry, in this order, so that after a crash it can be removed again. */
export async function removeLink(link: Link, { home, pool }: Linking): Promise<void> {
  await pool.release(link);
  await removeMarker(link);
  await pool.store.removeWorkspace(link.workspaceId);
  const links = await readLinks(home);
  await writeLinks(
    home,
    links.filter(({ path }) => path !== link.path),
  );
}

/** Leaves the trash, which holds people's files, unless it is empty. A folder that is gone, or somebody else's now, is left alone. */
async function removeMarker({ path, rootId }: Link): Promise<void> {
  const own = join(path, INTERNAL_NAME);
  try {
    if ((await readRootMarker({ root: path }))?.rootId !== rootId) return;
    await rm(join(own, "staging"), { recursive: true, force: true });
    await rm(join(own, "root.json"));
    for (const folder of [join(own, "trash"), own]) await removeEmpty(folder);
  } catch (cause) {
    if (isTwinfoldError(cause) && cause.code.startsWith("ERR_ROOT_")) return;
    throw localFailure(`remove the marker of ${path}`, cause);
  }
}

async function removeEmpty(folder: string): Promise<void> {
  try {
    if ((await readdir(folder)).length === 0) await rmdir(folder);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
  }
}
