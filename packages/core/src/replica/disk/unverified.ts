import type { Env } from "../../env.js";
import type { NodeId } from "../../ids.js";
import type { LocalTree } from "../../local/local-tree.js";
import type { LocalPath } from "../../names.js";
import { sameContent } from "../../node.js";
import type { NodeRecord } from "../../reconcile/node-record.js";
import type { Trees } from "../trees/trees.js";

interface ListedFile {
  readonly nodeId: NodeId;
  readonly path: LocalPath;
}

/** Files listed, at most: 16 bytes each in what is written with each group of files. Beyond it the disk is waited for. */
const MAX_UNVERIFIED = 1_024;

/**
 * The files that were put on the disk and that it may not have yet.
 *
 * A small new file does not wait for the disk: the transaction that makes it synced lists it, and it leaves the list after an fsync of itself and of its
 * directory, of many together. What is listed after a loss of power is looked at by {@link PowerLoss}; as long as the machine runs the list says nothing.
 */
export class Unverified {
  readonly #trees: Trees;
  readonly #tree: LocalTree;
  readonly #env: Env;
  /** On the list that is stored, and durable by now. */
  readonly #verified = new Set<NodeId>();
  /** After an fsync that failed the next one may say that all is well: these are not asked about again. */
  readonly #lost = new Set<NodeId>();
  /** Promised a place on the list. */
  #promised = 0;
  /** Places on the list when they were last counted, the promised ones among them. */
  #places = 0;
  #verifying: Promise<void> = Promise.resolve();

  constructor({ trees, tree, env }: { readonly trees: Trees; readonly tree: LocalTree; readonly env: Env }) {
    this.#trees = trees;
    this.#tree = tree;
    this.#env = env;
  }

  /** True when one file more may be put on the disk without waiting for it. Not while the list of another boot is in use. */
  promise(): boolean {
    if (this.#trees.state.bootId !== this.#env.bootId) return false;
    // Counted for many files at once: until the list is written anew there can only be more.
    if (this.#promised >= this.#places) this.#places = MAX_UNVERIFIED - this.#listed().length;
    if (this.#promised >= this.#places) return false;
    this.#promised += 1;
    return true;
  }

  /** The list with these nodes, to be written with what makes them synced. */
  with(nodeIds: readonly NodeId[]): readonly NodeId[] {
    for (const nodeId of nodeIds) {
      this.#verified.delete(nodeId);
      this.#lost.delete(nodeId);
    }
    this.#promised = 0;
    this.#places = 0;
    return [...new Set([...this.#listed(), ...nodeIds])];
  }

  /** It is to be replaced by a file for which the disk is waited for. */
  forget(nodeId: NodeId): void {
    this.#verified.add(nodeId);
    this.#lost.delete(nodeId);
  }

  /** Begins to make durable what was just put at these paths, and listed. */
  begin(files: readonly ListedFile[]): void {
    this.#verifying = this.#verifying.then(() => this.#sync(files)).catch(() => {}); // what failed is still listed
  }

  /** Makes durable what is listed; gives the nodes of which the disk may never have what they hold. What is not where it was put stays listed, until a scan tells what became of it. */
  async end(): Promise<readonly NodeId[]> {
    const { unverified = [], bootId } = this.#trees.state;
    if (unverified.length === 0 || bootId !== this.#env.bootId) return [];
    await this.#verifying;
    await this.#verify();
    const listed = this.#listed();
    if (listed.length < unverified.length) await this.#trees.write({ state: { unverified: listed } });
    this.#verified.clear();
    return [...this.#lost];
  }

  #listed(): readonly NodeId[] {
    const { unverified = [] } = this.#trees.state;
    return this.#verified.size === 0 ? unverified : unverified.filter((nodeId) => !this.#verified.has(nodeId));
  }

  async #verify(): Promise<void> {
    const files: ListedFile[] = [];
    const nodeIds = this.#listed();
    for (const [index, record] of (await this.#trees.records(nodeIds)).entries()) {
      const nodeId = nodeIds[index] as NodeId;
      const path = isAsPlaced(record) ? await this.#trees.localPath(nodeId) : undefined;
      if (path === undefined) {
        this.#verified.add(nodeId);
        this.#lost.delete(nodeId);
      } else if (!this.#lost.has(nodeId)) files.push({ nodeId, path });
    }
    await this.#sync(files);
  }

  async #sync(files: readonly ListedFile[]): Promise<void> {
    if (files.length === 0) return;
    const synced = await this.#tree.sync(files.map(({ path }) => path));
    for (const [index, { nodeId }] of files.entries()) {
      if (synced[index] === "durable") this.#verified.add(nodeId);
      if (synced[index] === "lost") this.#lost.add(nodeId);
    }
  }
}

/** False of what is gone, and of what somebody has written since: that is theirs to make durable. */
function isAsPlaced(record: NodeRecord | undefined): boolean {
  const { local, synced } = record ?? {};
  return local?.content.kind === "file" && (synced === undefined || sameContent(local.content, synced.content));
}
