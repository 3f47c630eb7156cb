import { isTwinfoldError } from "../../errors.js";
import { HUB_REPLICA_ID, type NodeId } from "../../ids.js";
import { joinPath, type LocalPath, type NodeName, parentPath } from "../../names.js";
import type { Content } from "../../node.js";
import { isLive, type NodeRecord } from "../../reconcile/node-record.js";
import type { Revision } from "../../transport/transport.js";
import { EMPTY_VECTOR, type VersionVector } from "../../version-vector.js";
import { type ConflictMark, conflictNodeId, deviceInName, isConflictName, isConflictNameOf, mayBeCut, parseConflictName } from "./conflict-name.js";
import type { Conflict, ConflictVersion } from "../replica.js";
import type { ReplicaParts } from "../replica-parts.js";
import { readStored, type StoredContent } from "../download/stored-content.js";

export type ConflictContext = Pick<ReplicaParts, "workspaceId" | "trees" | "tree" | "transport" | "env" | "link" | "deviceName">;

/** A conflict as the trees have it. */
export interface FoundConflict {
  readonly copy: NodeRecord;
  readonly mark: ConflictMark;
  /** What it is a copy of. */
  readonly original: NodeRecord | undefined;
  readonly proven: boolean;
  readonly base: StoredContent | undefined;
  /** The copy's first revision at the hub. */
  readonly first: Revision | undefined;
}

/** Revisions looked at of each file, newest first, when few files are asked about, and when many are. */
const REVISIONS_OF_FEW = 1_000;
const FEW = 20;
const REVISIONS_OF_MANY = 40;
const MANY = 500;

/** The conflict copies in the folder, each with what it was made from as far as that can be told. */
export async function findConflicts(context: ConflictContext, signal: AbortSignal | undefined): Promise<readonly FoundConflict[]> {
  const { trees } = context;
  const copies: NodeRecord[] = [];
  for await (const page of trees.all()) {
    for (const record of page) if (record.local !== undefined && parseConflictName(record.local.place.name) !== undefined) copies.push(record);
  }
  if (copies.length === 0) return [];
  const named = await Promise.all(copies.map((copy) => namesake(context, copy)));
  const asked = [...new Set([...copies, ...named].flatMap((record) => record?.nodeId ?? []))];
  const revisions = await revisionsOf(context, asked, FEW, REVISIONS_OF_FEW, signal);
  const found = copies.map((copy, index) => link(context, copy, named[index], revisions));
  if (found.every(({ proven }) => proven)) return found;
  return await findMoved(context, found, revisions, signal);
}

/** The thing of the original name in the copy's directory: here, or at the hub. */
async function namesake({ trees }: ConflictContext, { nodeId, local }: NodeRecord): Promise<NodeRecord | undefined> {
  if (local === undefined) return undefined;
  const mark = parseConflictName(local.place.name) as ConflictMark;
  const key = { parentId: local.place.parentId, name: mark.original };
  const [here = []] = await trees.localByName([key]);
  const [there = []] = await trees.remoteByName([key]);
  const found = [...here, ...there].find((record) => record.nodeId !== nodeId);
  if (found !== undefined || !mayBeCut(local.place.name)) return found;
  const siblings = [...(await trees.localChildren(key.parentId)), ...(await trees.remoteChildren(key.parentId))];
  // Another copy of the file would get that name too.
  const isIts = (name: NodeName): boolean => !isConflictName(name) && isConflictNameOf(local.place.name, name);
  return siblings.find((sibling) => namesOf(sibling).some(isIts));
}

function namesOf({ local, remote }: NodeRecord): readonly NodeName[] {
  return [local, remote].flatMap((head) => head?.place.name ?? []);
}

/** Links a copy to a candidate: proven when the copy's id was computed from one of the candidate's versions and the bytes that the copy began with. */
function link(
  { env }: ConflictContext,
  copy: NodeRecord,
  candidate: NodeRecord | undefined,
  revisions: ReadonlyMap<NodeId, readonly Revision[]>,
): FoundConflict {
  const mark = parseConflictName(copy.local?.place.name ?? "") as ConflictMark;
  const own = revisions.get(copy.nodeId) ?? [];
  const first = own.findLast(({ revision }) => revision === 1);
  const unlinked = { copy, mark, original: candidate, proven: false, base: undefined, first };
  if (candidate === undefined) return unlinked;
  const losing = losingContents(copy, own);
  for (const { vector, content } of basesOf(candidate, revisions.get(candidate.nodeId) ?? [])) {
    if (losing.some((content) => conflictNodeId(candidate.nodeId, vector, content, env.sha256) === copy.nodeId)) {
      return { ...unlinked, proven: true, base: content };
    }
  }
  return unlinked;
}

/** What the copy may have held when it was made. */
function losingContents({ local, remote }: NodeRecord, own: readonly Revision[]): readonly Content[] {
  const contents: Content[] = own.map((revision) => ({ kind: "file", ...revision }));
  for (const content of [local?.content, remote?.content]) if (content !== undefined) contents.push(content);
  const ids = new Set<string>();
  return contents.filter((content) => {
    const id = content.kind === "file" ? content.manifestId : JSON.stringify(content);
    return ids.size < ids.add(id).size;
  });
}

