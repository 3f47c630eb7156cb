import type { NodeId } from "../../ids.js";
import { isAliasOf } from "../../local/alias.js";
import type { NodeName } from "../../names.js";
import { type Head, sameContent, samePlace } from "../../node.js";
import { isLive, type LiveHead, type LocalState, type NodeRecord, syncedWith } from "../../reconcile/node-record.js";
import { fetchedAgain } from "./power-loss.js";
import { MAX_INTENTS, type ReplicaState } from "../trees/state.js";
import type { Trees } from "../trees/trees.js";

/** Nodes begun together: one write of about 40 KB. */
export const INTENTS_AT_ONCE = 256;

/**
 * The versions that this device is about to put on its disk, durable before the disk is touched.
 *
 * Between the disk and the trees a process may die, or a call fail that was carried out. What it left would be a person's work to the next scan: a
 * file that somebody has deleted meanwhile would come back. By its intent it is known as what the hub had, at that version.
 */
export class Intents {
  readonly #trees: Trees;
  readonly #settled = new Set<NodeId>();

  constructor(trees: Trees) {
    this.#trees = trees;
  }

  /** The hub's versions of these nodes are put on the disk from now on. */
  async begin(nodeIds: readonly NodeId[]): Promise<void> {
    const heads = (await this.#trees.records(nodeIds)).flatMap((record) => (isLive(record?.remote) ? [record.remote] : []));
    const begun = new Set(heads.map(({ nodeId }) => nodeId));
    await this.#write([...this.#open().filter(({ nodeId }) => !begun.has(nodeId)), ...heads]);
  }

  /** The trees have noted what became of most of them; of the others nobody knows. */
  async end(): Promise<void> {
    const open = this.#open();
    const records = await this.#trees.records(open.map(({ nodeId }) => nodeId));
    await this.#write(open.filter((head, index) => !isNoted(records[index], head)));
  }

  /** A scan begins. What one that was broken off has settled was perhaps not written, and has to be seen again. */
  beginScan(): void {
    this.#settled.clear();
  }

  /** What may have been put into a directory without a note. */
  in(parentId: NodeId): readonly LiveHead[] {
    return this.#open().filter((head): head is LiveHead => isLive(head) && head.place.parentId === parentId);
  }

  /**
   * What an entry is that was being put there; `undefined` when it is no trace of that.
   * `owner`: the node that is known to have stood there, or there with this inode.
   */
  async trace({ shown, local, owner, intents, isInDoubt }: Found): Promise<NodeRecord | undefined> {
    for (const head of intents) {
      if (!this.isShownAs(head, shown) || (owner !== undefined && owner.nodeId !== head.nodeId)) continue;
      const record = owner ?? (await this.#trees.record(head.nodeId));
      if (record?.remote === undefined || record.away !== undefined) continue;
      const isNew = owner === undefined;
      const alias = shown === head.place.name ? undefined : (shown as NodeName);
      const here = { ...record, local: { ...local, place: head.place, alias } };
      if (isNew && record.local !== undefined) continue;
      if (isNew && !sameContent(local.content, head.content)) {
        if (isInDoubt && isRestOf(local, head)) return fetchedAgain({ ...here, synced: syncedWith(head) });
        continue;
      }
      return isNew ? { ...here, synced: syncedWith(head) } : basedOn(here, head);
    }
    return undefined;
  }

  isShownAs({ place, nodeId }: LiveHead, shown: string): boolean {
    return shown === place.name || isAliasOf(shown, place.name, nodeId, this.#trees.names);
  }

  /** A look at the directory has told what became of these, or the trees have noted it. */
  settle(heads: ReadonlyArray<{ readonly nodeId: NodeId }>): void {
    for (const { nodeId } of heads) this.#settled.add(nodeId);
  }

  /** Forgets what was settled. */
  async forgetSettled(): Promise<void> {
    if (this.#settled.size > 0) await this.#write(this.#open());
  }

  #open(): Intended {
    const { intents = [] } = this.#trees.state;
    return this.#settled.size === 0 ? intents : intents.filter(({ nodeId }) => !this.#settled.has(nodeId));
  }

  async #write(intents: Intended): Promise<void> {
    const { intents: before = [] } = this.#trees.state;
    if (intents.length > 0 || before.length > 0) await this.#trees.write({ state: { intents: intents.slice(-MAX_INTENTS) } });
    this.#settled.clear();
  }
}

/** An entry as a scan found it. */
interface Found {
  readonly shown: string;
  readonly local: LocalState;
  readonly owner: NodeRecord | undefined;
  readonly intents: readonly LiveHead[];
  /** The machine has stopped since, and the disk may have lost what was put on it. */
  readonly isInDoubt: boolean;
}

type Intended = NonNullable<ReplicaState["intents"]>;

/** The record with the version of `head` as its base, in the parts that the disk holds as that has them. */
function basedOn(record: NodeRecord & { readonly local: LocalState }, head: LiveHead): NodeRecord {
  const { local, synced } = record;
  if (synced === undefined) return record;
  const made = syncedWith(head);
  return {
    ...record,
    synced: {
      ...synced,
      ...(samePlace(local.place, head.place) ? { place: made.place, placeVector: made.placeVector } : {}),
      ...(sameContent(local.content, head.content) ? { content: made.content, contentVector: made.contentVector } : {}),
    },
  };
}

/** True when a file is what a loss of power may leave of one that was put there without waiting for the disk: nothing, or other bytes under the mtime that was set. */
function isRestOf({ content, stat }: LocalState, head: LiveHead): boolean {
  if (content.kind !== "file" || head.content.kind !== "file") return false;
  return content.sizeBytes === 0 || stat.mtimeNs / 1_000n === head.content.mtimeNs / 1_000n;
}

function isNoted(record: NodeRecord | undefined, head: Head): boolean {
  if (record === undefined) return true;
  return record.local !== undefined && samePlace(record.local.place, head.place) && sameContent(record.local.content, head.content);
}
