import { TwinfoldError } from "../../errors.js";
import type { Expected, FileAttributes, LocalOutcome } from "../../local/local-tree.js";
import { baseName, joinPath, type LocalPath, parentPath } from "../../names.js";
import type { LocalState, NodeRecord } from "../../reconcile/node-record.js";
import { deviceInName, keptName } from "./conflict-name.js";
import { type ConflictContext, type FoundConflict, findConflicts } from "./conflicts.js";
import type { Resolution, ResolvedConflict } from "../replica.js";

/**
 * The conflict at `path`, which is the file or its copy.
 *
 * @throws {TwinfoldError} `ERR_NOT_FOUND`, or `ERR_INVALID_ARGUMENT` when the file has several copies.
 */
export async function mustFindConflict(context: ConflictContext, path: LocalPath, signal: AbortSignal | undefined): Promise<FoundConflict> {
  const { trees } = context;
  const found = await findConflicts(context, signal);
  const at = await trees.find(path);
  const ofCopy = found.find(({ copy }) => copy.nodeId === at?.nodeId);
  if (ofCopy !== undefined) return ofCopy;
  const paths = await Promise.all(found.map(({ copy }) => trees.localPath(copy.nodeId)));
  const isAt = ({ original, mark }: FoundConflict, index: number): boolean => {
    const copyPath = paths[index];
    if (original !== undefined) return original.nodeId === at?.nodeId;
    return copyPath !== undefined && joinPath(parentPath(copyPath), mark.original) === path;
  };
  const [first, ...others] = found.filter(isAt);
  if (first === undefined) throw new TwinfoldError("ERR_NOT_FOUND", `there is no conflict at ${path}: it has no copy, and is none`);
  if (others.length === 0) return first;
  const copies = await Promise.all([first, ...others].map(({ copy }) => trees.shownPath(copy.nodeId)));
  throw new TwinfoldError("ERR_INVALID_ARGUMENT", `${path} has ${copies.length} conflict copies: name one of them: ${copies.join(", ")}`);
}

/** What is kept is at its place, whole, before anything is taken away. */
export async function resolveConflict(
  context: ConflictContext,
  found: FoundConflict,
  keep: Resolution,
  signal: AbortSignal | undefined,
): Promise<ResolvedConflict> {
  const { trees, tree, env } = context;
  const { copy, mark, original } = found;
  const copyPath = await trees.localPath(copy.nodeId);
  if (copyPath === undefined || copy.local === undefined) throw writtenMeanwhile(await trees.shownPath(copy.nodeId));
  const source = copy.local;
  const originalPath = original?.local && (await trees.localPath(original.nodeId));
  const path = originalPath ?? joinPath(parentPath(copyPath), mark.original);
  const target = originalPath === undefined ? undefined : original?.local;
  // Somebody may have removed it since the last look.
  const isThere = originalPath !== undefined && (await tree.stat(originalPath)) !== undefined;

  if (keep === "both") return { kept: [...(isThere ? [originalPath] : []), await rename(keptPath)] };
  if (keep === "mine" || keep === "theirs") {
    const keepsCopy = (keep === "mine") === (mark.device === deviceInName(context.deviceName));
    if (!keepsCopy) {
      if (!isThere) throw new TwinfoldError("ERR_NOT_FOUND", `${path} is not in the folder any more: keep the other version, or both`);
      await takeCopyAway();
      return { kept: [path] };
    }
    if (target === undefined) return { kept: [await rename((attempt) => (attempt === 1 ? path : keptPath(attempt - 1)))] };
    await replaceByCopy();
  } else {
    const executable = [target, source].some((local) => local?.content.kind === "file" && local.content.executable);
    await put(keep, { executable, mtimeNs: BigInt(Math.floor(env.nowMs())) * 1_000_000n });
  }
  await takeCopyAway();
  return { kept: [path] };

  function keptPath(attempt: number): LocalPath {
    return joinPath(parentPath(copyPath as LocalPath), keptName(mark, attempt));
  }

  /** Moves the copy to the first of these names that is free. */
  async function rename(nameOf: (attempt: number) => LocalPath): Promise<LocalPath> {
    for (let attempt = 1; ; attempt++) {
      const to = nameOf(attempt);
      if ((await tree.stat(to)) !== undefined) continue;
      const moved: LocalOutcome = await tree.move(copyPath as LocalPath, to, source.stat);
      assertDone(moved, copyPath as LocalPath);
      await trees.write({ put: [{ ...copy, local: { ...source, place: { ...source.place, name: baseName(to) }, stat: moved.stat } }] });
      return to;
    }
  }

  async function replaceByCopy(): Promise<void> {
    const { content, stat } = source;
    if (content.kind === "symlink") assertDone(await tree.makeSymlink(path, content.target, mustBeReplaceable(path, target)), path);
    else if (content.kind !== "file") throw notAFile(copyPath as LocalPath);
    else await put(tree.read(copyPath as LocalPath, stat, { signal }), content);
  }

  async function put(bytes: Uint8Array | AsyncIterable<Uint8Array>, attributes: FileAttributes): Promise<void> {
    const expected = mustBeReplaceable(path, target);
    const staging = await tree.stage(`resolved-${copy.nodeId}`);
    try {
      await staging.truncate(0);
      if (bytes instanceof Uint8Array) await staging.append(bytes);
      else for await (const piece of bytes) await staging.append(piece);
      signal?.throwIfAborted();
      const { executable, mtimeNs } = attributes;
      assertDone(await staging.place(path, expected, { executable, mtimeNs }), path);
    } finally {
      await staging.close();
    }
  }

  async function takeCopyAway(): Promise<void> {
    assertDone(await tree.remove(copyPath as LocalPath, source.stat), copyPath as LocalPath);
    const { local: _gone, ...rest } = copy;
    await trees.write(isForgotten(rest) ? { remove: [copy.nodeId] } : { put: [rest] });
  }
}

function isForgotten({ synced, remote }: NodeRecord): boolean {
  return synced === undefined && remote === undefined;
}

function mustBeReplaceable(path: LocalPath, target: LocalState | undefined): Expected {
  if (target?.stat.kind === "directory") throw notAFile(path);
  return target?.stat;
}

function assertDone<T extends { readonly kind: "done" | "changed" }>(
  outcome: T,
  path: LocalPath,
): asserts outcome is Extract<T, { readonly kind: "done" }> {
  if (outcome.kind === "changed") throw writtenMeanwhile(path);
}

function writtenMeanwhile(path: LocalPath): TwinfoldError {
  return new TwinfoldError("ERR_LOCAL_CHANGED", `${path} was changed since it was last looked at: sync, then resolve it again; nothing is lost`);
}

function notAFile(path: LocalPath): TwinfoldError {
  return new TwinfoldError("ERR_INVALID_ARGUMENT", `${path} is a folder: keep both, or move what is in it by hand`);
}
