import { bytesToHex } from "../../codec/hex.js";
import type { Env } from "../../env.js";
import { isTwinfoldError } from "../../errors.js";
import type { NodeId } from "../../ids.js";
import { isAliasOf, readAlias } from "../../local/alias.js";
import type { LocalTree } from "../../local/local-tree.js";
import { IGNORE_FILE, joinPath, type LocalPath, type NodeName } from "../../names.js";
import { isLive, type NodeRecord } from "../../reconcile/node-record.js";
import { decide } from "../../reconcile/policy.js";
import { rulesOnDisk } from "./ignore-files.js";
import type { DraftAbout } from "../../transport/transport.js";
import type { FreedRoom } from "../replica.js";
import type { Level, Levels, Scope, ScopeReason } from "./scope.js";
import type { Trees } from "../trees/trees.js";

/** Levels kept while a whole workspace is looked through. */
const MAX_LEVELS = 10_000;

/** Brings nodes into what this device holds, and out of it. Nothing here is ever a change for the hub. */
export class Presence {
  readonly #trees: Trees;
  readonly #tree: LocalTree;
  readonly #scope: Scope;
  readonly #env: Env;
  readonly #wanted = new Set<NodeId>();

  constructor({ trees, tree, scope, env }: { readonly trees: Trees; readonly tree: LocalTree; readonly scope: Scope; readonly env: Env }) {
    this.#trees = trees;
    this.#tree = tree;
    this.#scope = scope;
    this.#env = env;
  }

