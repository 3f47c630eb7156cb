import type { Env } from "../env.js";
import { isTwinfoldError, TwinfoldError } from "../errors.js";
import { type NodeId, randomId } from "../ids.js";
import { IGNORE_FILE, type Rules } from "../ignore/rules.js";
import type { LocalEntry, LocalStat, LocalTree } from "../local/local-tree.js";
import { isSameName, slotKey } from "../local/name-rules.js";
import { baseName, joinPath, type LocalPath, type NodeName, nameKey, nameProblem, parentPath, ROOT_PATH } from "../names.js";
import { type Content, type FileContent, sameContent } from "../node.js";
import { type LocalState, nameHere, type NodeRecord } from "../reconcile/node-record.js";
import { manifestOfFile } from "./manifest-of-file.js";
import { readIgnoreFile } from "./ignore-file.js";
import type { Presence } from "./presence.js";
import { isRacy, TICK_MS } from "./racy-stat.js";
import { fitReplacedRoot } from "./replaced-root.js";
import type { ReplicaParts } from "./replica-parts.js";
import type { Level, Levels, Scope } from "./scope.js";
import type { Trees } from "./trees.js";

/** Records written at once. */
const WRITE_BATCH = 1_000;
/** Entries from which on a folder that is empty all at once is not believed. */
const FULL = 10;
/** Times that a file which changes while it is read is tried again at once. */
const READ_ATTEMPTS = 3;
/** Times that a directory is listed which becomes another one meanwhile. */
const LIST_ATTEMPTS = 3;

export interface IndexerEvents {
  scanned(entries: number): void;
  skipped(path: string, reason: string): void;
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
  /** Directories whose rules have changed while they were scanned: all below them is looked at again. */
  readonly #reruled = new Map<NodeId, LocalPath>();
  #ignored = 0;
  readonly #vanished = new Map<NodeId, number>();
  /** Somebody has said that the folder may be empty. */
  isEmptyExpected = false;
  /** The folder is not the one that was looked at before, though it is marked alike. */
  #isReplaced = false;
  #entries = 0;
  #pending: NodeRecord[] = [];
  #pendingManifests: Array<{ manifestId: FileContent["manifestId"]; body: Uint8Array }> = [];

  constructor(options: Pick<ReplicaParts, "tree" | "trees" | "env" | "settleMs" | "scope" | "presence"> & { readonly events: IndexerEvents }) {
    this.#tree = options.tree;
    this.#trees = options.trees;
    this.#env = options.env;
    this.#events = options.events;
    this.#settleMs = options.settleMs;
    this.#scope = options.scope;
    this.#presence = options.presence;
  }

  /** False until the whole folder was looked at once: before that its rules are not all known. */
  get hasSeenAll(): boolean {
    return this.#hasSeenAll;
  }
  #hasSeenAll = false;

