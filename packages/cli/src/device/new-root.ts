import { constants } from "node:fs";
import { access, lstat, readdir, realpath, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readRootMarker } from "@twinfold/adapter-fs";
import { INTERNAL_NAME, TwinfoldError } from "@twinfold/core";
import type { DeviceHome } from "./home.js";
import { isWithin, type Link } from "./links.js";
import { errnoOf, localFailure } from "./local-failure.js";

/**
 * The folder that may become a root, without symlinks.
 *
 * @throws {TwinfoldError} `ERR_ROOT_MISSING`, `ERR_ROOT_UNREADABLE`, `ERR_NESTED_LINK` or `ERR_ALREADY_LINKED` when it may not, saying why.
 */
export async function checkNewRoot(dir: string, links: readonly Link[], home: DeviceHome): Promise<string> {
  const root = await existingFolder(dir);
  for (const { path, workspace } of links) {
    if (path === root) throw new TwinfoldError("ERR_ALREADY_LINKED", `${root} is a twin of the workspace ${workspace} already`);
    if (isWithin(path, root)) throw nested(`${root} lies in ${path}, which is linked already`);
    if (isWithin(root, path)) throw nested(`${root} contains ${path}, which is linked already`);
  }
  const state = await realpath(home.path);
  if (isWithin(root, state) || isWithin(state, root)) throw nested(`${root} and this device's state folder ${state} may not contain each other`);
  if (await hasMarker(root)) {
    const marker = join(root, INTERNAL_NAME, "root.json");
    const { rootId } = (await readRootMarker({ root })) ?? {};
    const moved = links.find((link) => link.rootId === rootId);
    if (moved !== undefined) {
      const message = `${root} is the folder that is linked at ${moved.path}: move it back there, or unlink ${moved.path}, remove ${marker} and link ${root} anew`;
      throw new TwinfoldError("ERR_ALREADY_LINKED", message);
    }
    const message = `${root} is linked from another TWINFOLD_HOME: unlink it there first, or, if that is gone, remove ${marker}`;
    throw new TwinfoldError("ERR_ALREADY_LINKED", message);
  }
  const above = await markedAbove(root);
  if (above !== undefined) throw nested(`${root} lies in ${above}, which is linked from another TWINFOLD_HOME`);
  const below = await markedBelow(root);
  if (below !== undefined) throw nested(`${root} contains ${below}, which is linked from another TWINFOLD_HOME`);
  return root;
}

async function existingFolder(dir: string): Promise<string> {
  try {
    const root = await realpath(dir);
    if (!(await stat(root)).isDirectory()) throw new TwinfoldError("ERR_ROOT_UNREADABLE", `${dir} is not a folder: only folders can be linked`);
    await access(root, constants.R_OK | constants.W_OK | constants.X_OK);
    return root;
  } catch (cause) {
    const errno = errnoOf(cause);
    if (errno === "ENOENT" || errno === "ENOTDIR") throw new TwinfoldError("ERR_ROOT_MISSING", `there is no folder ${dir}: make it first`, { cause });
    if (errno === "EACCES" || errno === "EPERM" || errno === "EROFS") {
      throw new TwinfoldError("ERR_ROOT_UNREADABLE", `${dir} cannot be read and written: allow that first`, { cause });
    }
    throw localFailure(`link ${dir}`, cause);
  }
}

function nested(message: string): TwinfoldError {
  return new TwinfoldError("ERR_NESTED_LINK", `${message}: linked folders may not contain each other`);
}

async function hasMarker(folder: string): Promise<boolean> {
  try {
    return (await lstat(join(folder, INTERNAL_NAME, "root.json"))).isFile();
  } catch {
    return false; // none, or none that we may see
  }
}

async function markedAbove(folder: string): Promise<string | undefined> {
  for (let above = dirname(folder), below = folder; above !== below; below = above, above = dirname(above)) {
    if (await hasMarker(above)) return above;
  }
  return undefined;
}

/** Looks at every folder inside, as the first sync will. */
async function markedBelow(root: string): Promise<string | undefined> {
  const pending = [root];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    for (const name of await foldersIn(folder)) {
      const inside = join(folder, name);
      if (await hasMarker(inside)) return inside;
      pending.push(inside);
    }
  }
  return undefined;
}

async function foldersIn(folder: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory() && entry.name !== INTERNAL_NAME).map((entry) => entry.name);
  } catch {
    return []; // the first sync tells what cannot be read
  }
}
