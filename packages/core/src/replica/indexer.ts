import type { Env } from "../env.js";
import { isTwinfoldError } from "../errors.js";
import { type NodeId, randomId } from "../ids.js";
import { sameStat } from "../local/expected.js";
import type { LocalEntry, LocalTree } from "../local/local-tree.js";
import { isSameName } from "../local/name-rules.js";
import { IGNORE_FILE, joinPath, type LocalPath, nameKey, nameProblem, type NodeName, parentPath, ROOT_PATH } from "../names.js";
import { type FileContent, sameContent, samePlace } from "../node.js";
import { isLive, type LiveHead, type LocalState, nameHere, type NodeRecord } from "../reconcile/node-record.js";
import { EmptiedFiles } from "./emptied-files.js";
import { mustNotBeEmptied } from "./emptied-root.js";
import { IgnoreFiles } from "./ignore-files.js";
import type { Intents } from "./intents.js";
import { type ObservedContent, observeContent } from "./observed-content.js";
import { childrenByName, findOwners, isReplaceable } from "./owners.js";
import { PowerLoss } from "./power-loss.js";
import type { Presence } from "./presence.js";
import { fitReplacedRoot } from "./replaced-root.js";
import type { ReplicaParts } from "./replica-parts.js";
import { type Level, type Levels, type Scope, withRules } from "./scope.js";
import type { Trees } from "./trees.js";

/** Records written at once. */
const WRITE_BATCH = 1_000;
/** Times that a directory is listed which becomes another one meanwhile. */
const LIST_ATTEMPTS = 3;

export interface IndexerEvents {
  scanned(entries: number): void;
  skipped(path: string, reason: string): void;
  damaged(path: LocalPath): void;
}

/** What a scan could not settle: look at these directories again after a pause. */
export interface ScanOutcome {
  readonly unsettled: ReadonlySet<LocalPath>;
}

/**
 * Writes what is on the disk into the local tree.
 *
 * A node keeps its id while its name or its inode stays: a name that holds an unknown inode keeps its node (editors save so); an
 * inode decides only where its old name is gone or holds another known node. A name that vanished counts as deleted
 * only when it is still gone at a second look, after `settleMs`.
 */
export class Indexer {
  readonly #tree: LocalTree;
  readonly #trees: Trees;
  readonly #env: Env;
  readonly #events: IndexerEvents;
  readonly #settleMs: number;
  readonly #scope: Scope;
  readonly #presence: Presence;
  readonly #intents: Intents;
  readonly #powerLoss: PowerLoss;
  readonly #emptied: EmptiedFiles;
  readonly #ignoreFiles: IgnoreFiles;
  /** Directories whose rules have changed while they were scanned: all below them is looked at again. */
  readonly #reruled = new Map<NodeId, LocalPath>();
  #ignored = 0;
  readonly #vanished = new Map<NodeId, number>();
  /** Somebody has said that the folder may be empty. */
  isEmptyExpected = false;
  /** The folder is not the one that was looked at before, though it is marked alike. */
  #isReplaced = false;
  #hasSeenAll = false;
  /** Something could not be read in this look. */
  #isPartlyUnread = false;
  #isReruled = false;
  /** What was excluded by its place here is, or may be, at another at the hub by now. */
  #hasExcludedByOldPlace = false;
  #entries = 0;
  #pending: NodeRecord[] = [];
  #pendingManifests: Array<{ manifestId: FileContent["manifestId"]; body: Uint8Array }> = [];

  constructor(
    options: Pick<ReplicaParts, "tree" | "trees" | "env" | "settleMs" | "scope" | "presence" | "intents"> & { readonly events: IndexerEvents },
  ) {
    this.#tree = options.tree;
    this.#trees = options.trees;
    this.#env = options.env;
    this.#events = options.events;
    this.#settleMs = options.settleMs;
    this.#scope = options.scope;
    this.#presence = options.presence;
    this.#intents = options.intents;
    this.#powerLoss = new PowerLoss(options);
    this.#emptied = new EmptiedFiles(options);
    this.#ignoreFiles = new IgnoreFiles({ ...options, emptied: this.#emptied, onProblem: options.events.skipped });
  }

