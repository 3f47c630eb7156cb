import type { NodeId } from "../../ids.js";
import type { LocalPath } from "../../names.js";
import { parentPath, ROOT_PATH } from "../../names.js";
import { DirectoryScanner, type ScanEvents } from "./directory-scanner.js";
import { EmptiedFiles } from "./emptied-files.js";
import { isStillThere, nearestKnownDirectory } from "./known-directory.js";
import { PowerLoss } from "../disk/power-loss.js";
import { fitReplacedRoot } from "./replaced-root.js";
import type { ReplicaParts } from "../replica-parts.js";
import type { Between, FoundPlace, Place, RuleNews, Scan } from "./scan.js";
import { ScanWrites } from "./scan-writes.js";
import { Vanished } from "./vanished.js";

/** What a scan could not settle: look at these directories again after a pause. */
export interface ScanOutcome {
  readonly unsettled: ReadonlySet<LocalPath>;
}

type AskedPlaces = Iterable<Pick<Place, "path" | "deep">>;
type IndexerParts = Pick<ReplicaParts, "tree" | "trees" | "env" | "settleMs" | "scope" | "presence" | "intents">;

/**
 * Writes what is on the disk into the local tree.
 *
 * A node keeps its id while its name or its inode stays: a name that holds an unknown inode keeps its node (editors save so); an
 * inode decides only where its old name is gone or holds another known node. A name that vanished counts as deleted
 * only when it is still gone at a second look, after `settleMs`.
 */
export class Indexer {
  readonly #parts: IndexerParts;
  readonly #powerLoss: PowerLoss;
  readonly #vanished: Vanished;
  readonly #writes: ScanWrites;
  readonly #scanner: DirectoryScanner;
  readonly #news: RuleNews = { reruled: new Map(), isReruled: false, hasExcludedByOldPlace: false };
  /** Somebody has said that the folder may be empty. */
  isEmptyExpected = false;
  #hasSeenAll = false;

  constructor({ events, ...parts }: IndexerParts & { readonly events: ScanEvents }) {
    const news = this.#news;
    const powerLoss = new PowerLoss(parts);
    const vanished = new Vanished({ ...parts, news, powerLoss, onSkipped: events.skipped, onDamaged: events.damaged });
    const writes = new ScanWrites(parts.trees);
    this.#parts = parts;
    this.#powerLoss = powerLoss;
    this.#vanished = vanished;
    this.#writes = writes;
    this.#scanner = new DirectoryScanner({ ...parts, events, news, powerLoss, vanished, writes, emptied: new EmptiedFiles(parts) });
  }

  /** False until the whole folder was looked at once: before that its rules are not all known. */
  get hasSeenAll(): boolean {
    return this.#hasSeenAll;
  }

  /** Looks at every directory. */
  async scanAll(signal?: AbortSignal, between?: Between): Promise<ScanOutcome> {
    const { trees, presence } = this.#parts;
    const { unsettled, ignored } = await this.#scan(EVERYTHING, signal, between);
    this.#hasSeenAll = true;
    await presence.reconsider();
    if (ignored !== trees.state.ignored) await trees.write({ state: { ignored } });
    return { unsettled };
  }

  /** Looks at the named directories; at all below them when `deep`, otherwise at what is new in them. */
  async scan(places: AskedPlaces, signal?: AbortSignal): Promise<ScanOutcome> {
    return await this.#scan(places, signal);
  }

