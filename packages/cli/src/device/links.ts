import { realpath } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { type LocalPath, type OnDemandPolicy, parsePath, parseWorkspaceId, TwinfoldError, type WorkspaceId } from "@twinfold/core";
import type { DeviceHome } from "./home.js";
import { damaged, readJsonFile, writeJsonFile } from "./json-file.js";

/** A folder of this device that is a twin of a workspace. */
export interface Link {
  /** Absolute, without symlinks. */
  readonly path: string;
  readonly workspaceId: WorkspaceId;
  readonly workspace: string;
  /** The random id in the folder's marker. */
  readonly rootId: string;
  readonly paused: boolean;
  /** Text that was changed on two devices is merged where the changes do not meet, instead of keeping both versions. */
  readonly mergeText: boolean;
  /** What of the workspace this device holds: all of it when neither is there. */
  readonly only?: readonly string[] | undefined;
  readonly onDemand?: OnDemandPolicy | undefined;
}

export async function readLinks(home: DeviceHome): Promise<readonly Link[]> {
  const fields = await readJsonFile(home.links);
  if (fields === undefined) return [];
  if (!Array.isArray(fields.links)) throw damaged(home.links);
  return fields.links.map((link: unknown) => parseLink(link, home.links));
}

function parseLink(value: unknown, file: string): Link {
  if (typeof value !== "object" || value === null) throw damaged(file);
  const { path, workspaceId, workspace, rootId, paused, mergeText, only, onDemand } = value as Readonly<Record<string, unknown>>;
  if (typeof path !== "string" || typeof workspaceId !== "string" || typeof workspace !== "string" || typeof rootId !== "string") throw damaged(file);
  return {
    path,
    workspaceId: parseWorkspaceId(workspaceId),
    workspace,
    rootId,
    paused: paused === true,
    mergeText: mergeText === true,
    only: only === undefined ? undefined : parseTexts(only, file),
    onDemand: onDemand === undefined ? undefined : parseOnDemand(onDemand, file),
  };
}

function parseOnDemand(value: unknown, file: string): OnDemandPolicy {
  if (typeof value !== "object" || value === null) throw damaged(file);
  const { upToBytes, patterns } = value as Readonly<Record<string, unknown>>;
  if (typeof upToBytes !== "number") throw damaged(file);
  return { upToBytes, patterns: parseTexts(patterns, file) };
}

function parseTexts(value: unknown, file: string): readonly string[] {
  if (!Array.isArray(value) || !value.every((text) => typeof text === "string")) throw damaged(file);
  return value;
}

export async function writeLinks(home: DeviceHome, links: readonly Link[]): Promise<void> {
  await writeJsonFile(home.links, { links });
}

/** True when `path` is `folder` or lies inside it. */
export function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/**
 * The path without symlinks, as far as it exists: what is missing, and the last name itself, are kept as given.
 * So a file that was deleted, and a link that points elsewhere, can still be named.
 */
export async function canonicalPath(path: string): Promise<string> {
  const absolute = resolve(path);
  const parent = dirname(absolute);
  if (parent === absolute) return absolute;
  try {
    return join(await realpath(parent), basename(absolute));
  } catch {
    return join(await canonicalPath(parent), basename(absolute));
  }
}

/** The folder itself without symlinks; as given where it does not exist, so that a link to a lost disk can be named. */
export async function canonicalFolder(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    return await canonicalPath(path);
  }
}

/** @throws {TwinfoldError} `ERR_NOT_FOUND` when `dir` is not linked. */
export async function mustFindLink(links: readonly Link[], dir: string): Promise<Link> {
  const folder = await canonicalFolder(dir);
  const found = links.find((link) => link.path === folder);
  if (found !== undefined) return found;
  const around = links.find((link) => isWithin(link.path, folder));
  if (around !== undefined) throw new TwinfoldError("ERR_NOT_FOUND", `${dir} lies in the linked folder ${around.path}: name that one`);
  throw new TwinfoldError("ERR_NOT_FOUND", `${dir} is not linked: run \`twinfold link\` first, or see \`twinfold status\``);
}

/** The link that holds `path`, and the path inside it. */
export async function mustFindPath(links: readonly Link[], path: string): Promise<{ readonly link: Link; readonly localPath: LocalPath }> {
  for (const candidate of [resolve(path), await canonicalPath(path), await canonicalFolder(path)]) {
    const link = links.find((one) => isWithin(one.path, candidate));
    if (link !== undefined) return { link, localPath: parsePath(relative(link.path, candidate).split(sep).join("/")) };
  }
  throw new TwinfoldError("ERR_NOT_FOUND", `${path} is in none of the linked folders: see \`twinfold status\``);
}
