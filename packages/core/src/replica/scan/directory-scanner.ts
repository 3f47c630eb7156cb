import { isTwinfoldError } from "../../errors.js";
import type { NodeId } from "../../ids.js";
import { sameStat } from "../../local/expected.js";
import type { LocalListing } from "../../local/local-tree.js";
import { baseName, IGNORE_FILE, joinPath, type LocalPath, parentPath, ROOT_PATH } from "../../names.js";
import { isLive, nameHere, type NodeRecord } from "../../reconcile/node-record.js";
import { samePlace } from "../../node.js";
import { listDirectory } from "./directory-listing.js";
import type { EmptiedFiles } from "./emptied-files.js";
import { mustNotBeEmptied } from "./emptied-root.js";
import { EntryObserver, type NamedEntry } from "./entry-observer.js";
import { EntrySieve, type SiftedListing } from "./entry-sieve.js";
import { IgnoreFiles } from "../scope/ignore-files.js";
import { type Look, Looks } from "./looks.js";
import { childrenByName, findOwners } from "./owners.js";
import type { PowerLoss } from "../disk/power-loss.js";
import type { ReplicaParts } from "../replica-parts.js";
import type { FoundPlace, RuleNews, Scan } from "./scan.js";
import type { ScanWrites } from "./scan-writes.js";
import { withRules } from "../scope/scope.js";
import type { Vanished } from "./vanished.js";

export interface ScanEvents {
  scanned(entries: number): void;
  /** A directory is as it was at the look that is remembered of it. */
  unchanged(): void;
  skipped(path: string, reason: string): void;
  damaged(path: LocalPath): void;
}

interface DirectoryScannerOptions extends Pick<ReplicaParts, "tree" | "trees" | "env" | "scope" | "presence" | "intents"> {
  readonly events: ScanEvents;
  readonly news: RuleNews;
  readonly powerLoss: PowerLoss;
  readonly emptied: EmptiedFiles;
  readonly vanished: Vanished;
  readonly writes: ScanWrites;
}

/** What was found in a directory: whether its rules are others than before, and the directories in it. */
interface Found {
  readonly isReruled: boolean;
  readonly below: readonly FoundPlace[];
}

const NOTHING_BELOW: Found = { isReruled: false, below: [] };

/**
 * Writes what is in one directory into the local tree.
 *
 * Of a directory that is as it was at the last look no record is read: see {@link Looks}. So it is in every scan, also in the rescans of a replica that
 * follows; but after a loss of power everything is looked at. `Replica.check` goes by records and disk alone.
 */
export class DirectoryScanner {
  readonly #options: DirectoryScannerOptions;
  readonly #observer: EntryObserver;
  readonly #sieve: EntrySieve;
  readonly #ignoreFiles: IgnoreFiles;
  readonly #looks: Looks;

  constructor(options: DirectoryScannerOptions) {
    const { skipped: onSkipped, damaged: onDamaged } = options.events;
    this.#options = options;
    this.#observer = new EntryObserver({ ...options, onSkipped, onDamaged });
    this.#sieve = new EntrySieve({ ...options, onSkipped });
    this.#ignoreFiles = new IgnoreFiles({ ...options, onProblem: onSkipped });
    this.#looks = new Looks(options);
  }

  /** Goes by the look that is remembered of a directory where that still holds, and else takes a new one. */
  async look(place: FoundPlace, scan: Scan): Promise<Found> {
    const { trees, tree, events } = this.#options;
    const { path, nodeId, level } = place;
    const remembered = this.#mayRecall(place) ? await trees.look(nodeId) : undefined;
    const isAsRemembered = (digest: Uint8Array): Look | undefined => remembered && this.#looks.read(remembered, level, digest);
    const digest = remembered && (await this.#digest(path));
    const recalled = digest && isAsRemembered(digest);
    if (recalled !== undefined) return this.#unchanged(place, recalled, scan);
    const listing = await listDirectory(tree, path, events.skipped);
    if (listing === undefined) {
      scan.isPartlyUnread = true;
      return NOTHING_BELOW;
    }
    const { entries, problems } = listing;
    if (path === ROOT_PATH && entries.length + problems.length === 0 && !scan.isEmptyExpected && !(await this.#isLost(nodeId))) {
      await mustNotBeEmptied(trees);
    }
    const found = remembered && problems.length === 0 ? isAsRemembered(this.#looks.digestOf(listing)) : undefined;
    return found === undefined ? await this.#takeIn(place, listing, scan) : this.#unchanged(place, found, scan);
  }

  /** True when a loss of power may have taken all that was in a directory. */
  async #isLost(nodeId: NodeId): Promise<boolean> {
    const { trees, powerLoss } = this.#options;
    return (await trees.localChildren(nodeId)).every((child) => powerLoss.isUnverified(child.nodeId));
  }

  /** False of a directory in which more may be to be done than its listing, its rules and its records tell. */
  #mayRecall({ nodeId, isNew }: FoundPlace): boolean {
    const { powerLoss, intents } = this.#options;
    return !isNew && powerLoss.isOver && intents.in(nodeId).length === 0;
  }

  /** What stands in its way stands in that of a listing too, which tells of it. */
  async #digest(path: LocalPath): Promise<Uint8Array | undefined> {
    try {
      return await this.#options.tree.digest?.(path);
    } catch (error) {
      if (isTwinfoldError(error)) return undefined;
      throw error;
    }
  }

