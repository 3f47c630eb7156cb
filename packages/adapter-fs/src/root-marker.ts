import { dirname, join } from "node:path";
import { bytesToHex, type Env, type FileSystem, INTERNAL_NAME, TwinfoldError, type WorkspaceId } from "@twinfold/core";
import { diskCode, isAbsent, localError } from "./disk-error.js";
import { createNodeEnv } from "./node-env.js";
import { createNodeFileSystem } from "./node-file-system.js";

const FORMAT = 1;
/** A marker is under 200 bytes. What is longer is something else. */
const MAX_MARKER_BYTES = 4096;

/** What `.twinfold/root.json` says: which linked folder this is, wherever its disk is mounted. */
export interface RootMarker {
  /** 32 hex digits, random, made when the folder was linked. */
  readonly rootId: string;
  readonly workspaceId: WorkspaceId;
}

export interface RootOptions {
  /** An absolute path. */
  readonly root: string;
  /** @default Node's own */
  readonly fileSystem?: FileSystem | undefined;
}

export function markerPath(root: string): string {
  return join(root, INTERNAL_NAME, "root.json");
}

/**
 * Marks a folder as linked to a workspace. Durable when it resolves.
 *
 * @throws {TwinfoldError} `ERR_ALREADY_LINKED` when it has a marker, `ERR_ROOT_MISSING` when there is no such folder.
 */
export async function initializeRoot(
  options: RootOptions & {
    readonly workspaceId: WorkspaceId;
    /** Makes the root's id. @default Node's own */
    readonly env?: Pick<Env, "randomBytes"> | undefined;
  },
): Promise<RootMarker> {
  const { root, workspaceId, fileSystem: fs = createNodeFileSystem(), env = createNodeEnv() } = options;
  if ((await readRootMarker({ root, fileSystem: fs })) !== undefined) throw alreadyLinked(root);
  const marker: RootMarker = { rootId: bytesToHex(env.randomBytes(16)), workspaceId };
  const path = markerPath(root);
  const draft = `${path}.${bytesToHex(env.randomBytes(8))}`;
  try {
    await ensureDirectory(fs, dirname(path));
    const file = await fs.open(draft, "create-exclusive");
    try {
      await file.write(new TextEncoder().encode(`${JSON.stringify({ format: FORMAT, ...marker })}\n`), 0);
      await file.sync();
    } finally {
      await file.close();
    }
    await fs.rename(draft, path);
    await fs.syncDirectory(dirname(path));
    return marker;
  } catch (error) {
    await fs.unlink(draft).catch(() => {});
    throw localError(`link the folder ${root}`, error);
  }
}

/**
 * Gives `undefined` for a folder that is not linked.
 *
 * @throws {TwinfoldError} `ERR_ROOT_MISSING`, `ERR_ROOT_UNREADABLE`; `ERR_ROOT_FOREIGN` for a marker that is none of ours, `ERR_NEWER_FORMAT`.
 */
export async function readRootMarker({ root, fileSystem: fs = createNodeFileSystem() }: RootOptions): Promise<RootMarker | undefined> {
  let text: string;
  try {
    const { kind } = await fs.lstat(await fs.realpath(root));
    if (kind !== "directory") throw new TwinfoldError("ERR_ROOT_MISSING", `${root} is a ${kind}, not a folder`);
  } catch (error) {
    throw rootError(root, error);
  }
  try {
    text = await readText(fs, markerPath(root), MAX_MARKER_BYTES);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw rootError(root, error);
  }
  return parseMarker(root, text);
}

/** Says why a root cannot be used. */
export function rootError(root: string, cause: unknown): unknown {
  const code = diskCode(cause);
  if (code === undefined) return cause;
  if (isAbsent(cause)) {
    return new TwinfoldError("ERR_ROOT_MISSING", `there is no folder ${root}: plug in or mount its disk, or unlink it`, { cause });
  }
  return new TwinfoldError("ERR_ROOT_UNREADABLE", `cannot read the folder ${root} (${code}): check its permissions and its disk`, { cause });
}

export async function ensureDirectory(fs: FileSystem, path: string): Promise<void> {
  try {
    await fs.mkdir(path);
  } catch (error) {
    if (diskCode(error) !== "EEXIST") throw error;
    const { kind } = await fs.lstat(path);
    if (kind === "directory") return;
    throw new TwinfoldError("ERR_LOCAL_FAILED", `${path} is a ${kind} where Twinfold keeps a folder of its own: move it away`);
  }
  await fs.syncDirectory(dirname(path));
}

/** The text of a small file of ours, its first `maxBytes`. */
export async function readText(fs: FileSystem, path: string, maxBytes: number): Promise<string> {
  const file = await fs.open(path, "read");
  try {
    const { sizeBytes } = await file.stat();
    const bytes = new Uint8Array(Math.min(sizeBytes, maxBytes));
    return new TextDecoder().decode(bytes.subarray(0, await file.read(bytes, 0)));
  } finally {
    await file.close();
  }
}

function parseMarker(root: string, text: string): RootMarker {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const marker = typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  const { format, rootId, workspaceId } = marker;
  if (typeof format === "number" && format > FORMAT) {
    throw new TwinfoldError("ERR_NEWER_FORMAT", `the folder ${root} was linked by a newer Twinfold (format ${format}): update this one`);
  }
  if (typeof rootId !== "string" || typeof workspaceId !== "string" || !/^[0-9a-f]{32}$/.test(rootId) || !/^[0-9a-f]{32}$/.test(workspaceId)) {
    throw new TwinfoldError("ERR_ROOT_FOREIGN", `${markerPath(root)} is damaged: restore it, or unlink the folder and link it again`);
  }
  return { rootId, workspaceId: workspaceId as WorkspaceId };
}

function alreadyLinked(root: string): TwinfoldError {
  return new TwinfoldError("ERR_ALREADY_LINKED", `the folder ${root} is linked already: unlink it first`);
}
