import { decode, encode } from "../../codec/codec.js";
import type { ManifestId, NodeId, ReplicaId, WorkspaceId } from "../../ids.js";
import type { Env } from "../../env.js";
import { randomId } from "../../ids.js";
import { decodeManifest, type Manifest } from "../../manifest.js";
import { whyNotHeld } from "../../local/alias.js";
import { ANY_NAME, isSameName, type NameRules, slotKey } from "../../local/name-rules.js";
import type { OutboxRow, ReplicaRow, ReplicaStore } from "../../metadata/replica-store.js";
import { joinPath, type LocalPath, type NodeName, nameKey, ROOT_PATH, splitPath } from "../../names.js";
import { nameHere, type NodeRecord, settled } from "../../reconcile/node-record.js";
import type { SkippedNode } from "../replica.js";
import { createRowDecoder } from "./decoded-rows.js";
import { RecentRecords } from "./recent-records.js";
import { recordToRow } from "./record-codec.js";
import { type ReplicaState, replicaStateCodec } from "./state.js";

/** Rows read at once by a walk over all. */
const PAGE = 1_000;

/** What older databases do not tell. */
const LATER_STATE = {
  foldsCase: false,
  rootStamp: "",
  afterReset: false,
  intents: [],
  bootId: "",
  holdsAliases: false,
  awaitingRemovals: 0,
  unverified: [],
} as const satisfies Partial<ReplicaState>;

/** Rows written together; all or none become durable. */
export interface TreesWrite {
  readonly put?: readonly NodeRecord[] | undefined;
  readonly remove?: readonly NodeId[] | undefined;
  readonly manifests?: ReadonlyArray<{ readonly manifestId: ManifestId; readonly body: Uint8Array }> | undefined;
  readonly looks?: ReadonlyArray<{ readonly nodeId: NodeId; readonly body: Uint8Array }> | undefined;
  readonly state?: Partial<ReplicaState> | undefined;
  readonly outboxPut?: readonly OutboxRow[] | undefined;
  readonly outboxRemove?: readonly number[] | undefined;
}

/** The three trees of one workspace, as records over a ReplicaStore, and the paths that they give. */
export class Trees {
  readonly #store: ReplicaStore;
  readonly #workspaceId: WorkspaceId;
  #state: ReplicaState;
  #names: NameRules;
  /** Nodes with an alias, once they were asked for: kept up to date with each write. */
  #aliased: Set<NodeId> | undefined;
  /** A pass reads most rows several times. */
  readonly #decoded = createRowDecoder();
  readonly #recent = new RecentRecords();

  private constructor(store: ReplicaStore, workspaceId: WorkspaceId, state: ReplicaState) {
    this.#store = store;
    this.#workspaceId = workspaceId;
    this.#state = state;
    this.#names = { ...ANY_NAME, foldsCase: state.foldsCase ?? false };
  }

  /** Makes a replica id on first use. The root node's id is the workspace's until the hub says otherwise. */
  static async open(store: ReplicaStore, workspaceId: WorkspaceId, env: Env): Promise<Trees> {
    const stored = await store.state(workspaceId);
    if (stored !== undefined) {
      const state = decode(replicaStateCodec, stored);
      return new Trees(store, workspaceId, { ...LATER_STATE, holdsAliases: true, ...state });
    }
    const trees = new Trees(store, workspaceId, {
      replicaId: randomId<ReplicaId>(env),
      rootNodeId: workspaceId as string as NodeId,
      nextCounter: 1,
      resetting: false,
      removedSince: 0,
      holdsAway: false,
      ignored: 0,
      ...LATER_STATE,
    });
    await trees.write({ state: {} });
    return trees;
  }

  get state(): ReplicaState {
    return this.#state;
  }

  /** What names this disk can hold: any, until {@link useNames} was told. */
  get names(): NameRules {
    return this.#names;
  }

