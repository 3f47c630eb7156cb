import { type Change, MAX_COMMIT_BYTES, MAX_COMMIT_CHANGES, maxChangeBytes } from "../../commit.js";
import { TwinfoldError } from "../../errors.js";
import type { ManifestId, NodeId } from "../../ids.js";
import { decodeManifest, type Manifest, MAX_INLINE_CHUNKS } from "../../manifest.js";
import { joinPath, type LocalPath } from "../../names.js";
import type { FileContent } from "../../node.js";
import { isLive, type LocalState, nameHere, type NodeRecord } from "../../reconcile/node-record.js";
import { EMPTY_VECTOR } from "../../version-vector.js";
import type { KnownAtHub } from "./known-at-hub.js";
import type { Trees } from "../trees/trees.js";

/** New content after which a commit is made, so that others see a long upload arrive file by file. */
const COMMIT_AFTER_BYTES = 64 * 1024 * 1024;
/** New nodes in the first commit of a long run, twice as many in each that follows: others see the first of them while the rest is on its way. */
const FIRST_COMMIT_CHANGES = 100;
/** Bytes of a commit that are not its changes: replica id, counter, count of changes. */
const COMMIT_HEADER_BYTES = 64;

export interface PushStep {
  readonly nodeId: NodeId;
  readonly place: boolean;
  readonly content: boolean;
  readonly remove: boolean;
}

/** A change that may be committed when the chunks of its file are at the hub. */
export interface Prepared {
  readonly change: Change;
  readonly file?: FileToSend | undefined;
}

export interface FileToSend {
  readonly record: NodeRecord;
  readonly path: LocalPath;
  readonly content: FileContent;
  /** Chunks that the hub may lack, and is to learn the order of: none when it has the content already. */
  readonly manifest: Manifest;
}

/** What was asked for the steps of one group. */
interface Seen {
  /** Of directories. */
  readonly paths: Map<NodeId, LocalPath | undefined>;
  readonly atHub: ReadonlySet<ManifestId>;
}

/** Makes changes from the local tree: what a commit says of each node, and what has to be at the hub before. */
export class ChangePreparer {
  readonly #trees: Trees;
  readonly #known: KnownAtHub;
  /** Told of a file whose directories moved while they were looked at, into each other as it seems: nothing is made of it. */
  readonly #onLost: () => void;

  constructor({ trees, known, onLost }: { readonly trees: Trees; readonly known: KnownAtHub; readonly onLost: () => void }) {
    this.#trees = trees;
    this.#known = known;
    this.#onLost = onLost;
  }

  /** The changes for `steps`, in their order, as many together as one commit takes. Memory: the manifests of {@link COMMIT_AFTER_BYTES} and of one file. */
  async *groups(steps: readonly PushStep[]): AsyncGenerator<readonly Prepared[], void, undefined> {
    let most = steps.length > MAX_COMMIT_CHANGES ? FIRST_COMMIT_CHANGES : MAX_COMMIT_CHANGES;
    for (let at = 0; at < steps.length; ) {
      const records = await this.#trees.records(steps.slice(at, at + MAX_COMMIT_CHANGES).map(({ nodeId }) => nodeId));
      const end = at + groupLength(steps.slice(at, at + MAX_COMMIT_CHANGES), records, most);
      yield* withinCommit(await this.prepare(steps.slice(at, end), records));
      at = end;
      most = Math.min(most * 2, MAX_COMMIT_CHANGES);
    }
  }

  /** @param records of the steps' nodes, in their order. */
  async prepare(steps: readonly PushStep[], records: ReadonlyArray<NodeRecord | undefined>): Promise<readonly Prepared[]> {
    const seen: Seen = { paths: new Map(), atHub: await this.#known.contents(records.slice(0, steps.length)) };
    const prepared: Prepared[] = [];
    for (const [index, step] of steps.entries()) {
      const one = await this.#one(step, records[index], seen);
      if (one !== undefined) prepared.push(one);
    }
    return prepared;
  }

  async #one(step: PushStep, record: NodeRecord | undefined, { paths, atHub }: Seen): Promise<Prepared | undefined> {
    if (record === undefined) return undefined;
    const { nodeId, local, synced, remote } = record;
    if (step.remove) {
      if (local !== undefined || !isLive(remote) || synced === undefined) return undefined;
      return { change: { kind: "delete", nodeId, placeBase: synced.placeVector, contentBase: synced.contentVector } };
    }
    if (local === undefined) return undefined;
    // A node that the hub has deleted is brought back on top of the deletion, whole.
    const base = isLive(remote) ? synced : remote;
    const whole = base === undefined || !isLive(remote);
    const place = step.place || whole ? { place: local.place, base: base?.placeVector ?? EMPTY_VECTOR } : undefined;
    if (!step.content && !whole) return { change: { kind: "put", nodeId, place } };

    const content = { content: local.content, base: base?.contentVector ?? EMPTY_VECTOR };
    if (local.content.kind !== "file") return { change: { kind: "put", nodeId, place, content } };
    const path = await this.#pathOf(local, paths);
    if (path === undefined) {
      this.#onLost();
      return undefined;
    }
    const file = { record, path, content: local.content };
    if (atHub.has(local.content.manifestId) && this.#known.isTrusted(nodeId))
      return { change: { kind: "put", nodeId, place, content }, file: { ...file, manifest: [] } };
    const body = await this.#trees.manifestBytes(local.content.manifestId);
    if (body === undefined) {
      throw new TwinfoldError("ERR_STORE_FAILED", `the manifest of ${path} is not in this device's database: unlink the folder and link it again`);
    }
    const manifest = decodeManifest(body);
    const inline = manifest.length <= MAX_INLINE_CHUNKS ? { manifest: body } : {};
    return { change: { kind: "put", nodeId, place, content: { ...content, ...inline } }, file: { ...file, manifest } };
  }

  async #pathOf(local: LocalState, paths: Map<NodeId, LocalPath | undefined>): Promise<LocalPath | undefined> {
    const { parentId } = local.place;
    if (!paths.has(parentId)) paths.set(parentId, await this.#trees.localPath(parentId));
    const parent = paths.get(parentId);
    return parent === undefined ? undefined : joinPath(parent, nameHere(local));
  }
}

/** How many of the steps come first together. A group ends early after new nodes alone: what is renamed or removed may only be right together with the rest. */
function groupLength(steps: readonly PushStep[], records: ReadonlyArray<NodeRecord | undefined>, most: number): number {
  let bytes = 0;
  let areNew = true;
  for (const [index, step] of steps.entries()) {
    const record = records[index];
    areNew &&= record !== undefined && record.remote === undefined && record.synced === undefined;
    if (areNew && index >= most) return index;
    if (step.content && record?.local?.content.kind === "file") bytes += record.local.content.sizeBytes;
    if (bytes >= COMMIT_AFTER_BYTES) return index + 1;
  }
  return steps.length;
}

/** The same in several groups where one commit could be too long. */
function* withinCommit(prepared: readonly Prepared[]): Generator<readonly Prepared[], void, undefined> {
  let from = 0;
  let bytes = COMMIT_HEADER_BYTES;
  for (const [index, { change }] of prepared.entries()) {
    const changeBytes = maxChangeBytes(change);
    if (bytes + changeBytes > MAX_COMMIT_BYTES) {
      yield prepared.slice(from, index);
      from = index;
      bytes = COMMIT_HEADER_BYTES;
    }
    bytes += changeBytes;
  }
  if (from < prepared.length) yield prepared.slice(from);
}