  async #scan(places: AskedPlaces, signal: AbortSignal | undefined, between?: Between): Promise<Scan> {
    const { tree, trees, env } = this.#parts;
    const stamp = await tree.check();
    const { rootStamp, bootId } = trees.state;
    const isReplaced = rootStamp !== stamp && rootStamp !== undefined && rootStamp !== "";
    const isInDoubt = !this.#powerLoss.isOver;
    const seen = rootStamp === stamp && !(isInDoubt && !this.#hasSeenAll) ? places : EVERYTHING;
    if (isReplaced) await fitReplacedRoot(trees, tree);
    const { isEmptyExpected } = this;
    const scan: Scan = { isReplaced, isEmptyExpected, signal, between, unsettled: new Set(), entries: 0, ignored: 0, isPartlyUnread: false };
    await this.#look(seen, scan);
    // Of a folder that was never looked at before nothing is in doubt.
    const isOver = isInDoubt && seen === EVERYTHING && (bootId === "" || !scan.isPartlyUnread);
    if (rootStamp !== stamp || isOver) {
      await trees.write({ state: { rootStamp: stamp, ...(isOver ? { bootId: env.bootId, unverified: [] } : {}) } });
    }
    return scan;
  }

  async #look(places: AskedPlaces, scan: Scan): Promise<void> {
    const { trees, presence, intents } = this.#parts;
    const news = this.#news;
    // What a scan saw that was broken off is seen again, and must not be there twice.
    this.#writes.begin();
    intents.beginScan();
    // Several places may lead to one directory. Looked at twice in one scan, what is new in it would be two nodes.
    const begin = new Map<LocalPath, Place>();
    const add = (found: Omit<Place, "deep">, deep: boolean): void =>
      void begin.set(found.path, { ...found, deep: deep || begin.get(found.path)?.deep === true });
    for (const place of places) {
      let found = await nearestKnownDirectory(trees, place.path);
      add(found, found.path === place.path && place.deep);
      // What has taken the place of a directory was seen by nobody who looks only into it.
      while (!(await isStillThere(this.#parts, found))) {
        found = await nearestKnownDirectory(trees, parentPath(found.path));
        add(found, false);
      }
    }
    // From the top, as rules are found there that take what is below out of the local tree.
    const fromTheTop = [...begin.values()].sort((a, b) => (a.path < b.path ? 1 : -1));
    await this.#walk(fromTheTop, scan);
    await this.#vanished.settle(scan.unsettled);
    // Rules that went with their file.
    while (news.reruled.size > 0) {
      const reruled = new Map(news.reruled);
      news.reruled.clear();
      const below = [...reruled].map(([nodeId, path]) => ({ path, nodeId, deep: true }));
      await this.#walk(below, scan, reruled);
      news.isReruled = true;
    }
    const always = news.hasExcludedByOldPlace;
    if (news.isReruled || always) await presence.reconsider({ always });
    news.isReruled = false;
    news.hasExcludedByOldPlace = false;
    await intents.forgetSettled();
  }

  async #walk(queue: Array<Place | FoundPlace>, scan: Scan, reruled: Map<NodeId, LocalPath> = new Map()): Promise<void> {
    try {
      for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
        scan.signal?.throwIfAborted();
        await scan.between?.(this.#writes);
        const place = "level" in next ? next : await this.#findAgain(next);
        if (place === undefined) continue;
        const { isReruled, below } = await this.#scanner.look(place, scan);
        if (isReruled) {
          reruled.set(place.nodeId, place.path);
          this.#news.isReruled = true;
        }
        for (const child of below) if (place.deep || isReruled || child.isNew) queue.push(child);
      }
      await this.#writes.flush();
    } catch (error) {
      // To the next look their rules are no news.
      for (const [nodeId, path] of reruled) this.#news.reruled.set(nodeId, path);
      throw error;
    }
  }

  /** A directory that was asked for, where this look has found it; `undefined` when it has taken it out of the local tree. */
  async #findAgain(asked: Place): Promise<FoundPlace | undefined> {
    const { trees, scope } = this.#parts;
    const path = await trees.directoryPath(asked.nodeId);
    const level = path === undefined ? undefined : await scope.levelOf(asked.nodeId, new Map());
    if (path === undefined || level === undefined || level.reason !== undefined) return undefined;
    return { ...asked, path, level, isNew: false };
  }
}

const EVERYTHING = [{ path: ROOT_PATH, deep: true }] as const;