  /** Takes a node with all below it out of the local tree. What the disk has stays as it is. */
  async exclude(nodeId: NodeId): Promise<void> {
    for (const child of await this.#trees.localChildren(nodeId)) await this.exclude(child.nodeId);
    const record = await this.#trees.record(nodeId);
    if (record === undefined) return;
    const { local: _unseen, ...rest } = record;
    // The hub may have taken it in a commit whose answer is still to come: then it is no deletion that this device lacks it.
    const isUnknownThere = rest.remote === undefined && rest.synced === undefined && (await this.#trees.outbox()).length === 0;
    await this.#trees.write(isUnknownThere ? { remove: [nodeId] } : { put: [{ ...rest, away: "excluded" }] });
  }

  /** True for the alias, here, of a node that this device does not hold: it was made when it did. `level`: of the directory. */
  async isExcludedAlias(parentId: NodeId, level: Level, shown: string): Promise<boolean> {
    if (!this.#scope.leavesAnythingAlone) return false;
    const { names } = this.#trees;
    for (const candidate of readAlias(shown, names)) {
      const [records = []] =
        "name" in candidate
          ? await this.#trees.remoteByName([{ parentId, name: candidate.name }])
          : [(await this.#trees.records([candidate.nodeId])).filter((record) => record !== undefined)];
      const isIts = ({ nodeId, local, remote }: NodeRecord): boolean =>
        local === undefined &&
        isLive(remote) &&
        remote.place.parentId === parentId &&
        isAliasOf(shown, remote.place.name, nodeId, names) &&
        this.#scope.reasonFor(level, remote.place.name, remote.content.kind === "directory") !== undefined;
      if (records.some(isIts)) return true;
    }
    return false;
  }

  /** Marks those of `records` that are to come and that this device does not hold; gives the others. */
  async withoutAway(records: readonly NodeRecord[]): Promise<readonly NodeRecord[]> {
    const levels: Levels = new Map();
    const away: NodeRecord[] = [];
    const released: NodeRecord[] = [];
    const staying: NodeRecord[] = [];
    for (const record of records) {
      const { nodeId, local, remote } = record;
      const level = local === undefined && isLive(remote) ? await this.#scope.levelOf(remote.place.parentId, levels) : undefined;
      if (level === undefined || !isLive(remote)) staying.push(record);
      else if (this.#scope.reasonFor(level, remote.place.name, remote.content.kind === "directory") !== undefined)
        away.push({ ...record, away: "excluded" });
      else if (await this.#isElsewhere(record, level)) away.push({ ...record, away: "elsewhere" });
      else {
        staying.push(record);
        if (remote.content.kind === "directory" && this.#trees.state.holdsAway) released.push(...(await this.#excludedIn(nodeId)));
      }
    }
    if (away.length + released.length > 0) await this.#trees.write({ put: [...away, ...released] });
    return staying;
  }

  /** True when a file that is still being sent elsewhere is to come to this device, as far as is known of where it will be. */
  async wantsAhead({ nodeId, place, sizeBytes }: DraftAbout): Promise<boolean> {
    const record = await this.#trees.record(nodeId);
    if (record?.away !== undefined) return false;
    const level = await this.#scope.levelOf(place.parentId, new Map());
    if (level === undefined) return !this.#scope.leavesAnythingAlone && !this.#scope.isOnDemandLink;
    if (this.#scope.reasonFor(level, place.name, false) !== undefined) return false;
    return record?.local !== undefined || !this.#scope.isOnDemand(level, place.name, { sizeBytes });
  }

  async #isElsewhere(record: NodeRecord, level: Level): Promise<boolean> {
    const { nodeId, remote } = record;
    if (!isLive(remote) || remote.content.kind !== "file" || this.#wanted.has(nodeId)) return false;
    if (!this.#scope.isOnDemand(level, remote.place.name, remote.content) || decide(record).kind !== "merge") return false;
    // What stands at its name here meets it first.
    const [there = []] = await this.#trees.localByName([remote.place]);
    return there.length === 0;
  }

  /** A directory comes: what was excluded with it is looked at anew. */
  async #excludedIn(directory: NodeId): Promise<NodeRecord[]> {
    const children = await this.#trees.remoteChildren(directory);
    return children.filter(({ away }) => away === "excluded").map(released);
  }

  /** Of a directory that gets another place here, what is to be looked at anew: it was excluded by the old one. Cost: what is below, where this device does not hold everything. */
  async excludedBelow({ nodeId, local }: NodeRecord): Promise<readonly NodeRecord[]> {
    if (!this.#trees.state.holdsAway || local?.content.kind !== "directory") return [];
    const below = await this.#excludedIn(nodeId);
    for (const child of await this.#trees.localChildren(nodeId)) below.push(...(await this.excludedBelow(child)));
    return below;
  }

  /** With other rules than before, or `always`, looks at every node that is away again. Cost: the workspace, when a rule has changed. */
  async reconsider({ always = false } = {}): Promise<void> {
    const { rulesStamp = "", onDemandStamp = "", holdsAway } = this.#trees.state;
    const [rulesNow, onDemandNow] = [this.#stamp(this.#scope.rulesStamp), this.#stamp(this.#scope.onDemandStamp)];
    if (!always && rulesStamp === rulesNow && onDemandStamp === onDemandNow) return;
    const levels: Levels = new Map();
    if (holdsAway) {
      for await (const page of this.#trees.all()) {
        const put: NodeRecord[] = [];
        for (const record of page) {
          const { away, remote } = record;
          if (away === undefined || !isLive(remote)) continue;
          if (levels.size > MAX_LEVELS) levels.clear();
          if (away === "elsewhere" ? onDemandStamp !== onDemandNow : (await this.reasonFor(record, levels)) === undefined) put.push(released(record));
        }
        if (put.length > 0) await this.#trees.write({ put });
      }
    }
    await this.#trees.write({ state: { rulesStamp: rulesNow, onDemandStamp: onDemandNow } });
  }

  #stamp(text: string): string {
    return text === "" ? "" : bytesToHex(this.#env.sha256(new TextEncoder().encode(text)));
  }

  /** Why this device does not hold a node, so that the disk's lack of it says nothing. */
  async reasonFor(record: NodeRecord, levels: Levels): Promise<ScopeReason | undefined> {
    const place = record.local?.place ?? record.remote?.place;
    const level = place && (await this.#scope.levelOf(place.parentId, levels));
    return level && place && this.#scope.reasonFor(level, place.name, (record.local ?? record.remote)?.content.kind === "directory");
  }

  /** Lets a file that is elsewhere come, or all of them below a directory. Until `forgetWanted` no policy holds them back. */
  async want(nodeId: NodeId): Promise<void> {
    const record = await this.#trees.record(nodeId);
    if (record?.away === "elsewhere") {
      this.#wanted.add(nodeId);
      await this.#trees.write({ put: [released(record)] });
    }
    for (const child of await this.#trees.remoteChildren(nodeId)) await this.want(child.nodeId);
  }

  forgetWanted(): void {
    this.#wanted.clear();
  }

  /**
   * Frees the room of a file that the hub has just as it is, or of all such files in a directory; gives what it freed.
   *
   * The record goes first: after a crash between the two the disk has a file that turns out to be the node, never a deletion.
   */
  async free(nodeId: NodeId): Promise<FreedRoom> {
    let [files, bytes] = [0, 0];
    for (const child of await this.#trees.localChildren(nodeId)) {
      const freed = await this.free(child.nodeId);
      files += freed.files;
      bytes += freed.bytes;
    }
    const record = await this.#trees.record(nodeId);
    const path = await this.#trees.localPath(nodeId);
    if (path === undefined || record?.local?.content.kind !== "file" || !isLive(record.remote) || decide(record).kind !== "in-sync")
      return { files, bytes };
    const { local: _freed, ...rest } = record;
    await this.#trees.write({ put: [{ ...rest, away: "elsewhere" }] });
    const outcome = await this.#tree.remove(path, record.local.stat, { forGood: true }).catch(async (error: unknown) => {
      await this.#trees.write({ put: [record] });
      throw error;
    });
    if (outcome.kind === "done") return { files: 1, bytes: record.local.stat.sizeBytes };
    await this.#trees.write({ put: [record] });
    return { files: 0, bytes: 0 };
  }

  /** Cost: the workspace, where this device does not hold all of it. */
  async counts(): Promise<{ readonly ignored: number; readonly excluded: number; readonly elsewhere: number }> {
    const counts = { excluded: 0, elsewhere: 0 };
    if (this.#trees.state.holdsAway) {
      for await (const page of this.#trees.all()) for (const { away } of page) if (away !== undefined) counts[away] += 1;
    }
    return { ignored: this.#trees.state.ignored, ...counts };
  }

  /**
   * True when a directory on the disk holds something that rules leave alone, and nothing that would be synced but the ignore files that say so; false of
   * one that cannot be listed. Looks below it as far as it has to.
   */
  async holdsOnlyIgnored(path: LocalPath, level: Level): Promise<boolean> {
    const listing = await this.#tree.list(path).catch((error: unknown) => {
      if (isTwinfoldError(error) && UNLISTED.has(error.code)) return undefined;
      throw error;
    });
    if (listing === undefined || listing.problems.length > 0) return false;
    const { entries } = listing;
    let isLeftAlone = false;
    for (const { name, stat } of entries) {
      const reason = this.#scope.reasonFor(level, name, stat.kind === "directory");
      if (reason?.kind === "default") continue;
      if (reason === undefined) {
        if (name === IGNORE_FILE && stat.kind === "file") continue;
        if (stat.kind !== "directory") return false;
        const below = joinPath(path, name as NodeName);
        if (!(await this.holdsOnlyIgnored(below, this.#scope.enter(level, name, await rulesOnDisk(this.#tree, below))))) return false;
      }
      isLeftAlone = true;
    }
    return isLeftAlone;
  }
}

/** A directory that is gone, is another thing by now, or cannot be read. */
const UNLISTED: ReadonlySet<string> = new Set(["ERR_NOT_FOUND", "ERR_LOCAL_CHANGED", "ERR_PERMISSION_DENIED", "ERR_LOCAL_FAILED"]);

/** As a node that this device has never heard of. */
function released({ nodeId, remote }: NodeRecord): NodeRecord {
  return { nodeId, remote };
}
