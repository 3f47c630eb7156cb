import type { NodeId } from "../../ids.js";
import type { LocalListing } from "../../local/local-tree.js";
import { IGNORE_FILE, joinPath, nameKey, nameProblem, type NodeName } from "../../names.js";
import { samePlace } from "../../node.js";
import { isLive, type NodeRecord } from "../../reconcile/node-record.js";
import type { NamedEntry } from "./entry-observer.js";
import { isReplaceable } from "./owners.js";
import type { ReplicaParts } from "../replica-parts.js";
import type { FoundPlace, RuleNews } from "./scan.js";
import type { ScanWrites } from "./scan-writes.js";
import type { Vanished } from "./vanished.js";

interface EntrySieveOptions extends Pick<ReplicaParts, "trees" | "scope" | "presence"> {
  readonly news: RuleNews;
  readonly vanished: Vanished;
  readonly writes: ScanWrites;
  readonly onSkipped: (path: string, reason: string) => void;
}

/** A listing without what this device does not hold. */
export interface SiftedListing {
  readonly entries: readonly NamedEntry[];
  /** Names that no node can have, or whose stat could not be read. */
  readonly unreadable: ReadonlySet<string>;
  /** Nodes that are there and were taken out of the local tree by a rule. */
  readonly excluded: ReadonlySet<NodeId>;
  /** Entries that rules leave alone. */
  readonly ignored: number;
  /** The same listing under the same rules is sifted alike, whatever the records say, and there is nothing to tell of it. */
  readonly isSteady: boolean;
}

/** Takes out of listings what rules leave alone, and what cannot be a node. */
export class EntrySieve {
  readonly #options: EntrySieveOptions;

  constructor(options: EntrySieveOptions) {
    this.#options = options;
  }

  /** `known`: the nodes that the local tree has in the directory, by their names here. */
  async sift({ path, nodeId, level }: FoundPlace, listing: LocalListing, known: ReadonlyMap<string, NodeRecord>): Promise<SiftedListing> {
    const { scope, presence, news, vanished, writes, onSkipped } = this.#options;
    const spelled = this.#speller(known.keys());
    const entries: NamedEntry[] = [];
    const unreadable = new Set(listing.problems.map(({ name }) => name));
    const excluded = new Set<NodeId>();
    let ignored = 0;
    // Rules are read by the process that goes by them.
    let isSteady = !known.has(IGNORE_FILE);
    const skip = (name: string, reason: string): void => onSkipped(joinPath(path, name as NodeName), reason);
    for (const { name, problem } of listing.problems) skip(name, problem);
    for (const { name: listed, stat } of listing.entries) {
      const name = spelled(listed);
      const named = known.get(name);
      if (scope.reasonFor(level, named?.local?.place.name ?? name, stat.kind === "directory") !== undefined) {
        ignored += 1;
        // What stands under a node's name and is no such thing is not the node: that has gone.
        if (named?.local === undefined || !isReplaceable(named.local, stat)) continue;
        isSteady = false;
        await writes.flush();
        await presence.exclude(named.nodeId);
        if (isLive(named.remote) && !samePlace(named.local.place, named.remote.place)) news.hasExcludedByOldPlace = true;
        vanished.found(named.nodeId);
        excluded.add(named.nodeId);
        continue;
      }
      if (named === undefined && (await presence.isExcludedAlias(nodeId, level, name))) {
        ignored += 1;
        isSteady = false;
        continue;
      }
      const problem = stat.kind === "other" ? "is a socket, pipe or device" : nameProblem(name);
      if (problem === undefined) {
        entries.push({ name: name as NodeName, stat });
        continue;
      }
      skip(name, problem);
      unreadable.add(name);
    }
    return { entries, unreadable, excluded, ignored, isSteady: isSteady && unreadable.size === 0 };
  }

  /** A disk that lists form D has lost how a name was given: a known node has the one that it was made with, of a new one form C is likelier. */
  #speller(known: Iterable<string>): (listed: string) => string {
    if (!this.#options.trees.names.listsDecomposed) return (listed) => listed;
    const byForm = new Map([...known].map((name) => [nameKey(name), name]));
    return (listed) => byForm.get(nameKey(listed)) ?? nameKey(listed);
  }
}
