import { isTwinfoldError } from "../../errors.js";
import { type NodeId, randomId } from "../../ids.js";
import { sameStat } from "../../local/expected.js";
import type { LocalEntry } from "../../local/local-tree.js";
import { joinPath, type LocalPath, type NodeName } from "../../names.js";
import { sameContent } from "../../node.js";
import { type LiveHead, type LocalState, nameHere, type NodeRecord } from "../../reconcile/node-record.js";
import type { EmptiedFiles } from "./emptied-files.js";
import { type ObservedContent, observeContent } from "./observed-content.js";
import { fetchedAgain, type PowerLoss } from "../disk/power-loss.js";
import type { ReplicaParts } from "../replica-parts.js";

/** An entry with a name that a node can have. */
export type NamedEntry = LocalEntry & { readonly name: NodeName };

/** The directory in which entries are looked at, as far as they ask for it. */
export interface Surroundings {
  readonly path: LocalPath;
  readonly nodeId: NodeId;
  /** What this device may have put there without a note. */
  readonly intents: readonly LiveHead[];
  /** The folder is not the one that was looked at before, though it is marked alike. */
  readonly isReplaced: boolean;
  readonly unsettled: Set<LocalPath>;
  readonly signal: AbortSignal | undefined;
}

export interface SeenEntry {
  readonly record: NodeRecord;
  /** Of a file whose content is new. */
  readonly manifest: ObservedContent["manifest"];
  /** The directory in which the node was before, when it has another place here now. */
  readonly left: NodeId | undefined;
}

interface EntryObserverOptions extends Pick<ReplicaParts, "tree" | "env" | "intents"> {
  readonly powerLoss: PowerLoss;
  readonly emptied: EmptiedFiles;
  readonly onSkipped: (path: LocalPath, reason: string) => void;
  readonly onDamaged: (path: LocalPath) => void;
}

/** Makes an entry's record say what the entry is now. */
export class EntryObserver {
  readonly #options: EntryObserverOptions;

  constructor(options: EntryObserverOptions) {
    this.#options = options;
  }

  /** True when the entry is as its owner's record has it, and nothing can have been written to it without a trace. */
  isAsKnown({ name, stat }: NamedEntry, owner: NodeRecord | undefined, directory: NodeId): owner is NodeRecord {
    const before = owner?.local;
    if (before === undefined || before.suspect || hasMoved(before, name, directory)) return false;
    return sameStat(before.stat, stat) && !this.#options.powerLoss.mayHaveTaken(owner as NodeRecord);
  }

  /** Reads one entry; `undefined` when it cannot be read now. */
  async observe(entry: NamedEntry, owner: NodeRecord | undefined, surroundings: Surroundings): Promise<SeenEntry | undefined> {
    const { powerLoss, emptied, intents: traces, env, onDamaged } = this.#options;
    const { nodeId: parentId, intents, isReplaced, unsettled } = surroundings;
    const path = joinPath(surroundings.path, entry.name);
    const before = owner?.local;
    const isRenamed = before === undefined || nameHere(before) !== entry.name;
    const place = { parentId, name: isRenamed ? entry.name : before.place.name };
    const alias = isRenamed ? undefined : before.alias;
    const moved = before !== undefined && hasMoved(before, entry.name, parentId);
    if (
      entry.stat.kind === "file" &&
      entry.stat.sizeBytes === 0 &&
      before !== undefined &&
      before.stat.sizeBytes > 0 &&
      !powerLoss.isUntouched(owner as NodeRecord, entry.stat) &&
      !emptied.hasWaited(path)
    ) {
      unsettled.add(surroundings.path);
      return undefined;
    }
    const observed = await this.#read(path, entry, surroundings);
    if (observed === undefined) return undefined;
    emptied.forget(path);
    const { manifest, ...seen } = observed;
    const isNews = moved || before === undefined || !sameContent(before.content, seen.content);
    const here: LocalState = { place, ...seen, alias };
    const stayed = moved ? undefined : owner;
    // In a folder that was put back this may be older than what was agreed on, and must not replace it.
    const isOfUnknownAge =
      (isReplaced && before !== undefined && !sameContent(before.content, seen.content)) ||
      (stayed !== undefined && (await powerLoss.isOfUnknownAge(stayed, here)));
    const known = isOfUnknownAge ? owner && { nodeId: owner.nodeId, remote: owner.remote } : owner;
    const placed = owner !== undefined && powerLoss.isUnverified(owner.nodeId) ? owner : stayed;
    const damaged = placed !== undefined && !isOfUnknownAge ? powerLoss.damaged(placed, here) : undefined;
    const isInDoubt = !powerLoss.isOver;
    const traced = damaged === undefined ? await traces.trace({ shown: entry.name, local: here, owner: known, intents, isInDoubt }) : undefined;
    const durability = traced !== undefined && here.content.kind === "file" ? await this.#durabilityOf(path) : "durable";
    if (durability === "unreachable") {
      unsettled.add(surroundings.path);
      return undefined;
    }
    // After an fsync that failed the disk may have dropped the bytes.
    const lost = damaged ?? (traced !== undefined && durability === "lost" ? fetchedAgain(traced) : undefined);
    if (lost !== undefined) onDamaged(path);
    const ours = lost ?? traced;
    const record = ours ?? { ...(known ?? { nodeId: randomId<NodeId>(env) }), local: here };
    return { record, manifest: isNews ? manifest : undefined, left: moved ? before.place.parentId : undefined };
  }

  /** What was put there by a pass that failed, or a process that died, is on no list of what the disk may not have yet. */
  async #durabilityOf(path: LocalPath) {
    const [durability] = await this.#options.tree.sync([path]);
    return durability;
  }

  async #read(path: LocalPath, { stat }: NamedEntry, surroundings: Surroundings): Promise<ObservedContent | undefined> {
    const { tree, env, onSkipped } = this.#options;
    try {
      return await observeContent({ tree, env }, path, stat, { signal: surroundings.signal });
    } catch (error) {
      if (!isTwinfoldError(error)) throw error;
      if (error.code === "ERR_PERMISSION_DENIED") onSkipped(path, "cannot be read: permission denied");
      else if (error.code === "ERR_LOCAL_CHANGED" || error.code === "ERR_NOT_FOUND") surroundings.unsettled.add(surroundings.path);
      else if (error.code === "ERR_LOCAL_FAILED") onSkipped(path, error.message);
      else throw error;
      return undefined;
    }
  }
}

function hasMoved(before: LocalState, name: NodeName, directory: NodeId): boolean {
  return nameHere(before) !== name || before.place.parentId !== directory;
}