  /** False until the whole folder was looked at once: before that its rules are not all known. */
  get hasSeenAll(): boolean {
    return this.#hasSeenAll;
  }

  /** Looks at every directory. */
  async scanAll(signal?: AbortSignal): Promise<ScanOutcome> {
    this.#ignored = 0;
    const outcome = await this.scan(EVERYTHING, signal);
    this.#hasSeenAll = true;
    await this.#presence.reconsider();
    if (this.#ignored !== this.#trees.state.ignored) await this.#trees.write({ state: { ignored: this.#ignored } });
    return outcome;
  }

  /** Looks at the named directories; at all below them when `deep`, otherwise at what is new in them. */
  async scan(places: Iterable<{ readonly path: LocalPath; readonly deep: boolean }>, signal?: AbortSignal): Promise<ScanOutcome> {
    const stamp = await this.#tree.check();
    const { rootStamp, bootId } = this.#trees.state;
    this.#isReplaced = rootStamp !== stamp && rootStamp !== undefined && rootStamp !== "";
    const isInDoubt = !this.#powerLoss.isOver;
    const seen = rootStamp === stamp && !(isInDoubt && !this.#hasSeenAll) ? places : EVERYTHING;
    if (this.#isReplaced) await fitReplacedRoot(this.#trees, this.#tree);
    this.#isPartlyUnread = false;
    const outcome = await this.#look(seen, signal);
    this.#isReplaced = false;
    // Of a folder that was never looked at before nothing is in doubt.
    const isOver = isInDoubt && seen === EVERYTHING && (bootId === "" || !this.#isPartlyUnread);
    if (rootStamp !== stamp || isOver) {
      await this.#trees.write({ state: { rootStamp: stamp, ...(isOver ? { bootId: this.#env.bootId, unverified: [] } : {}) } });
    }
    return outcome;
  }

  async #look(places: Iterable<{ readonly path: LocalPath; readonly deep: boolean }>, signal: AbortSignal | undefined): Promise<ScanOutcome> {
    this.#entries = 0;
    // What a scan saw that was broken off is seen again, and must not be there twice.
    this.#pending = [];
    this.#pendingManifests = [];
    this.#intents.beginScan();
    const unsettled = new Set<LocalPath>();
    // Several places may lead to one directory. Looked at twice in one scan, what is new in it would be two nodes.
    const begin = new Map<LocalPath, Place>();
    for (const place of places) {
      const found = await this.#nearestKnown(place.path);
      const deep = (found.path === place.path && place.deep) || begin.get(found.path)?.deep === true;
      begin.set(found.path, { ...found, deep });
    }
    // From the top, as rules are found there that take what is below out of the local tree.
    await this.#walk(
      [...begin.values()].sort((a, b) => (a.path < b.path ? 1 : -1)),
      unsettled,
      signal,
    );
    await this.#settleVanished(unsettled);
    // Rules that went with their file.
    while (this.#reruled.size > 0) {
      const reruled = new Map(this.#reruled);
      this.#reruled.clear();
      await this.#walk(
        [...reruled].map(([nodeId, path]) => ({ path, nodeId, deep: true })),
        unsettled,
        signal,
        reruled,
      );
      this.#isReruled = true;
    }
    if (this.#isReruled || this.#hasExcludedByOldPlace) await this.#presence.reconsider({ always: this.#hasExcludedByOldPlace });
    this.#isReruled = false;
    this.#hasExcludedByOldPlace = false;
    await this.#intents.forgetSettled();
    return { unsettled };
  }

  async #walk(
    queue: Place[],
    unsettled: Set<LocalPath>,
    signal: AbortSignal | undefined,
    reruled: Map<NodeId, LocalPath> = new Map(),
  ): Promise<void> {
    try {
      for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
        signal?.throwIfAborted();
        const place = next.found ? { ...next, ...next.found } : await this.#findAgain(next);
        if (place === undefined) continue;
        const { isReruled, below } = await this.#directory(place, unsettled, signal);
        if (isReruled) {
          reruled.set(place.nodeId, place.path);
          this.#isReruled = true;
        }
        for (const child of below) if (next.deep || isReruled || child.found?.isNew) queue.push(child);
      }
      await this.#flush();
    } catch (error) {
      // To the next look their rules are no news.
      for (const [nodeId, path] of reruled) this.#reruled.set(nodeId, path);
      throw error;
    }
  }

  /** A directory that was asked for, where this look has found it; `undefined` when it has taken it out of the local tree. */
  async #findAgain(asked: Place): Promise<(Place & FoundPlace) | undefined> {
    const path = await this.#trees.directoryPath(asked.nodeId);
    const level = path === undefined ? undefined : await this.#scope.levelOf(asked.nodeId, new Map());
    if (path === undefined || level === undefined || level.reason !== undefined) return undefined;
    return { ...asked, path, level, isNew: false };
  }