  /** Rows are found by their names on this disk: where other ones are one now, each gets its key anew. */
  async useNames(names: NameRules): Promise<void> {
    this.#names = names;
    if ((this.#state.foldsCase ?? false) === names.foldsCase) return;
    for await (const page of this.all()) await this.write({ put: page.filter(({ local }) => local !== undefined) });
    await this.write({ state: { foldsCase: names.foldsCase } });
  }

  async write(write: TreesWrite): Promise<void> {
    const put = write.put?.map(settled);
    const isFirstAway = !this.#state.holdsAway && put?.some((record) => record.away !== undefined);
    const isFirstAlias = !this.#state.holdsAliases && put?.some(({ local }) => local?.alias !== undefined);
    const first = { ...(isFirstAway ? { holdsAway: true } : {}), ...(isFirstAlias ? { holdsAliases: true } : {}) };
    const state = write.state || isFirstAway || isFirstAlias ? { ...this.#state, ...write.state, ...first } : undefined;
    const touched = [...(write.remove ?? []), ...(put ?? []).map(({ nodeId }) => nodeId)];
    this.#recent.forget(touched);
    try {
      await this.#store.write(this.#workspaceId, {
        ...write,
        put: put?.map((record) => recordToRow(record, this.#names)),
        state: state && encode(replicaStateCodec, state),
      });
    } finally {
      this.#recent.forget(touched);
    }
    if (state) this.#state = state;
    for (const nodeId of write.remove ?? []) this.#aliased?.delete(nodeId);
    for (const { nodeId, local } of put ?? []) {
      if (local?.alias === undefined) this.#aliased?.delete(nodeId);
      else this.#aliased?.add(nodeId);
    }
  }

  /** A node is gone from the disk. A directory took all with it that was not found elsewhere: leaves first, so that removals are planned in that order. */
  async forgetLocal(nodeId: NodeId): Promise<void> {
    for (const child of await this.localChildren(nodeId)) await this.forgetLocal(child.nodeId);
    const record = await this.record(nodeId);
    if (record === undefined) return;
    const { local: _gone, ...rest } = record;
    if (rest.synced === undefined && rest.remote === undefined) await this.write({ remove: [nodeId] });
    else await this.write({ put: [rest] });
  }

  /** Nodes that this disk shows under another name, ascending by path. `names`: what it can hold, where {@link useNames} was not told yet. */
  async aliased(names = this.#names): Promise<readonly SkippedNode[]> {
    if (!this.#state.holdsAliases) return [];
    this.#aliased ??= await this.#findAliased();
    const shown: SkippedNode[] = [];
    for (const record of await this.records([...this.#aliased])) {
      const path = record && (await this.localPath(record.nodeId));
      if (record !== undefined && path !== undefined) shown.push({ path, reason: this.whyAliased(record, names) ?? "" });
    }
    return shown.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  async #findAliased(): Promise<Set<NodeId>> {
    const aliased = new Set<NodeId>();
    for await (const page of this.all()) for (const { nodeId, local } of page) if (local?.alias !== undefined) aliased.add(nodeId);
    return aliased;
  }

  /** Why this disk shows the node under another name, as a sentence; `undefined` when it does not. */
  whyAliased({ local }: NodeRecord, names = this.#names): string | undefined {
    if (local?.alias === undefined) return undefined;
    const name = JSON.stringify(local.place.name);
    const problem = whyNotHeld(local.place.name, names);
    return problem === undefined
      ? `its name is ${name}, which something else in the folder has on this disk`
      : `its name is ${name}, which this disk cannot hold: it ${problem}`;
  }

  async records(nodeIds: readonly NodeId[]): Promise<ReadonlyArray<NodeRecord | undefined>> {
    const known = nodeIds.map((nodeId) => this.#recent.get(nodeId));
    const unknown = nodeIds.filter((_, index) => known[index] === undefined);
    if (unknown.length === 0) return known;
    const { age } = this.#recent;
    const read = (await this.#store.rows(this.#workspaceId, unknown)).map((row) => row && this.#decoded(row));
    this.#recent.keep(
      read.filter((record) => record !== undefined),
      age,
    );
    const next = read.values();
    return known.map((record) => record ?? next.next().value);
  }

  async record(nodeId: NodeId): Promise<NodeRecord | undefined> {
    return (await this.records([nodeId]))[0];
  }

  async localChildren(parentId: NodeId): Promise<readonly NodeRecord[]> {
    return (await this.#store.localChildren(this.#workspaceId, parentId)).map(this.#decoded);
  }

  async remoteChildren(parentId: NodeId): Promise<readonly NodeRecord[]> {
    return (await this.#store.remoteChildren(this.#workspaceId, parentId)).map(this.#decoded);
  }

  /** Nodes whose names on this disk may be one with that. */
  async localByName(keys: ReadonlyArray<{ readonly parentId: NodeId; readonly name: string }>): Promise<ReadonlyArray<readonly NodeRecord[]>> {
    const rows = await this.#store.localByName(
      this.#workspaceId,
      keys.map(({ parentId, name }) => ({ parentId, nameKey: slotKey(name, this.#names) })),
    );
    return rows.map((group) => group.map(this.#decoded));
  }

  async remoteByName(keys: ReadonlyArray<{ readonly parentId: NodeId; readonly name: string }>): Promise<ReadonlyArray<readonly NodeRecord[]>> {
    const rows = await this.#store.remoteByName(
      this.#workspaceId,
      keys.map(({ parentId, name }) => ({ parentId, nameKey: nameKey(name) })),
    );
    return rows.map((group) => group.map(this.#decoded));
  }

  async byInode(inodes: readonly string[]): Promise<ReadonlyArray<readonly NodeRecord[]>> {
    if (inodes.length === 0) return [];
    return (await this.#store.byInode(this.#workspaceId, inodes)).map((group) => group.map(this.#decoded));
  }

  /** Nodes whose file on this disk has that content, a few for each. */
  async holding(manifestIds: readonly ManifestId[]): Promise<ReadonlyArray<readonly NodeRecord[]>> {
    return (await this.#store.byManifest(this.#workspaceId, manifestIds, 4)).map((rows) => rows.map(this.#decoded));
  }

  async dirty(limit: number): Promise<readonly NodeRecord[]> {
    const { age } = this.#recent;
    const records = (await this.#store.dirty(this.#workspaceId, limit)).map(this.#decoded);
    this.#recent.keep(records, age);
    return records;
  }

  async *all(): AsyncGenerator<readonly NodeRecord[], void, undefined> {
    for await (const rows of this.#pages()) yield rows.map(this.#decoded);
  }

  /** Every record, and whether its row is filed as the record says. */
  async *audited(): AsyncGenerator<ReadonlyArray<{ readonly record: NodeRecord; readonly isFiled: boolean }>, void, undefined> {
    for await (const rows of this.#pages()) {
      yield rows.map((row) => {
        const record = this.#decoded(row);
        return { record, isFiled: isFiledAs(row, recordToRow(record, this.#names)) };
      });
    }
  }

  async *#pages(): AsyncGenerator<readonly ReplicaRow[], void, undefined> {
    for (let after: NodeId | undefined; ; ) {
      const page = await this.#store.page(this.#workspaceId, after, PAGE);
      if (page.length === 0) return;
      yield page;
      after = page.at(-1)?.nodeId;
    }
  }

  /** Takes the hub's heads anew with the next look, and merges: nothing is deleted for being absent. */
  async forgetCursor(): Promise<void> {
    await this.write({ state: { cursor: undefined, highest: undefined } });
  }

  counts(): Promise<{ readonly nodes: number; readonly dirty: number }> {
    return this.#store.counts(this.#workspaceId);
  }

  /** How many nodes are in the local tree, or also in the remote one; `limit` when there are more. Deleted nodes, which {@link counts} counts too, are in neither. */
  async countUpTo(limit: number, isCounted: "here" | "anywhere"): Promise<number> {
    let count = 0;
    for await (const rows of this.#pages()) {
      count += rows.filter(({ local, remote }) => local !== undefined || (isCounted === "anywhere" && remote !== undefined)).length;
      if (count >= limit) return limit;
    }
    return count;
  }

  outbox(): Promise<readonly OutboxRow[]> {
    return this.#store.outbox(this.#workspaceId);
  }

  async manifestBytes(manifestId: ManifestId): Promise<Uint8Array | undefined> {
    return (await this.#store.manifests(this.#workspaceId, [manifestId]))[0];
  }

  /** Each that this device has; in their order, `undefined` for one that it has not. */
  async manifests(manifestIds: readonly ManifestId[]): Promise<ReadonlyArray<Manifest | undefined>> {
    return (await this.#store.manifests(this.#workspaceId, manifestIds)).map((bytes) => bytes && decodeManifest(bytes));
  }

  async manifest(manifestId: ManifestId): Promise<Manifest | undefined> {
    const bytes = await this.manifestBytes(manifestId);
    return bytes && decodeManifest(bytes);
  }

  /** What `write` was last given for a directory; `undefined` when a record in it was written since, or its own taken out of the local tree. */
  async look(nodeId: NodeId): Promise<Uint8Array | undefined> {
    return (await this.#store.looks(this.#workspaceId, [nodeId]))[0];
  }

  /** Where the local tree has the node; `undefined` when it, or a directory above it, is not there. */
  async localPath(nodeId: NodeId): Promise<LocalPath | undefined> {
    return await this.#pathOf(nodeId, ({ local }) => local && { parentId: local.place.parentId, name: nameHere(local) });
  }

  /** The same, of a node that things can be put into: it and all above it are directories here. */
  async directoryPath(nodeId: NodeId): Promise<LocalPath | undefined> {
    return await this.#pathOf(nodeId, ({ local }) =>
      local?.content.kind === "directory" ? { parentId: local.place.parentId, name: nameHere(local) } : undefined,
    );
  }

  /** Where the node is on the disk or, if it is not there, at the hub: for messages. */
  async shownPath(nodeId: NodeId): Promise<LocalPath> {
    const path = await this.#pathOf(nodeId, ({ local, remote, synced }) =>
      local === undefined ? (remote?.place ?? synced?.place) : { parentId: local.place.parentId, name: nameHere(local) },
    );
    return path ?? (`(${nodeId})` as LocalPath);
  }

  async #pathOf(nodeId: NodeId, placeOf: (record: NodeRecord) => { parentId: NodeId; name: NodeName } | undefined): Promise<LocalPath | undefined> {
    const names: NodeName[] = [];
    const seen = new Set<NodeId>();
    for (let at = nodeId; at !== this.#state.rootNodeId; ) {
      const record = seen.has(at) ? undefined : await this.record(at);
      const place = record && placeOf(record);
      if (place === undefined) return undefined;
      seen.add(at);
      names.push(place.name);
      at = place.parentId;
    }
    return names.reverse().reduce(joinPath, ROOT_PATH);
  }

  /** The node at `path`: on the disk if it is there, else at the hub. */
  async find(path: LocalPath): Promise<NodeRecord | undefined> {
    let parentId = this.#state.rootNodeId;
    let found: NodeRecord | undefined;
    for (const name of splitPath(path)) {
      const [local = []] = await this.localByName([{ parentId, name }]);
      const [remote = []] = await this.remoteByName([{ parentId, name }]);
      const isThere = (record: NodeRecord, isName: (shown: NodeName) => boolean) => record.local !== undefined && isName(nameHere(record.local));
      found =
        local.find((record) => isThere(record, (shown) => shown === name)) ??
        local.find((record) => isThere(record, (shown) => isSameName(shown, name, this.#names))) ??
        remote[0];
      if (found === undefined) return undefined;
      parentId = found.nodeId;
    }
    return found;
  }
}

function isFiledAs(row: ReplicaRow, wanted: ReplicaRow): boolean {
  return (
    row.dirty === wanted.dirty &&
    row.local?.parentId === wanted.local?.parentId &&
    row.local?.nameKey === wanted.local?.nameKey &&
    row.local?.inode === wanted.local?.inode &&
    row.local?.manifestId === wanted.local?.manifestId &&
    row.remote?.parentId === wanted.remote?.parentId &&
    row.remote?.nameKey === wanted.remote?.nameKey
  );
}