  /** Looks at every directory. */
  async scanAll(signal?: AbortSignal): Promise<ScanOutcome> {
    this.#ignored = 0;
    const outcome = await this.scan([{ path: ROOT_PATH, deep: true }], signal);
    this.#hasSeenAll = true;
    await this.#presence.reconsider();
    if (this.#ignored !== this.#trees.state.ignored) await this.#trees.write({ state: { ignored: this.#ignored } });
    return outcome;
  }

  /** Looks at the named directories; at all below them when `deep`, otherwise at what is new in them. */
  async scan(places: Iterable<{ readonly path: LocalPath; readonly deep: boolean }>, signal?: AbortSignal): Promise<ScanOutcome> {
    const stamp = await this.#tree.check();
    const { rootStamp } = this.#trees.state;
    this.#isReplaced = rootStamp !== stamp && rootStamp !== undefined && rootStamp !== "";
    if (rootStamp === stamp) return await this.#look(places, signal);
    if (this.#isReplaced) await fitReplacedRoot(this.#trees, this.#tree);
    const outcome = await this.#look([{ path: ROOT_PATH, deep: true }], signal);
    this.#isReplaced = false;
    await this.#trees.write({ state: { rootStamp: stamp } });
    return outcome;
  }

  async #look(places: Iterable<{ readonly path: LocalPath; readonly deep: boolean }>, signal: AbortSignal | undefined): Promise<ScanOutcome> {
    this.#entries = 0;
    // What a scan saw that was broken off is seen again, and must not be there twice.
    this.#pending = [];
    this.#pendingManifests = [];
    const unsettled = new Set<LocalPath>();
    // Several places may lead to one directory. Looked at twice in one scan, what is new in it would be two nodes.
    const begin = new Map<LocalPath, { path: LocalPath; nodeId: NodeId; deep: boolean }>();
    for (const place of places) {
      const found = await this.#nearestKnown(place.path);
      const deep = (found.path === place.path && place.deep) || begin.get(found.path)?.deep === true;
      begin.set(found.path, { ...found, deep });
    }
    const queue: Place[] = [];
    const levels: Levels = new Map();
    for (const place of begin.values()) {
      const level = await this.#scope.levelOf(place.nodeId, levels);
      if (level !== undefined && level.reason === undefined) queue.push({ ...place, level, isNew: false });
    }
    await this.#walk(queue, unsettled, signal);
    await this.#settleVanished(unsettled);
    // Rules that went with their file.
    while (this.#reruled.size > 0) {
      const again: Place[] = [];
      levels.clear();
      for (const [nodeId, path] of this.#reruled) {
        const level = await this.#scope.levelOf(nodeId, levels);
        if (level !== undefined && level.reason === undefined) again.push({ path, nodeId, level, deep: true, isNew: false });
      }
      this.#reruled.clear();
      await this.#walk(again, unsettled, signal);
      this.#isReruled = true;
    }
    if (this.#isReruled) await this.#presence.reconsider();
    this.#isReruled = false;
    return { unsettled };
  }

  #isReruled = false;

  async #walk(queue: Place[], unsettled: Set<LocalPath>, signal: AbortSignal | undefined): Promise<void> {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      signal?.throwIfAborted();
      const { isReruled, below } = await this.#directory(next, unsettled, signal);
      if (isReruled) this.#isReruled = true;
      for (const child of below) if (next.deep || isReruled || child.isNew) queue.push({ ...child, deep: true });
    }
    await this.#flush();
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
    { path, nodeId, level: levelBefore, isNew }: Place,
    unsettled: Set<LocalPath>,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly isReruled: boolean; readonly below: ReadonlyArray<Omit<Place, "deep">> }> {
    const listing = await this.#list(path);
    if (listing === undefined) return NOTHING_BELOW;
    if (path === ROOT_PATH && listing.entries.length + listing.problems.length === 0) await this.#mustNotBeEmptied();
    for (const { name, problem } of listing.problems) this.#events.skipped(path === "" ? name : `${path}/${name}`, problem);

    const children = await this.#trees.localChildren(nodeId);
    const known = byName(children, listing.entries);
    const rules = await this.#rulesIn(path, nodeId, listing.entries, known);
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
        if (named === undefined) continue;
        await this.#flush();
        await this.#presence.exclude(named.nodeId);
        this.#vanished.delete(named.nodeId);
        stayed.add(named.nodeId);
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

    const owners = await this.#owners(path, nodeId, entries, known);
    if (this.#trees.state.holdsAway) await this.#includeAgain(nodeId, entries, owners);
    const directories: Array<Omit<Place, "deep">> = [];
    for (const entry of entries) {
      signal?.throwIfAborted();
      const owner = owners.get(entry.name);
      const entryPath = joinPath(path, entry.name);
      const record = await this.#entry(entryPath, nodeId, entry, owner, unsettled);
      if (record === undefined) {
        if (owner !== undefined) stayed.add(owner.nodeId);
        continue;
      }
      stayed.add(record.nodeId);
      if (entry.stat.kind === "directory")
        directories.push({
          path: entryPath,
          nodeId: record.nodeId,
          level: this.#scope.enter(level, record.local?.place.name ?? entry.name, this.#scope.rulesOf(record.nodeId)),
          isNew: owner?.local?.place.parentId !== nodeId,
        });
    }
    for (const record of children) {
      if (record.local === undefined || stayed.has(record.nodeId) || unreadable.has(nameHere(record.local))) continue;
      this.#vanished.set(record.nodeId, this.#vanished.get(record.nodeId) ?? this.#env.monotonicMs());
    }
    return { isReruled, below: directories };
  }

  /** The rules of a directory as it was just listed. `unknown`: they are being written, and this process has never read them. */
  async #rulesIn(
    path: LocalPath,
    nodeId: NodeId,
    entries: readonly LocalEntry[],
    known: ReadonlyMap<string, NodeRecord>,
  ): Promise<{ readonly rules: Rules | undefined; readonly isReruled: boolean } | "unknown"> {
    const before = this.#scope.rulesOf(nodeId);
    const file = entries.find(({ name, stat }) => name === IGNORE_FILE && stat.kind === "file");
    if (file === undefined) {
      // Editors delete and write anew: while its node is there its rules hold.
      const rules = known.has(IGNORE_FILE) ? before : undefined;
      this.#ruleFiles.delete(nodeId);
      return { rules, isReruled: this.#scope.setRules(nodeId, rules) };
    }
    const seen = this.#ruleFiles.get(nodeId);
    if (before !== undefined && seen !== undefined && sameStat(seen, file.stat)) return { rules: before, isReruled: false };
    const filePath = joinPath(path, IGNORE_FILE as NodeName);
    if (file.stat.sizeBytes === 0 && before !== undefined && before.text !== "" && !(await this.#waited(filePath)))
      return { rules: before, isReruled: false };
    if (isRacy(file.stat, this.#env.nowMs())) await this.#env.sleep(TICK_MS);
    const isSuspect = isRacy(file.stat, this.#env.nowMs());
    const answer = await readIgnoreFile(this.#tree, filePath, file.stat);
    if (answer.kind === "changing") return before === undefined ? "unknown" : { rules: before, isReruled: false };
    for (const problem of answer.rules.problems) this.#events.skipped(filePath, problem);
    if (isSuspect) this.#ruleFiles.delete(nodeId);
    else this.#ruleFiles.set(nodeId, file.stat);
    return { rules: answer.rules, isReruled: this.#scope.setRules(nodeId, answer.rules) };
  }

  /** The ignore files whose rules are known, as they were when they were read. */
  readonly #ruleFiles = new Map<NodeId, LocalStat>();

  /** A new directory that holds nothing but what rules leave alone is left alone with it: it is what a removal could not take along. */
  async #isLeftAlone(
    path: LocalPath,
    nodeId: NodeId,
    level: Level,
    entries: ReadonlyArray<LocalEntry & { readonly name: NodeName }>,
    unreadable: number,
  ): Promise<boolean> {
    if (unreadable > 0 || entries.some(({ stat }) => stat.kind !== "directory") || !(await this.#presence.holdsOnlyIgnored(path, level)))
      return false;
    await this.#flush();
    const record = await this.#trees.record(nodeId);
    if (record === undefined || record.remote !== undefined || record.synced !== undefined) return false;
    await this.#trees.write({ remove: [nodeId] });
    return true;
  }

  /** What was excluded and is so no more is its node again, if the disk has it. */
  async #includeAgain(
    parentId: NodeId,
    entries: ReadonlyArray<LocalEntry & { readonly name: NodeName }>,
    owners: Map<string, NodeRecord>,
  ): Promise<void> {
    const unknown = entries.filter(({ name }) => !owners.has(name));
    const groups = await this.#trees.remoteByName(unknown.map(({ name }) => ({ parentId, name })));
    for (const [index, { name, stat }] of unknown.entries()) {
      const found = groups[index]?.find(({ away }) => away === "excluded");
      if (found === undefined) continue;
      if ((found.remote?.content.kind === "directory") === (stat.kind === "directory")) owners.set(name, found);
      else await this.#trees.write({ put: [{ nodeId: found.nodeId, remote: found.remote }] });
    }
  }

  /** A disk that lists form D has lost how a name was given: a known node has the one that it was made with, of a new one form C is likelier. */
  #speller(known: Iterable<string>): (listed: string) => string {
    if (!this.#trees.names.listsDecomposed) return (listed) => listed;
    const byForm = new Map([...known].map((name) => [nameKey(name), name]));
    return (listed) => byForm.get(nameKey(listed)) ?? nameKey(listed);
  }

  /** Empty after it was full: a disk that is not mounted, or a folder whose content was moved away, rather than deletions. */
  async #mustNotBeEmptied(): Promise<void> {
    if (this.isEmptyExpected || (await this.#trees.localChildren(this.#trees.state.rootNodeId)).length === 0) return;
    const { nodes } = await this.#trees.counts();
    if (nodes < FULL) return;
    throw new TwinfoldError(
      "ERR_ROOT_EMPTIED",
      `the folder is empty, and had ${nodes} entries: put them back, or say with \`sync --confirm\` that they are to be removed everywhere`,
    );
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

  /** Which node each entry is, of those that are known. */
  async #owners(
    path: LocalPath,
    nodeId: NodeId,
    entries: ReadonlyArray<LocalEntry & { readonly name: NodeName }>,
    known: ReadonlyMap<string, NodeRecord>,
  ): Promise<Map<string, NodeRecord>> {
    const owners = new Map<string, NodeRecord>();
    const inodeAt = new Map(entries.map((entry) => [entry.name as string, entry.stat.inode]));
    const respelled = this.#respelled(known, inodeAt);
    const namedAs = (name: string): NodeRecord | undefined => known.get(name) ?? respelled?.get(slotKey(name, this.#trees.names));
    const strangers = entries.filter((entry) => {
      const named = namedAs(entry.name);
      if (named?.local?.stat.inode !== entry.stat.inode || !sameKind(named.local, entry.stat)) return true;
      owners.set(entry.name, named);
      return false;
    });
    if (strangers.length === 0) return owners;
    await this.#flush();
    const byInode = await this.#trees.byInode(strangers.map((entry) => entry.stat.inode));
    for (const [index, entry] of strangers.entries()) {
      const named = namedAs(entry.name);
      const candidates = (byInode[index] ?? []).filter(({ nodeId: id, local }) => id !== named?.nodeId && local && sameKind(local, entry.stat));
      let owner: NodeRecord | undefined;
      for (const candidate of candidates) {
        if (await this.#hasLeft(candidate, path, nodeId, inodeAt)) {
          owner = candidate;
          break;
        }
      }
      owner ??= named !== undefined && named.local !== undefined && replaceable(named.local, entry.stat) ? named : undefined;
      if (owner !== undefined) owners.set(entry.name, owner);
    }
    // A node may have been claimed by its inode elsewhere in this directory: then its old name holds somebody new.
    const claimed = new Map<NodeId, string>();
    for (const [name, owner] of owners) {
      const other = claimed.get(owner.nodeId);
      if (other === undefined) claimed.set(owner.nodeId, name);
      else owners.delete(owner.local?.stat.inode === inodeAt.get(name) ? other : name);
    }
    return owners;
  }

  /** Nodes whose names are not in the listing, by the key of the names that this disk takes for one: they may be spelled otherwise now. */
  #respelled(known: ReadonlyMap<string, NodeRecord>, listed: ReadonlyMap<string, unknown>): ReadonlyMap<string, NodeRecord> | undefined {
    const { names } = this.#trees;
    if (!names.foldsCase && !names.foldsNormalization) return undefined;
    return new Map([...known].filter(([name]) => !listed.has(name)).map(([name, record]) => [slotKey(name, names), record]));
  }

  /** True when a node is no longer under its old name: that is gone, or holds another known node. */
  async #hasLeft(record: NodeRecord, path: LocalPath, directoryId: NodeId, inodeAt: ReadonlyMap<string, string>): Promise<boolean> {
    const place = record.local?.place;
    if (place === undefined || record.local === undefined) return false;
    const oldPath = await this.#trees.localPath(record.nodeId);
    if (oldPath === undefined) return true;
    const inode =
      place.parentId === directoryId && parentPath(oldPath) === path ? inodeAt.get(baseName(oldPath)) : (await this.#tree.stat(oldPath))?.inode;
    if (inode === undefined) return true;
    if (inode === record.local.stat.inode) return false;
    const [holders = []] = await this.#trees.byInode([inode]);
    return holders.some((holder) => holder.nodeId !== record.nodeId);
  }

  /** Observes one entry; `undefined` when it cannot be read now. */
  async #entry(
    path: LocalPath,
    parentId: NodeId,
    entry: LocalEntry & { readonly name: NodeName },
    owner: NodeRecord | undefined,
    unsettled: Set<LocalPath>,
  ): Promise<NodeRecord | undefined> {
    const before = owner?.local;
    const isRenamed = before === undefined || nameHere(before) !== entry.name;
    const place = { parentId, name: isRenamed ? entry.name : before.place.name };
    const alias = isRenamed ? undefined : before.alias;
    const moved = before !== undefined && (isRenamed || before.place.parentId !== parentId);
    if (before !== undefined && !moved && !before.suspect && sameStat(before.stat, entry.stat)) {
      this.#vanished.delete((owner as NodeRecord).nodeId);
      return owner;
    }
    if (
      entry.stat.kind === "file" &&
      entry.stat.sizeBytes === 0 &&
      before !== undefined &&
      before.stat.sizeBytes > 0 &&
      !(await this.#waited(path))
    ) {
      unsettled.add(parentPath(path));
      return undefined;
    }
    let observed: { content: Content; stat: LocalStat; suspect: boolean };
    try {
      observed = await this.#observe(path, entry.stat, moved ? undefined : before);
    } catch (error) {
      if (!isTwinfoldError(error)) throw error;
      if (error.code === "ERR_PERMISSION_DENIED") this.#events.skipped(path, "cannot be read: permission denied");
      else if (error.code === "ERR_LOCAL_CHANGED" || error.code === "ERR_NOT_FOUND") unsettled.add(parentPath(path));
      else if (error.code === "ERR_LOCAL_FAILED") this.#events.skipped(path, error.message);
      else throw error;
      return undefined;
    }
    this.#firstEmpty.delete(path);
    // In a folder that was put back this may be older than what was agreed on, and must not replace it.
    const isOfUnknownAge = this.#isReplaced && before !== undefined && !sameContent(before.content, observed.content);
    const known = isOfUnknownAge ? owner && { nodeId: owner.nodeId, remote: owner.remote } : owner;
    const record: NodeRecord = {
      ...(known ?? { nodeId: randomId<NodeId>(this.#env) }),
      local: { place, ...observed, alias },
    };
    this.#vanished.delete(record.nodeId);
    this.#pending.push(record);
    if (moved || this.#pending.length >= WRITE_BATCH) await this.#flush();
    return record;
  }

  readonly #firstEmpty = new Map<LocalPath, number>();

  /** An empty file that was not empty is about to be written by most editors: it counts only after `settleMs`. */
  async #waited(path: LocalPath): Promise<boolean> {
    const since = this.#firstEmpty.get(path);
    if (since === undefined) this.#firstEmpty.set(path, this.#env.monotonicMs());
    return since !== undefined && this.#env.monotonicMs() - since >= this.#settleMs;
  }

  async #observe(path: LocalPath, stat: LocalStat, before: LocalState | undefined): Promise<{ content: Content; stat: LocalStat; suspect: boolean }> {
    if (stat.kind === "directory") return { content: { kind: "directory" }, stat, suspect: false };
    if (stat.kind === "symlink") return { content: { kind: "symlink", target: await this.#tree.readLink(path) }, stat, suspect: false };
    let current = stat;
    for (let attempt = 1; ; attempt++) {
      try {
        // In the middle of a write the stat is that of its end: a read would find equal stats before and after it, and half of the bytes.
        if (isRacy(current, this.#env.nowMs())) await this.#env.sleep(TICK_MS);
        const startedMs = this.#env.nowMs();
        const content = await this.#hash(path, current, before);
        return { content, stat: current, suspect: isRacy(current, startedMs) };
      } catch (error) {
        if (!isTwinfoldError(error) || error.code !== "ERR_LOCAL_CHANGED" || attempt === READ_ATTEMPTS) throw error;
        const again = await this.#tree.stat(path);
        if (again?.kind !== "file") throw error;
        current = again;
      }
    }
  }

  async #hash(path: LocalPath, stat: LocalStat, before: LocalState | undefined): Promise<FileContent> {
    const { manifestId, body } = await manifestOfFile(this.#tree, path, stat, this.#env);
    const isKnown = before?.content.kind === "file" && before.content.manifestId === manifestId;
    if (!isKnown) this.#pendingManifests.push({ manifestId, body });
    return { kind: "file", manifestId, sizeBytes: stat.sizeBytes, executable: stat.executable, mtimeNs: stat.mtimeNs };
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
    for (const [nodeId, since] of this.#vanished) {
      const path = await this.#trees.localPath(nodeId);
      if (path === undefined) this.#vanished.delete(nodeId);
      else if (await this.#isDisplaced(nodeId)) await this.#forgetBelow(nodeId, levels);
      else if (now - since < this.#settleMs) unsettled.add(parentPath(path));
      else if ((await this.#tree.stat(path)) === undefined) await this.#forgetBelow(nodeId, levels);
      else {
        this.#vanished.delete(nodeId);
        unsettled.add(parentPath(path));
      }
    }
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
    if ((await this.#presence.reasonFor(record, levels)) !== undefined) return await this.#presence.exclude(nodeId);
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
  readonly level: Level;
  /** All below it too. */
  readonly deep: boolean;
  readonly isNew: boolean;
}

const NOTHING_BELOW = { isReruled: false, below: [] } as const;

/**
 * The children of a directory by their names. A scan that was broken off between the node that came and the one that went
 * leaves two of one name: then the name is that one's whose inode is there.
 */
function byName(children: readonly NodeRecord[], entries: readonly LocalEntry[]): ReadonlyMap<string, NodeRecord> {
  const known = new Map<string, NodeRecord>();
  for (const record of children) if (record.local) known.set(nameHere(record.local), record);
  if (known.size === children.length) return known;
  const inodeAt = new Map(entries.map(({ name, stat }) => [name, stat.inode]));
  for (const record of children) {
    if (record.local && inodeAt.get(nameHere(record.local)) === record.local.stat.inode) known.set(nameHere(record.local), record);
  }
  return known;
}

/** The same directory with other rules of its own. */
function withRules(level: Level, rules: Rules | undefined): Level {
  const above = level.files.filter(({ directory }) => directory !== level.path);
  return { ...level, files: rules === undefined ? above : [...above, { directory: level.path, rules }] };
}

function sameKind(local: LocalState, stat: LocalStat): boolean {
  return local.stat.kind === stat.kind;
}

/** A file may become a symlink and stay the same node; a directory and what is none are never one node. */
function replaceable(local: LocalState, stat: LocalStat): boolean {
  return (local.stat.kind === "directory") === (stat.kind === "directory");
}

/** True when nothing was written between the two. Of a directory only the identity counts: its times change with its children. */
export function sameStat(a: LocalStat, b: LocalStat): boolean {
  if (a.kind !== b.kind || a.inode !== b.inode) return false;
  if (a.kind === "directory") return true;
  return a.sizeBytes === b.sizeBytes && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs && a.executable === b.executable;
}
