import type { Env } from "../../env.js";
import { isTwinfoldError, TwinfoldError } from "../../errors.js";
import { type NodeId, randomId } from "../../ids.js";
import type { LocalEntry, LocalOutcome, LocalStat, LocalTree } from "../../local/local-tree.js";
import { isAliasOf } from "../../local/alias.js";
import { holdsAnyName, isSameName, slotKey } from "../../local/name-rules.js";
import { baseName, IGNORE_FILE, joinPath, type LocalPath, type NodeName, parentPath, ROOT_PATH } from "../../names.js";
import { type Place, sameContent } from "../../node.js";
import { isLive, type LocalState, nameHere, type NodeRecord, syncedWith } from "../../reconcile/node-record.js";
import { decide } from "../../reconcile/policy.js";
import { EMPTY_VECTOR } from "../../version-vector.js";
import { conflictName, conflictNodeId, isConflictNameOf } from "../conflict/conflict-name.js";
import { isStillThere } from "../scan/known-directory.js";
import { rulesOnDisk } from "../scope/ignore-files.js";
import { nameOnDisk } from "./name-on-disk.js";
import type { Intents } from "./intents.js";
import type { Presence } from "../scope/presence.js";
import { isOfSlowClock } from "./racy-stat.js";
import type { ReplicaParts } from "../replica-parts.js";
import type { Scope } from "../scope/scope.js";
import type { Trees, TreesWrite } from "../trees/trees.js";
import { fetchedAgain, NO_MANIFEST } from "./power-loss.js";
import type { Unverified } from "./unverified.js";

/** `changed`: the disk is not what the trees say; look at the named directories again. */
export type StepOutcome =
  | { readonly kind: "done"; readonly record?: NodeRecord | undefined }
  | { readonly kind: "changed"; readonly directories: readonly LocalPath[] }
  /** Its directory is not there yet, or a name is not free yet: planned again. */
  | { readonly kind: "later" }
  | { readonly kind: "failed"; readonly reason: string };

const LATER: StepOutcome = { kind: "later" };

interface Placed {
  readonly record: NodeRecord;
  readonly path: LocalPath;
  readonly stat: LocalStat;
  readonly durable: boolean;
}

/** Carries out the steps of a plan that change the disk, all but the making of files. Disk first, then the trees: a crash between is found by the next scan. */
export class DiskSteps {
  readonly #tree: LocalTree;
  readonly #trees: Trees;
  readonly #env: Env;
  readonly #deviceName: string;
  readonly #scope: Scope;
  readonly #presence: Presence;
  readonly #intents: Intents;
  readonly #unverified: Unverified;

  constructor(options: Pick<ReplicaParts, "tree" | "trees" | "env" | "deviceName" | "scope" | "presence" | "intents" | "unverified">) {
    this.#tree = options.tree;
    this.#trees = options.trees;
    this.#env = options.env;
    this.#deviceName = options.deviceName;
    this.#scope = options.scope;
    this.#presence = options.presence;
    this.#intents = options.intents;
    this.#unverified = options.unverified;
  }