  /** The node of the directory at `path`, when the local tree knows one. */
  async #directoryAt(path: LocalPath): Promise<NodeId | undefined> {
    let nodeId = this.#trees.state.rootNodeId;
    for (const name of path === "" ? [] : path.split("/")) {
      const [found = []] = await this.#trees.localByName([{ parentId: nodeId, name }]);
      const record = found.find(({ local }) => local?.content.kind === "directory" && isSameName(nameHere(local), name, this.#trees.names));
      if (record === undefined) return undefined;
      nodeId = record.nodeId;
    }
    return nodeId;
  }

  /** The directory at `path`; of one that is not known its nearest known ancestor, which will find it. */
  async #nearestKnown(path: LocalPath): Promise<{ readonly path: LocalPath; readonly nodeId: NodeId }> {
    for (let at = path; ; at = parentPath(at)) {
      const nodeId = await this.#directoryAt(at);
      if (nodeId !== undefined) return { path: at, nodeId };
    }
  }

  async #directory(
    { path, nodeId, level: levelBefore, isNew }: Place & FoundPlace,
    unsettled: Set<LocalPath>,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly isReruled: boolean; readonly below: readonly Place[] }> {
    const listing = await this.#list(path);
    if (listing === undefined) {
      this.#isPartlyUnread = true;
      return NOTHING_BELOW;
    }
    const isEmptied = path === ROOT_PATH && listing.entries.length + listing.problems.length === 0;
    const children = await this.#trees.localChildren(nodeId);
    const isLost = children.every((child) => this.#powerLoss.isUnverified(child.nodeId));
    if (isEmptied && !isLost && !this.isEmptyExpected) await mustNotBeEmptied(this.#trees);
    for (const { name, problem } of listing.problems) this.#events.skipped(path === "" ? name : `${path}/${name}`, problem);

    const known = childrenByName(children, listing.entries);
    const rules = await this.#ignoreFiles.rulesIn(path, nodeId, listing.entries, known.has(IGNORE_FILE));
    if (rules === "unknown") {
      unsettled.add(path);
      return NOTHING_BELOW;
    }
    const { isReruled } = rules;
    const level = isReruled ? withRules(levelBefore, rules.rules) : levelBefore;
    const spelled = this.#speller(known.keys());
    const entries: Array<LocalEntry & { readonly name: NodeName }> = [];
    const unreadable = new Set(listing.problems.map(({ name }) => name));
    const stayed = new Set<NodeId>();
    for (const { name, stat } of listing.entries) {
      const entry = { name: spelled(name), stat };
      const named = known.get(entry.name);
      if (this.#scope.reasonFor(level, named?.local?.place.name ?? entry.name, stat.kind === "directory") !== undefined) {
        this.#ignored += 1;
        // What stands under a node's name and is no such thing is not the node: that has gone.
        if (named?.local === undefined || !isReplaceable(named.local, stat)) continue;
        await this.#flush();
        await this.#presence.exclude(named.nodeId);
        if (isLive(named.remote) && !samePlace(named.local.place, named.remote.place)) this.#hasExcludedByOldPlace = true;
        this.#vanished.delete(named.nodeId);
        stayed.add(named.nodeId);
        continue;
      }
      if (named === undefined && (await this.#presence.isExcludedAlias(nodeId, level, entry.name))) {
        this.#ignored += 1;
        continue;
      }
      const problem = entry.stat.kind === "other" ? "is a socket, pipe or device" : nameProblem(entry.name);
      if (problem === undefined) entries.push(entry as LocalEntry & { readonly name: NodeName });
      else this.#events.skipped(path === "" ? entry.name : `${path}/${entry.name}`, problem);
      if (problem !== undefined) unreadable.add(entry.name);
    }
    this.#entries += entries.length;
    this.#events.scanned(this.#entries);

    if (isNew && (await this.#isLeftAlone(path, nodeId, level, entries, unreadable.size))) return NOTHING_BELOW;

    const owners = await findOwners({ trees: this.#trees, tree: this.#tree, flush: () => this.#flush() }, { path, nodeId, entries, known });
    await this.#findAgainAtHub(nodeId, entries, owners);
    if (hasNews(nodeId, entries, owners, children) && !(await this.#isSettled(path, unsettled))) {
      this.#isPartlyUnread = true;
      return NOTHING_BELOW;
    }
    // In a folder that was put back nothing was put by this device.
    const intents = this.#isReplaced ? [] : this.#intents.in(nodeId);
    const unseen = [...unreadable];
    const directories: Place[] = [];
    for (const entry of entries) {
      signal?.throwIfAborted();
      const owner = owners.get(entry.name);
      const entryPath = joinPath(path, entry.name);
      const record = await this.#entry(entryPath, nodeId, entry, owner, { intents, unsettled, signal });
      if (record === undefined) {
        this.#isPartlyUnread = true;
        unseen.push(entry.name);
        if (owner !== undefined) stayed.add(owner.nodeId);
        continue;
      }
      stayed.add(record.nodeId);
      if (entry.stat.kind === "directory")
        directories.push({
          path: entryPath,
          nodeId: record.nodeId,
          deep: true,
          found: {
            level: this.#scope.enter(level, record.local?.place.name ?? entry.name, this.#scope.rulesOf(record.nodeId)),
            isNew: owner?.local?.place.parentId !== nodeId,
          },
        });
    }
    for (const record of children) {
      if (record.local === undefined || stayed.has(record.nodeId) || unreadable.has(nameHere(record.local))) continue;
      this.#vanished.set(record.nodeId, this.#vanished.get(record.nodeId) ?? this.#env.monotonicMs());
    }
    this.#intents.settle(intents.filter((head) => !unseen.some((name) => this.#intents.isShownAs(head, name))));
    return { isReruled, below: directories };
  }

  /** A new directory that holds nothing but what rules leave alone, and the rules, is left alone with it: it is what a removal could not take along. */
  async #isLeftAlone(
    path: LocalPath,
    nodeId: NodeId,
    level: Level,
    entries: ReadonlyArray<LocalEntry & { readonly name: NodeName }>,
    unreadable: number,
  ): Promise<boolean> {
    const hasFiles = entries.some(({ name, stat }) => stat.kind !== "directory" && name !== IGNORE_FILE);
    if (unreadable > 0 || hasFiles || !(await this.#presence.holdsOnlyIgnored(path, level))) return false;
    await this.#flush();
    const record = await this.#trees.record(nodeId);
    if (record === undefined || record.remote !== undefined || record.synced !== undefined) return false;
    await this.#trees.write({ remove: [nodeId] });
    return true;
  }

  /** What was excluded and is so no more is its node again, if the disk has it; so is what was gone and is back before the hub has heard of that. */
  async #findAgainAtHub(
    parentId: NodeId,
    entries: ReadonlyArray<LocalEntry & { readonly name: NodeName }>,
    owners: Map<string, NodeRecord>,
  ): Promise<void> {
    const unknown = entries.filter(({ name }) => !owners.has(name));
    if (unknown.length === 0) return;
    const groups = await this.#trees.remoteByName(unknown.map(({ name }) => ({ parentId, name })));
    // The hub may have taken a deletion in a commit whose answer is still to come.
    const isHeardOf = groups.some((group) => group.some(isGoneHere)) && (await this.#trees.outbox()).length > 0;
    for (const [index, { name, stat }] of unknown.entries()) {
      const found = groups[index]?.find((record) => record.away === "excluded" || (!isHeardOf && isGoneHere(record)));
      if (found === undefined) continue;
      if ((found.remote?.content.kind === "directory") === (stat.kind === "directory")) owners.set(name, found);
      else if (found.away !== undefined) await this.#trees.write({ put: [{ nodeId: found.nodeId, remote: found.remote }] });
    }
  }

  /** A disk that lists form D has lost how a name was given: a known node has the one that it was made with, of a new one form C is likelier. */
  #speller(known: Iterable<string>): (listed: string) => string {
    if (!this.#trees.names.listsDecomposed) return (listed) => listed;
    const byForm = new Map([...known].map((name) => [nameKey(name), name]));
    return (listed) => byForm.get(nameKey(listed)) ?? nameKey(listed);
  }

  /** The entries of a directory; `undefined` when it is gone by now or cannot be read, which says nothing about what is in it. */
  async #list(path: LocalPath) {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#tree.list(path);
      } catch (error) {
        if (!isTwinfoldError(error)) throw error;
        // Of a disk that was unplugged meanwhile no directory says anything.
        await this.#tree.check();
        if (error.code === "ERR_LOCAL_CHANGED" && attempt < LIST_ATTEMPTS) continue;
        if (path === ROOT_PATH) throw error;
        if (error.code === "ERR_PERMISSION_DENIED") this.#events.skipped(path, "cannot be read: permission denied");
        else if (error.code === "ERR_LOCAL_FAILED") this.#events.skipped(path, error.message);
        else if (error.code !== "ERR_NOT_FOUND" && error.code !== "ERR_LOCAL_CHANGED") throw error;
        return undefined;
      }
    }
  }

  /** Makes what was listed durable before it is noted: names that the disk took back with a loss of power would be deleted, or new, to the next scan. */
  async #isSettled(path: LocalPath, unsettled: Set<LocalPath>): Promise<boolean> {
    try {
      await this.#tree.settle(path);
      return true;
    } catch (error) {
      if (!isTwinfoldError(error)) throw error;
      if (error.code === "ERR_NOT_FOUND" || error.code === "ERR_LOCAL_CHANGED") unsettled.add(parentPath(path));
      else if (error.code === "ERR_LOCAL_FAILED" || error.code === "ERR_PERMISSION_DENIED") this.#events.skipped(path, error.message);
      else throw error;
      return false;
    }
  }

  /** Observes one entry; `undefined` when it cannot be read now. */
  async #entry(
    path: LocalPath,
    parentId: NodeId,
    entry: LocalEntry & { readonly name: NodeName },
    owner: NodeRecord | undefined,
    { intents, unsettled, signal }: Look,
  ): Promise<NodeRecord | undefined> {
    const before = owner?.local;
    const isRenamed = before === undefined || nameHere(before) !== entry.name;
    const place = { parentId, name: isRenamed ? entry.name : before.place.name };
    const alias = isRenamed ? undefined : before.alias;
    const moved = before !== undefined && (isRenamed || before.place.parentId !== parentId);
    const isSure = before !== undefined && !moved && !before.suspect && !this.#powerLoss.mayHaveTaken(owner as NodeRecord);
    if (isSure && sameStat(before.stat, entry.stat)) {
      this.#vanished.delete((owner as NodeRecord).nodeId);
      return owner;
    }
    if (
      entry.stat.kind === "file" &&
      entry.stat.sizeBytes === 0 &&
      before !== undefined &&
      before.stat.sizeBytes > 0 &&
      !this.#powerLoss.isUntouched(owner as NodeRecord, entry.stat) &&
      !this.#emptied.hasWaited(path)
    ) {
      unsettled.add(parentPath(path));
      return undefined;
    }
    let observed: ObservedContent;
    try {
      observed = await observeContent({ tree: this.#tree, env: this.#env }, path, entry.stat, { signal });
    } catch (error) {
      if (!isTwinfoldError(error)) throw error;
      if (error.code === "ERR_PERMISSION_DENIED") this.#events.skipped(path, "cannot be read: permission denied");
      else if (error.code === "ERR_LOCAL_CHANGED" || error.code === "ERR_NOT_FOUND") unsettled.add(parentPath(path));
      else if (error.code === "ERR_LOCAL_FAILED") this.#events.skipped(path, error.message);
      else throw error;
      return undefined;
    }
    this.#emptied.forget(path);
    const { manifest, ...seen } = observed;
    if (manifest !== undefined && (moved || before === undefined || !sameContent(before.content, seen.content)))
      this.#pendingManifests.push(manifest);
    const here: LocalState = { place, ...seen, alias };
    const stayed = moved ? undefined : owner;
    // In a folder that was put back this may be older than what was agreed on, and must not replace it.
    const isOfUnknownAge =
      (this.#isReplaced && before !== undefined && !sameContent(before.content, seen.content)) ||
      (stayed !== undefined && (await this.#powerLoss.isOfUnknownAge(stayed, here)));
    const known = isOfUnknownAge ? owner && { nodeId: owner.nodeId, remote: owner.remote } : owner;
    const placed = owner !== undefined && this.#powerLoss.isUnverified(owner.nodeId) ? owner : stayed;
    const damaged = placed !== undefined && !isOfUnknownAge ? this.#powerLoss.damaged(placed, here) : undefined;
    if (damaged !== undefined) this.#events.damaged(path);
    const isInDoubt = !this.#powerLoss.isOver;
    const ours = damaged ?? (await this.#intents.trace({ shown: entry.name, local: here, owner: known, intents, isInDoubt }));
    const record: NodeRecord = ours ?? { ...(known ?? { nodeId: randomId<NodeId>(this.#env) }), local: here };
    this.#vanished.delete(record.nodeId);
    this.#pending.push(record);
    if (moved || this.#pending.length >= WRITE_BATCH) await this.#flush();
    return record;
  }

  async #flush(): Promise<void> {
    if (this.#pending.length === 0) return;
    const [put, manifests] = [this.#pending, this.#pendingManifests];
    this.#pending = [];
    this.#pendingManifests = [];
    await this.#trees.write({ put, manifests });
  }

  /**
   * Takes what has been gone for `settleMs` out of the local tree; the rest has to be looked at again.
   * A node whose name another node holds by now is gone at once: there is nothing to wait for.
   */
  async #settleVanished(unsettled: Set<LocalPath>): Promise<void> {
    const now = this.#env.monotonicMs();
    const levels: Levels = new Map();
    if (this.#powerLoss.hasUnverified) for (const nodeId of [...this.#vanished.keys()]) await this.#comesAgain(nodeId);
    for (const [nodeId, since] of this.#vanished) {
      const path = await this.#trees.localPath(nodeId);
      if (path === undefined) this.#vanished.delete(nodeId);
      else if (await this.#isDisplaced(nodeId)) await this.#forgetBelow(nodeId, levels);
      else if (now - since < this.#settleMs) unsettled.add(parentPath(path));
      else if (!(await this.#isStillThere(nodeId, path))) await this.#forgetBelow(nodeId, levels);
      else {
        this.#vanished.delete(nodeId);
        unsettled.add(parentPath(path));
      }
    }
  }

  /** What is gone and the disk may have lost is fetched again, at once: nobody may have seen it. So is what was in a directory that is gone. */
  async #comesAgain(nodeId: NodeId): Promise<void> {
    for (const child of await this.#trees.localChildren(nodeId)) await this.#comesAgain(child.nodeId);
    if (!this.#powerLoss.isUnverified(nodeId)) return;
    const record = await this.#trees.record(nodeId);
    this.#vanished.delete(nodeId);
    this.#events.damaged(await this.#trees.shownPath(nodeId));
    await this.#trees.write(record?.remote === undefined ? { remove: [nodeId] } : { put: [{ nodeId, remote: record.remote }] });
  }

  /** Rules may leave alone what is under its name now: something of another kind or, on a disk that folds names, of another spelling. */
  async #isStillThere(nodeId: NodeId, path: LocalPath): Promise<boolean> {
    const local = (await this.#trees.record(nodeId))?.local;
    const stat = await this.#tree.stat(path);
    if (local === undefined || stat === undefined || !isReplaceable(local, stat)) return false;
    const { foldsCase, foldsNormalization } = this.#trees.names;
    if (!foldsCase && !foldsNormalization) return true;
    const listing = await this.#list(parentPath(path));
    return listing === undefined || listing.entries.some(({ name }) => nameKey(name) === nameKey(nameHere(local)));
  }

  async #isDisplaced(nodeId: NodeId): Promise<boolean> {
    const local = (await this.#trees.record(nodeId))?.local;
    if (local === undefined) return false;
    const name = nameHere(local);
    const [holders = []] = await this.#trees.localByName([{ parentId: local.place.parentId, name }]);
    return holders.some((holder) => holder.nodeId !== nodeId && holder.local && isSameName(nameHere(holder.local), name, this.#trees.names));
  }

  /** A directory took all with it that was not found elsewhere. Leaves first, so that removals are planned in that order. */
  async #forgetBelow(nodeId: NodeId, levels: Levels): Promise<void> {
    for (const child of await this.#trees.localChildren(nodeId)) await this.#forgetBelow(child.nodeId, levels);
    this.#vanished.delete(nodeId);
    const record = await this.#trees.record(nodeId);
    if (record === undefined) return;
    const { local: gone } = record;
    // A rule came and the thing went, unseen which was first: then the rule has it.
    if ((await this.#presence.reasonFor(record, levels)) !== undefined) {
      this.#hasExcludedByOldPlace = true;
      return await this.#presence.exclude(nodeId);
    }
    if (gone?.place.name === IGNORE_FILE && this.#scope.setRules(gone.place.parentId, undefined)) {
      const path = gone.place.parentId === this.#trees.state.rootNodeId ? ROOT_PATH : await this.#trees.localPath(gone.place.parentId);
      if (path !== undefined) this.#reruled.set(gone.place.parentId, path);
    }
    await this.#trees.forgetLocal(nodeId);
  }
}

/** A directory to look at. */
interface Place {
  readonly path: LocalPath;
  readonly nodeId: NodeId;
  /** All below it too. */
  readonly deep: boolean;
  /** Absent of one that was asked for. */
  readonly found?: FoundPlace | undefined;
}

/** What the look at a directory knows while it goes through the entries. */
interface Look {
  readonly intents: readonly LiveHead[];
  readonly unsettled: Set<LocalPath>;
  readonly signal: AbortSignal | undefined;
}

/** What the look at a directory tells of one in it. */
interface FoundPlace {
  readonly level: Level;
  readonly isNew: boolean;
}

const EVERYTHING = [{ path: ROOT_PATH, deep: true }] as const;

const NOTHING_BELOW = { isReruled: false, below: [] } as const;

/** True of a node that is to be deleted at the hub, where it still is what it was here. */
function isGoneHere({ local, synced, remote, away }: NodeRecord): boolean {
  return local === undefined && away === undefined && synced !== undefined && isLive(remote) && samePlace(synced.place, remote.place);
}

/** True when a directory holds other names, or other things under them, than the local tree has. */
function hasNews(nodeId: NodeId, entries: readonly LocalEntry[], owners: ReadonlyMap<string, NodeRecord>, children: readonly NodeRecord[]): boolean {
  if (entries.length < children.length) return true;
  return entries.some(({ name, stat }) => {
    const local = owners.get(name)?.local;
    return local === undefined || local.place.parentId !== nodeId || nameHere(local) !== name || local.stat.inode !== stat.inode;
  });
}
