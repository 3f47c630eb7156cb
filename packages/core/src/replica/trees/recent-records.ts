import type { NodeId } from "../../ids.js";
import type { NodeRecord } from "../../reconcile/node-record.js";

/** Records kept, whatever the size of the folder: a page of dirty nodes, and the directories above them. A few MiB. */
const MAX_KEPT = 4_096;

/** The records that were read last, as the store has them. */
export class RecentRecords {
  readonly #records = new Map<NodeId, NodeRecord>();
  /** Counts how often something was forgotten: what was read meanwhile may be from before that. */
  #age = 0;

  get age(): number {
    return this.#age;
  }

  get(nodeId: NodeId): NodeRecord | undefined {
    return this.#records.get(nodeId);
  }

  /** Keeps what a read gave that began at `age`, unless something was written since. */
  keep(records: readonly NodeRecord[], age: number): void {
    if (age !== this.#age) return;
    for (const record of records) {
      const [oldest] = this.#records.size >= MAX_KEPT ? this.#records.keys() : [];
      if (oldest !== undefined) this.#records.delete(oldest);
      this.#records.set(record.nodeId, record);
    }
  }

  /** Called before a write and after it, failed or not: a read in between may have seen either. */
  forget(nodeIds: readonly NodeId[]): void {
    this.#age += 1;
    for (const nodeId of nodeIds) this.#records.delete(nodeId);
  }
}
