import type { NodeId } from "../../ids.js";
import type { NodeRecord } from "../../reconcile/node-record.js";
import type { SeenEntry } from "./entry-observer.js";
import type { Trees, TreesWrite } from "../trees/trees.js";

/** Records written at once. */
const WRITE_BATCH = 1_000;

/** What a scan has seen and not written yet. Whoever else writes records during a scan has it flushed before. */
export class ScanWrites {
  readonly #trees: Trees;
  #records: NodeRecord[] = [];
  #manifests: Array<NonNullable<TreesWrite["manifests"]>[number]> = [];
  readonly #looks = new Map<NodeId, Uint8Array>();
  readonly #inodes = new Set<string>();
  #written = 0;

  constructor(trees: Trees) {
    this.#trees = trees;
  }

  /** A node that has moved is written at once: what comes next may be told from it by its inode. */
  async put({ record, manifest, left }: SeenEntry): Promise<void> {
    this.#records.push(record);
    if (record.local !== undefined) this.#inodes.add(record.local.stat.inode);
    if (manifest !== undefined) this.#manifests.push(manifest);
    // A look that is written with a record counts as one after it.
    for (const directory of [record.local?.place.parentId, left]) if (directory !== undefined) this.#looks.delete(directory);
    if (left !== undefined || this.#records.length >= WRITE_BATCH) await this.flush();
  }

  /** Notes a look at a directory all of whose records were put. */
  async putLook(directory: NodeId, look: Uint8Array): Promise<void> {
    this.#looks.set(directory, look);
    if (this.#looks.size >= WRITE_BATCH) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#records.length + this.#looks.size === 0) return;
    const looks = [...this.#looks].map(([nodeId, body]) => ({ nodeId, body }));
    const write = { put: this.#records, manifests: this.#manifests, looks };
    this.#clear();
    await this.#trees.write(write);
    this.#written += write.put.length;
  }

  /** A scan begins: what another that was broken off has seen is forgotten. */
  begin(): void {
    this.#clear();
    this.#written = 0;
  }

  /** Records put since the scan began, written or not. */
  get seen(): number {
    return this.#written + this.#records.length;
  }

  /** True when a record that is not written yet has that inode. */
  holds(inode: string): boolean {
    return this.#inodes.has(inode);
  }

  #clear(): void {
    this.#records = [];
    this.#manifests = [];
    this.#looks.clear();
    this.#inodes.clear();
  }
}