  #unchanged({ path, level }: FoundPlace, { entries, ignored, directories }: Look, scan: Scan): Found {
    const { scope, events } = this.#options;
    scan.ignored += ignored;
    this.#count(entries, scan);
    events.unchanged();
    const below = directories.map(
      ({ nodeId, name }): FoundPlace => ({
        path: joinPath(path, name),
        nodeId,
        deep: true,
        level: scope.enter(level, name, scope.rulesOf(nodeId)),
        isNew: false,
      }),
    );
    return { isReruled: false, below };
  }

  #count(entries: number, scan: Scan): void {
    scan.entries += entries;
    this.#options.events.scanned(scan.entries);
  }

  async #takeIn(asked: FoundPlace, listing: LocalListing, scan: Scan): Promise<Found> {
    const { trees, tree, scope, intents: traces, vanished, writes } = this.#options;
    const { isReplaced, unsettled, signal } = scan;
    const { path, nodeId, isNew } = asked;
    const children = await trees.localChildren(nodeId);
    const known = childrenByName(children, listing.entries);
    const rules = await this.#ignoreFiles.rulesIn(path, nodeId, listing.entries, known.has(IGNORE_FILE));
    if (rules === "unknown") {
      unsettled.add(path);
      return NOTHING_BELOW;
    }
    const { isReruled } = rules;
    const place = isReruled ? { ...asked, level: withRules(asked.level, rules.rules) } : asked;
    const sifted = await this.#sieve.sift(place, listing, known);
    const { entries, unreadable } = sifted;
    scan.ignored += sifted.ignored;
    this.#count(entries.length, scan);

    if (isNew && (await this.#isLeftAlone(place, sifted))) return NOTHING_BELOW;

    const owners = await findOwners({ trees, tree, writes }, { path, nodeId, entries, known });
    await this.#findAgainAtHub(nodeId, entries, owners);
    if (hasNews(nodeId, entries, owners, children) && !(await this.#isSettled(path, unsettled))) {
      scan.isPartlyUnread = true;
      return NOTHING_BELOW;
    }
    // In a folder that was put back nothing was put by this device.
    const intents = isReplaced ? [] : traces.in(nodeId);
    const surroundings = { path, nodeId, intents, isReplaced, unsettled, signal };
    const unseen = [...unreadable];
    const stayed = new Set(sifted.excluded);
    const below: FoundPlace[] = [];
    // A directory that was named by itself has just changed, and is about to be written to again by what comes of that.
    let isSteady = sifted.isSteady && place.deep && intents.length === 0;
    for (const entry of entries) {
      signal?.throwIfAborted();
      const owner = owners.get(entry.name);
      let record = owner;
      if (!this.#observer.isAsKnown(entry, owner, nodeId)) {
        const seen = await this.#observer.observe(entry, owner, surroundings);
        if (seen !== undefined) await writes.put(seen);
        record = seen?.record;
      }
      if (record?.local === undefined) {
        scan.isPartlyUnread = true;
        isSteady = false;
        unseen.push(entry.name);
        if (owner !== undefined) stayed.add(owner.nodeId);
        continue;
      }
      const { local } = record;
      vanished.found(record.nodeId);
      stayed.add(record.nodeId);
      isSteady &&= !local.suspect && local.alias === undefined && sameStat(local.stat, entry.stat);
      if (entry.stat.kind !== "directory") continue;
      below.push({
        path: joinPath(path, entry.name),
        nodeId: record.nodeId,
        deep: true,
        level: scope.enter(place.level, local.place.name, scope.rulesOf(record.nodeId)),
        isNew: owner?.local?.place.parentId !== nodeId,
      });
    }
    for (const { nodeId: child, local } of children) {
      if (local === undefined || stayed.has(child) || unreadable.has(nameHere(local))) continue;
      isSteady = false;
      vanished.missed(child);
    }
    traces.settle(intents.filter((head) => !unseen.some((name) => traces.isShownAs(head, name))));
    if (isSteady && !isReruled) await this.#remember(place, listing, sifted, below);
    return { isReruled, below };
  }

  async #remember({ nodeId, level }: FoundPlace, listing: LocalListing, sifted: SiftedListing, below: readonly FoundPlace[]): Promise<void> {
    const { entries, ignored } = sifted;
    const directories = below.map((place) => ({ nodeId: place.nodeId, name: baseName(place.path) }));
    const look = this.#looks.write({ entries: entries.length, ignored, directories }, level, this.#looks.digestOf(listing));
    if (look !== undefined) await this.#options.writes.putLook(nodeId, look);
  }

  /** A new directory that holds nothing but what rules leave alone, and the rules, is left alone with it: it is what a removal could not take along. */
  async #isLeftAlone({ path, nodeId, level }: FoundPlace, { entries, unreadable }: SiftedListing): Promise<boolean> {
    const { trees, presence, writes } = this.#options;
    const hasFiles = entries.some(({ name, stat }) => stat.kind !== "directory" && name !== IGNORE_FILE);
    if (unreadable.size > 0 || hasFiles || !(await presence.holdsOnlyIgnored(path, level))) return false;
    await writes.flush();
    const record = await trees.record(nodeId);
    if (record === undefined || record.remote !== undefined || record.synced !== undefined) return false;
    await trees.write({ remove: [nodeId] });
    return true;
  }

  /** What was excluded and is so no more is its node again, if the disk has it; so is what was gone and is back before the hub has heard of that. */
  async #findAgainAtHub(parentId: NodeId, entries: readonly NamedEntry[], owners: Map<string, NodeRecord>): Promise<void> {
    const { trees } = this.#options;
    const unknown = entries.filter(({ name }) => !owners.has(name));
    if (unknown.length === 0) return;
    const groups = await trees.remoteByName(unknown.map(({ name }) => ({ parentId, name })));
    // The hub may have taken a deletion in a commit whose answer is still to come.
    const isHeardOf = groups.some((group) => group.some(isGoneHere)) && (await trees.outbox()).length > 0;
    for (const [index, { name, stat }] of unknown.entries()) {
      const found = groups[index]?.find((record) => record.away === "excluded" || (!isHeardOf && isGoneHere(record)));
      if (found === undefined) continue;
      if ((found.remote?.content.kind === "directory") === (stat.kind === "directory")) owners.set(name, found);
      else if (found.away !== undefined) await trees.write({ put: [{ nodeId: found.nodeId, remote: found.remote }] });
    }
  }

  /** Makes what was listed durable before it is noted: names that the disk took back with a loss of power would be deleted, or new, to the next scan. */
  async #isSettled(path: LocalPath, unsettled: Set<LocalPath>): Promise<boolean> {
    const { tree, events } = this.#options;
    try {
      await tree.settle(path);
      return true;
    } catch (error) {
      if (!isTwinfoldError(error)) throw error;
      if (error.code === "ERR_NOT_FOUND" || error.code === "ERR_LOCAL_CHANGED") unsettled.add(parentPath(path));
      else if (error.code === "ERR_LOCAL_FAILED" || error.code === "ERR_PERMISSION_DENIED") events.skipped(path, error.message);
      else throw error;
      return false;
    }
  }
}

/** True of a node that is to be deleted at the hub, where it still is what it was here. */
function isGoneHere({ local, synced, remote, away }: NodeRecord): boolean {
  return local === undefined && away === undefined && synced !== undefined && isLive(remote) && samePlace(synced.place, remote.place);
}

/** True when a directory holds other names, or other things under them, than the local tree has. */
function hasNews(nodeId: NodeId, entries: readonly NamedEntry[], owners: ReadonlyMap<string, NodeRecord>, children: readonly NodeRecord[]): boolean {
  if (entries.length < children.length) return true;
  return entries.some(({ name, stat }) => {
    const local = owners.get(name)?.local;
    return local === undefined || local.place.parentId !== nodeId || nameHere(local) !== name || local.stat.inode !== stat.inode;
  });
}