function basesOf(
  { synced, remote }: NodeRecord,
  revisions: readonly Revision[],
): ReadonlyArray<{ readonly vector: VersionVector; readonly content?: StoredContent | undefined }> {
  const stored = (content: Content): StoredContent | undefined => (content.kind === "file" ? content : undefined);
  return [
    { vector: EMPTY_VECTOR },
    ...revisions.map((revision) => ({ vector: revision.contentVector, content: revision })),
    ...(synced === undefined ? [] : [{ vector: synced.contentVector, content: stored(synced.content) }]),
    ...(remote === undefined ? [] : [{ vector: remote.contentVector, content: stored(remote.content) }]),
  ];
}

/** Looks for the originals that are no longer beside their copies: among what was ever moved, has the name in another directory, or is a copy itself. */
async function findMoved(
  context: ConflictContext,
  found: readonly FoundConflict[],
  revisions: Map<NodeId, readonly Revision[]>,
  signal: AbortSignal | undefined,
): Promise<readonly FoundConflict[]> {
  const linked = [...found];
  const unproven = found.filter(({ proven }) => !proven);
  const names = new Set(unproven.map(({ mark }) => mark.original));
  const cut = unproven.flatMap(({ copy }) => (copy.local !== undefined && mayBeCut(copy.local.place.name) ? [copy.local.place.name] : []));
  const isWorthALook = ({ remote }: NodeRecord): boolean =>
    remote !== undefined &&
    ((remote.placeVector.get(HUB_REPLICA_ID) ?? 0) > 1 ||
      names.has(remote.place.name) ||
      parseConflictName(remote.place.name) !== undefined ||
      cut.some((copy) => isConflictNameOf(copy, remote.place.name)));
  const tryAll = (candidates: readonly NodeRecord[]): void => {
    linked.forEach((one, index) => {
      for (const candidate of one.proven ? [] : candidates) {
        const again = link(context, one.copy, candidate, revisions);
        if (again.proven) linked[index] = again;
      }
    });
  };
  for await (const page of context.trees.all()) {
    const candidates = page.filter(isWorthALook);
    const asked = candidates.filter(({ nodeId, remote }) => (remote?.revision ?? 0) > 1 && !revisions.has(nodeId)).map(({ nodeId }) => nodeId);
    for (const [nodeId, own] of await revisionsOf(context, asked, MANY, REVISIONS_OF_MANY, signal)) revisions.set(nodeId, own);
    tryAll(candidates);
    for (const nodeId of asked) revisions.delete(nodeId);
    if (linked.every(({ proven }) => proven)) break;
  }
  return linked;
}

/** Of a hub that is out of reach none. */
async function revisionsOf(
  { transport, workspaceId }: ConflictContext,
  nodeIds: readonly NodeId[],
  atOnce: number,
  limit: number,
  signal: AbortSignal | undefined,
): Promise<Map<NodeId, readonly Revision[]>> {
  const found = new Map<NodeId, Revision[]>();
  try {
    for (let at = 0; at < nodeIds.length; at += atOnce) {
      const asked = nodeIds.slice(at, at + atOnce);
      for (const revision of await transport.versions({ workspaceId, nodeIds: asked, limit }, { signal })) {
        const own = found.get(revision.nodeId);
        if (own === undefined) found.set(revision.nodeId, [revision]);
        else own.push(revision);
      }
    }
  } catch (error) {
    if (!isTwinfoldError(error) || !error.retryable) throw error;
  }
  return found;
}

/** A conflict as it is told: its versions can be read. `undefined` when the copy is gone by now. */
export async function describeConflict(context: ConflictContext, found: FoundConflict): Promise<Conflict | undefined> {
  const { copy, mark, original, proven, base, first } = found;
  const copyPath = await context.trees.localPath(copy.nodeId);
  if (copyPath === undefined) return undefined;
  const originalPath = original === undefined ? undefined : await context.trees.localPath(original.nodeId);
  const [ofCopy, ofOriginal] = [versionOf(context, copy, copyPath), original && versionOf(context, original, originalPath)];
  const isMadeHere = mark.device === deviceInName(context.deviceName);
  return {
    path:
      originalPath ??
      (original && !isGone(original) ? await context.trees.shownPath(original.nodeId) : joinPath(parentPath(copyPath), mark.original)),
    copy: copyPath,
    proven,
    device: first?.deviceName ?? mark.device,
    atMs: first?.atMs ?? (Date.parse(mark.date) || 0),
    mine: isMadeHere ? ofCopy : ofOriginal,
    theirs: isMadeHere ? ofOriginal : ofCopy,
    base: base && { path: undefined, kind: "file", sizeBytes: base.sizeBytes, read: ({ signal } = {}) => readStored(context, base, signal) },
  };
}

function isGone({ local, remote }: NodeRecord): boolean {
  return local === undefined && !isLive(remote);
}

function versionOf(context: ConflictContext, { local, remote }: NodeRecord, path: LocalPath | undefined): ConflictVersion | undefined {
  const content = local?.content ?? (isLive(remote) ? remote.content : undefined);
  if (content === undefined) return undefined;
  return {
    path,
    kind: content.kind,
    sizeBytes: content.kind === "file" ? content.sizeBytes : 0,
    async *read({ signal } = {}) {
      if (content.kind === "symlink") yield new TextEncoder().encode(content.target);
      if (content.kind !== "file") return;
      if (local !== undefined && path !== undefined) yield* context.tree.read(path, local.stat, { signal });
      else yield* readStored(context, content, signal);
    },
  };
}