  /** The node `from`, made here, and the hub's `nodeId` are one: it takes the hub's id, and so do its children their parent's. */
  async adopt(nodeId: NodeId, from: NodeId): Promise<StepOutcome> {
    const [ours, theirs] = await this.#trees.records([from, nodeId]);
    if (ours?.local === undefined || theirs === undefined || ours.remote !== undefined) return LATER;
    const children = await this.#trees.localChildren(from);
    const moved = children.map((child) => child.local && { ...child, local: { ...child.local, place: { ...child.local.place, parentId: nodeId } } });
    const local = { ...ours.local, ...this.#placeShown(theirs, ours.local) };
    await this.#trees.write({
      remove: [from],
      put: [{ ...theirs, local }, ...moved.filter((child) => child !== undefined)],
    });
    return { kind: "done" };
  }

  /** The hub's place, where the name here is the one that this disk shows it under; else the name is one that a person gave. */
  #placeShown({ nodeId, remote }: NodeRecord, local: LocalState): Pick<LocalState, "place" | "alias"> {
    const { place, alias } = local;
    if (!isLive(remote)) return { place, alias };
    const shown = nameHere(local);
    if (isAliasOf(shown, remote.place.name, nodeId, this.#trees.names)) return { place: remote.place, alias: shown };
    return { place: { ...place, parentId: remote.place.parentId }, alias };
  }

  /** Keeps what is here under a conflict name, as a node of its own; the hub's content is then fetched as new. */
  async keepCopy(nodeId: NodeId): Promise<StepOutcome & { readonly copy?: LocalPath | undefined }> {
    const record = await this.#trees.record(nodeId);
    const path = await this.#trees.localPath(nodeId);
    const local = record?.local;
    if (record === undefined || local === undefined || path === undefined) return LATER;
    const copyId = conflictNodeId(nodeId, record.synced?.contentVector ?? EMPTY_VECTOR, local.content, this.#env.sha256);
    const copy = (await this.#trees.record(copyId)) ?? { nodeId: copyId };
    const { local: _moved, synced: _base, ...rest } = record;
    if (copy.local !== undefined && sameContent(copy.local.content, local.content))
      return await this.#dropTwin(record, path, { put: [rest] }, copyId);
    // An attempt that died between the disk and the trees has given it its name already.
    const before = record.synced?.place.name ?? record.remote?.place.name;
    const isMoved = before !== undefined && isConflictNameOf(local.place.name, before);
    const moved = isMoved ? ({ kind: "moved", path, local } as const) : await this.#moveToFreeName(copy, path, local);
    if (moved.kind !== "moved") return moved.outcome;
    // Whoever has changed the copy since keeps what they have: this one is then a copy of its own.
    const node: NodeRecord = copy.local === undefined ? copy : { nodeId: randomId<NodeId>(this.#env) };
    await this.#trees.write({
      put: [rest, { ...node, local: moved.local }],
    });
    return { kind: "done", copy: moved.path };
  }

  /**
   * Gives its name to the hub's node `forNode` and takes a conflict name. What the hub knows stays the node that it is; a file or symlink that it does
   * not know becomes the conflict copy of `forNode`, without a base: devices that made the same thing apart make one copy of it.
   */
  async stepAside(nodeId: NodeId, forNode: NodeId): Promise<StepOutcome & { readonly copy?: LocalPath | undefined }> {
    const record = await this.#trees.record(nodeId);
    const path = await this.#trees.localPath(nodeId);
    if (record?.local === undefined || path === undefined) return LATER;
    const { local, ...rest } = record;
    const isKnown = rest.remote !== undefined || local.content.kind === "directory";
    const copyId = isKnown ? nodeId : conflictNodeId(forNode, EMPTY_VECTOR, local.content, this.#env.sha256);
    const copy: NodeRecord = isKnown ? rest : ((await this.#trees.record(copyId)) ?? { nodeId: copyId });
    // Of an attempt whose move failed it is the copy itself, and no twin of it.
    if (copyId !== nodeId && copy.local !== undefined && sameContent(copy.local.content, local.content))
      return await this.#dropTwin(record, path, { remove: [nodeId] }, copyId);
    const node: NodeRecord = copy.local === undefined ? copy : rest;
    const { at: to, ...shown } = await this.#freeConflictPlace(node, path, local);
    const asideLocal = { ...local, ...shown };
    // The trees first: a crash before the move is found by the inode, which is then the copy's.
    await this.#trees.write({ remove: node.nodeId === nodeId ? [] : [nodeId], put: [{ ...node, local: asideLocal }] });
    const outcome = await this.#try(() => this.#tree.move(path, to, local.stat), parentPath(path));
    if (outcome.kind !== "done") return outcome;
    await this.#trees.write({ put: [{ ...node, local: { ...asideLocal, stat: outcome.stat } }] });
    return { kind: "done", copy: to };
  }

  /** The conflict copy of these bytes is here already, of an earlier conflict over the same two versions: one of the two goes to the trash. */
  async #dropTwin({ local }: NodeRecord, path: LocalPath, write: TreesWrite, copyId: NodeId) {
    const outcome = await this.#try(() => this.#tree.remove(path, (local as LocalState).stat), parentPath(path));
    if (outcome.kind !== "done") return outcome;
    await this.#trees.write(write);
    return { kind: "done", copy: await this.#trees.localPath(copyId) } as const;
  }

  async #moveToFreeName(
    node: NodeRecord,
    path: LocalPath,
    local: LocalState,
  ): Promise<
    { readonly kind: "moved"; readonly path: LocalPath; readonly local: LocalState } | { readonly kind: "not"; readonly outcome: StepOutcome }
  > {
    const { at, ...shown } = await this.#freeConflictPlace(node, path, local);
    const outcome = await this.#try(() => this.#tree.move(path, at, local.stat), parentPath(path));
    if (outcome.kind !== "done") return { kind: "not", outcome };
    return { kind: "moved", path: at, local: { ...local, ...shown, stat: outcome.stat } };
  }

  /** The next conflict name that is free, and where the node stands under it. */
  async #freeConflictPlace(
    node: NodeRecord,
    path: LocalPath,
    local: LocalState,
  ): Promise<Pick<LocalState, "place" | "alias"> & { readonly at: LocalPath }> {
    for (let attempt = 1; attempt <= 1_000; attempt++) {
      const place = { ...local.place, name: conflictName(local.place.name, this.#deviceName, this.#env.nowMs(), attempt) };
      const at = joinPath(parentPath(path), await nameOnDisk(this.#trees, place, node));
      if ((await this.#tree.stat(at)) === undefined) return { at, ...shownAt(place, at) };
    }
    throw new TwinfoldError("ERR_LOCAL_FAILED", `there are 1,000 conflict copies of ${path}: look through them and remove what is not needed`);
  }

  /** Brings a node to the hub's place. Frees the name first when a node that is to leave it is still there. */
  async move(nodeId: NodeId): Promise<StepOutcome> {
    const record = await this.#trees.record(nodeId);
    if (record?.local === undefined || !isLive(record.remote)) return LATER;
    const from = await this.#trees.localPath(nodeId);
    const to = await this.#pathFor(record.remote.place, record);
    if (from === undefined || to === undefined || to.startsWith(`${from}/`)) return LATER;
    if (from === to) {
      const local = { ...record.local, ...shownAt(record.remote.place, to) };
      await this.#trees.write({ put: [{ ...record, local }, ...(await this.#presence.excludedBelow(record))] });
      return { kind: "done", record };
    }
    const name = await this.#freeName(shownPlace(record.remote.place, to), nodeId);
    if (name !== "free") return name === "later" ? LATER : { kind: "changed", directories: [parentPath(to)] };
    const outcome = await this.#try(() => this.#tree.move(from, to, (record.local as LocalState).stat), parentPath(from), parentPath(to));
    if (outcome.kind !== "done") return outcome;
    const moved: NodeRecord = { ...record, local: { ...record.local, ...shownAt(record.remote.place, to), stat: outcome.stat } };
    await this.#trees.write({ put: [moved, ...(await this.#presence.excludedBelow(moved))] });
    return { kind: "done", record: moved };
  }

  /** Makes the hub's directory or symlink, or gives a file the hub's exec bit. `undefined`: its bytes have to be fetched. */
  async make(nodeId: NodeId): Promise<StepOutcome | undefined> {
    const record = await this.#trees.record(nodeId);
    if (record === undefined || !isLive(record.remote)) return LATER;
    const { local, remote } = record;
    const path = local === undefined ? await this.#pathFor(remote.place, record) : await this.#trees.localPath(nodeId);
    if (path === undefined) return LATER;
    const name = local === undefined ? await this.#freeName(shownPlace(remote.place, path), nodeId) : "free";
    if (name !== "free") return name === "later" ? LATER : { kind: "changed", directories: [parentPath(path)] };
    const { content } = remote;
    if (local !== undefined && (local.content.kind === "directory") !== (content.kind === "directory")) {
      return { kind: "failed", reason: `it is a ${local.content.kind} here and a ${content.kind} on the server: rename or remove one of them` };
    }
    let outcome: Extract<LocalOutcome, { kind: "done" }> | Exclude<StepOutcome, { kind: "done" }>;
    switch (content.kind) {
      case "directory":
        outcome = await this.#try<LocalOutcome>(async () => {
          const made = await this.#tree.makeDirectory(path);
          const stat = made.kind === "changed" && local === undefined ? await this.#leftAlone(nodeId, path) : undefined;
          return stat === undefined ? made : { kind: "done", stat };
        }, parentPath(path));
        break;
      case "symlink":
        outcome = await this.#try(() => this.#tree.makeSymlink(path, content.target, local?.stat), parentPath(path));
        break;
      case "mount":
        return { kind: "failed", reason: "it is a shared folder, which this version does not open" };
      case "file": {
        if (local?.content.kind !== "file" || local.content.manifestId !== content.manifestId) return undefined;
        const { stat } = local;
        outcome = await this.#try(
          () => this.#tree.setAttributes(path, stat, { executable: content.executable, mtimeNs: content.mtimeNs }),
          parentPath(path),
        );
      }
    }
    if (outcome.kind !== "done") return outcome;
    await this.placed([{ record, path, stat: outcome.stat, durable: true }]);
    return { kind: "done", record };
  }

  /** Where each of the hub's files is to be made, in their order; an outcome for one that cannot be made yet. */
  async targetsOf(records: readonly NodeRecord[]): Promise<ReadonlyArray<{ readonly path: LocalPath } | StepOutcome>> {
    const places: Place[] = [];
    for (const { local, remote } of records) if (local === undefined && isLive(remote)) places.push(remote.place);
    const taken = new Set<string>();
    for (const { local } of (await this.#trees.localByName(places)).flat())
      if (local) taken.add(this.#slotOf({ ...local.place, name: nameHere(local) }));
    const directories = new Map<NodeId, LocalPath | undefined>();
    const replaced = await this.#replacedDirectories(new Set(places.map(({ parentId }) => parentId)));
    const targets: Array<{ readonly path: LocalPath } | StepOutcome> = [];
    for (const record of records) {
      const place = record.local === undefined && isLive(record.remote) ? record.remote.place : undefined;
      const notThere = place && replaced.get(place.parentId);
      if (notThere !== undefined) {
        targets.push({ kind: "changed", directories: [notThere] });
        continue;
      }
      if (place === undefined || !this.#holdsAnyName || taken.has(this.#slotOf(place))) {
        targets.push(await this.#targetOf(record));
        continue;
      }
      if (!directories.has(place.parentId)) directories.set(place.parentId, await this.#directoryPath(place.parentId));
      const parent = directories.get(place.parentId);
      targets.push(parent === undefined ? LATER : { path: joinPath(parent, place.name) });
    }
    return targets;
  }

  /** Those of the directories at whose paths the disk has something else by now, with their paths: what is put there would be somebody else's. */
  async #replacedDirectories(nodeIds: ReadonlySet<NodeId>): Promise<ReadonlyMap<NodeId, LocalPath>> {
    const replaced = new Map<NodeId, LocalPath>();
    for (const nodeId of nodeIds) {
      const path = await this.#directoryPath(nodeId);
      if (path !== undefined && !(await isStillThere({ trees: this.#trees, tree: this.#tree }, { nodeId, path }))) replaced.set(nodeId, path);
    }
    return replaced;
  }

  /** No name has to be looked for. */
  get #holdsAnyName(): boolean {
    return holdsAnyName(this.#trees.names) && !this.#scope.leavesAnythingAlone;
  }

  #slotOf({ parentId, name }: Place): string {
    return `${parentId}/${slotKey(name, this.#trees.names)}`;
  }

  async #targetOf(record: NodeRecord): Promise<{ readonly path: LocalPath } | StepOutcome> {
    if (!isLive(record.remote)) return LATER;
    const path = record.local === undefined ? await this.#pathFor(record.remote.place, record) : await this.#trees.localPath(record.nodeId);
    if (path === undefined) return LATER;
    const name = record.local === undefined ? await this.#freeName(shownPlace(record.remote.place, path), record.nodeId) : "free";
    if (name !== "free") return name === "later" ? LATER : { kind: "changed", directories: [parentPath(path)] };
    return { path };
  }

  /** The disk holds the hub's content of these nodes now; of those that are not `durable`, it will when they were verified. */
  async placed(made: readonly Placed[]): Promise<void> {
    const unverified = made.filter(({ durable }) => !durable).map(({ record }) => record.nodeId);
    await this.#trees.write({
      state: unverified.length > 0 ? { unverified: this.#unverified.with(unverified) } : undefined,
      put: made.flatMap(({ record, path, stat }) => {
        if (!isLive(record.remote)) return [];
        const { content } = record.remote;
        const at = shownAt(record.local?.place ?? record.remote.place, path);
        const local: LocalState = { ...at, content, stat, suspect: isOfSlowClock(stat) };
        const agreed = syncedWith(record.remote);
        const synced = record.synced === undefined ? agreed : { ...record.synced, content, contentVector: agreed.contentVector };
        return [{ ...record, local, synced }];
      }),
    });
    this.#intents.settle(made.map(({ record }) => record));
  }

  /** Has a file replaced that was put on the disk and that the disk cannot be made to keep, by the hub's bytes in a file that it keeps. Until then it stays. */
  async fetchAgain(nodeId: NodeId): Promise<StepOutcome> {
    const record = await this.#trees.record(nodeId);
    if (record?.local?.content.kind !== "file" || !isLive(record.remote)) return LATER;
    const local = { ...record.local, content: { ...record.local.content, manifestId: NO_MANIFEST } };
    this.#unverified.forget(nodeId);
    await this.#trees.write({ put: [fetchedAgain({ ...record, local, synced: record.synced ?? syncedWith(record.remote) })] });
    return { kind: "done", record };
  }

  /** Takes a node that the hub has deleted off the disk, into the trash. */
  async remove(nodeId: NodeId): Promise<StepOutcome> {
    const record = await this.#trees.record(nodeId);
    const path = await this.#trees.localPath(nodeId);
    if (record?.local === undefined || path === undefined || isLive(record.remote)) return LATER;
    // Rules go last: what they leave alone would be anybody's new file as soon as they are gone.
    if (baseName(path) === IGNORE_FILE && (await this.#goesToo(record.local.place.parentId))) return LATER;
    const outcome = await this.#try(() => this.#tree.remove(path, (record.local as LocalState).stat), parentPath(path));
    if (outcome.kind === "changed" && record.local.content.kind === "directory") {
      if (!(await this.#holdsNothingOfNote(nodeId, path, record.local.stat))) return { kind: "changed", directories: [path] };
    } else if (outcome.kind !== "done") return outcome;
    // It was empty: what was still noted in it went in a step that failed afterwards, or by other hands. No scan would look for it there.
    for (const child of await this.#trees.localChildren(nodeId)) await this.#trees.forgetLocal(child.nodeId);
    const { local: _gone, synced: _agreed, ...rest } = record;
    await this.#trees.write({ put: [rest] });
    return { kind: "done", record };
  }

  /** True of a directory that is to be deleted here. */
  async #goesToo(directory: NodeId): Promise<boolean> {
    const record = await this.#trees.record(directory);
    return record !== undefined && decide(record).kind === "delete-here";
  }

  /**
   * Takes away what systems leave in a directory, its rules when they are all there is, and the directory with it. True also when it stays because of
   * what rules leave alone.
   */
  async #holdsNothingOfNote(nodeId: NodeId, path: LocalPath, stat: LocalStat): Promise<boolean> {
    const level = await this.#scope.levelOf(nodeId, new Map());
    if (level === undefined) return false;
    const rules = (await this.#trees.localChildren(nodeId)).find(({ local }) => local && nameHere(local) === IGNORE_FILE);
    const outcome = await this.#try(async () => {
      const left: LocalEntry[] = [];
      for (const entry of (await this.#tree.list(path)).entries) {
        const isDirectory = entry.stat.kind === "directory";
        if (isDirectory || this.#scope.reasonFor(level, entry.name, false)?.kind !== "default") left.push(entry);
        else await this.#tree.remove(joinPath(path, entry.name as NodeName), entry.stat);
      }
      if (left.every(({ name }) => name === IGNORE_FILE) && rules?.local !== undefined)
        await this.#tree.remove(joinPath(path, IGNORE_FILE as NodeName), rules.local.stat);
      if ((await this.#tree.remove(path, stat)).kind === "done") return { kind: "done" as const };
      return (await this.#presence.holdsOnlyIgnored(path, level)) ? { kind: "done" as const } : { kind: "changed" as const };
    });
    return outcome.kind === "done";
  }

  /** A directory that is on the disk and was left alone, for what is in it: it is the hub's from now on. */
  async #leftAlone(nodeId: NodeId, path: LocalPath): Promise<LocalStat | undefined> {
    const level = await this.#scope.levelOf(nodeId, new Map());
    const stat = await this.#tree.stat(path);
    return level !== undefined && stat?.kind === "directory" && (await this.#presence.holdsOnlyIgnored(path, level)) ? stat : undefined;
  }

  /**
   * Takes off the disk, for the trash, what this device is not to hold any more, with all below it: each node once the hub has all of it.
   * What nobody knows in a directory stays, and the directory with it. The node itself `mayBeMoved` here: the planner has undone that.
   */
  async letGo(nodeId: NodeId, mayBeMoved = true): Promise<StepOutcome> {
    for (const child of await this.#trees.localChildren(nodeId)) {
      const outcome = await this.letGo(child.nodeId, false);
      if (outcome.kind !== "done") return outcome;
    }
    const record = await this.#trees.record(nodeId);
    const path = await this.#trees.localPath(nodeId);
    if (record?.local === undefined || path === undefined || !hubHasAllOf(record, mayBeMoved)) return LATER;
    const outcome = await this.#try(() => this.#tree.remove(path, (record.local as LocalState).stat), parentPath(path));
    if (outcome.kind !== "done" && !(outcome.kind === "changed" && record.local.content.kind === "directory")) return outcome;
    const { local: _gone, ...rest } = record;
    await this.#trees.write({ put: [{ ...rest, away: "excluded" }] });
    return { kind: "done", record };
  }

  async #pathFor(place: Place, node: NodeRecord): Promise<LocalPath | undefined> {
    const parent = await this.#directoryPath(place.parentId);
    if (parent === undefined) return undefined;
    return joinPath(parent, await nameOnDisk(this.#trees, place, node, (name) => this.#isInTheWay(place.parentId, joinPath(parent, name), node)));
  }

  async #directoryPath(nodeId: NodeId): Promise<LocalPath | undefined> {
    return nodeId === this.#trees.state.rootNodeId ? ROOT_PATH : await this.#trees.directoryPath(nodeId);
  }

  /** True when something stands at a path that rules or this device's choice leave alone, and that cannot be the node's: a person's, who has told nobody of it. */
  async #isInTheWay(parentId: NodeId, path: LocalPath, { local, remote }: NodeRecord): Promise<boolean> {
    if (!this.#scope.leavesAnythingAlone) return false;
    const looked = await this.#try(async () => ({ kind: "done", stat: await this.#tree.stat(path) }));
    if (looked.kind !== "done" || looked.stat === undefined) return false;
    const isDirectory = looked.stat.kind === "directory";
    const [known = []] = await this.#trees.localByName([{ parentId, name: baseName(path) }]);
    if (known.some(({ local }) => local && isSameName(nameHere(local), baseName(path), this.#trees.names))) return false;
    const level = await this.#scope.levelOf(parentId, new Map());
    if (level === undefined) return false;
    const name = await this.#spelling(path);
    if (this.#scope.reasonFor(level, name, isDirectory) !== undefined) return true;
    // A directory that is made here takes what is left alone into itself; one that moves here cannot.
    if (!isDirectory || (local === undefined && remote?.content.kind === "directory")) return false;
    return await this.#presence.holdsOnlyIgnored(path, this.#scope.enter(level, name, await rulesOnDisk(this.#tree, path)));
  }

  /** The name of what is at a path, as this disk lists it. */
  async #spelling(path: LocalPath): Promise<string> {
    const { names } = this.#trees;
    if (!names.foldsCase && !names.foldsNormalization) return baseName(path);
    const listed = await this.#try(async () => ({ kind: "done", listing: await this.#tree.list(parentPath(path)) }));
    const found = listed.kind === "done" ? listed.listing.entries.find(({ name }) => isSameName(name, baseName(path), names)) : undefined;
    return found?.name ?? baseName(path);
  }

  /**
   * Frees a name on this disk for a node that is to come. A known node there that moves away, or a directory that is to be deleted when it is empty, gets a passing name.
   *
   * `later`: a file there is to be deleted, and its removal is held back or failed. `changed`: something unknown is there.
   */
  async #freeName(place: Place, forNode: NodeId): Promise<"free" | "later" | "changed"> {
    const [group = []] = await this.#trees.localByName([place]);
    for (const occupant of group) {
      const { local, synced } = occupant;
      if (occupant.nodeId === forNode || local === undefined || !isSameName(nameHere(local), place.name, this.#trees.names)) continue;
      const decision = decide(occupant);
      const goes = decision.kind === "delete-here";
      if (goes && local.content.kind !== "directory") return "later";
      const path = await this.#trees.localPath(occupant.nodeId);
      if (path === undefined || !(goes || (decision.kind === "merge" && decision.place === "pull"))) return "changed";
      const name = `${occupant.nodeId.slice(0, 12)}.moving` as NodeName;
      const outcome = await this.#try(() => this.#tree.move(path, joinPath(parentPath(path), name), local.stat), parentPath(path));
      if (outcome.kind !== "done") return "changed";
      const passing = { ...place, name };
      // Of what is to be deleted the passing name is no change of this device's: a rename would beat the deletion.
      const agreed = goes && synced !== undefined ? { ...synced, place: passing } : synced;
      await this.#trees.write({ put: [{ ...occupant, local: { ...local, place: passing, alias: undefined, stat: outcome.stat }, synced: agreed }] });
    }
    return "free";
  }

  /** Turns what stands in the way of one node into an outcome; what stands in the way of all is thrown. */
  async #try<T extends { readonly kind: "done" } | { readonly kind: "changed" }>(
    operation: () => Promise<T>,
    ...directories: LocalPath[]
  ): Promise<Extract<T, { kind: "done" }> | Exclude<StepOutcome, { kind: "done" }>> {
    try {
      const outcome = await operation();
      return outcome.kind === "changed" ? { kind: "changed", directories } : (outcome as Extract<T, { kind: "done" }>);
    } catch (error) {
      if (!isTwinfoldError(error)) throw error;
      if (error.code === "ERR_NOT_FOUND" || error.code === "ERR_LOCAL_CHANGED") return { kind: "changed", directories };
      if (error.code === "ERR_PERMISSION_DENIED" || error.code === "ERR_LOCAL_FAILED" || error.code === "ERR_INVALID_NAME") {
        return { kind: "failed", reason: error.message };
      }
      throw error;
    }
  }
}

/** A node's place, and what this disk shows it as when it stands at `path`. */
function shownAt(place: Place, path: LocalPath): Pick<LocalState, "place" | "alias"> {
  return { place, alias: baseName(path) === place.name ? undefined : baseName(path) };
}

/** The name of `path` among the children of the place's directory. */
function shownPlace({ parentId }: Place, path: LocalPath): Place {
  return { parentId, name: baseName(path) };
}

/** True when nothing of this device's is waiting to go up, other than a move that may be undone. */
function hubHasAllOf(record: NodeRecord, mayBeMoved: boolean): boolean {
  const decision = decide(record);
  if (decision.kind === "merge") return (mayBeMoved || decision.place !== "push") && (decision.content === "keep" || decision.content === "pull");
  return decision.kind === "in-sync" || decision.kind === "agree";
}
