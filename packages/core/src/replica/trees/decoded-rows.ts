import type { NodeId } from "../../ids.js";
import type { ReplicaRow } from "../../metadata/replica-store.js";
import type { NodeRecord } from "../../reconcile/node-record.js";
import { rowToRecord } from "./record-codec.js";

/** Records kept, whatever the size of the folder: their bytes are 4 MiB at most. */
const MAX_KEPT = 4_096;
/** Longer rows, as of links with long targets, are decoded each time: they would move the bound. */
const MAX_KEPT_BYTES = 1_024;

/**
 * As `rowToRecord`, and gives the record that it gave before when a row's bytes are still the same.
 *
 * It compares bytes and need not be told of writes, so no order of reads and writes makes it give what is not stored.
 */
export function createRowDecoder(): (row: ReplicaRow) => NodeRecord {
  const kept = new Map<NodeId, { readonly body: Uint8Array; readonly record: NodeRecord }>();
  return (row) => {
    const { nodeId, body } = row;
    const known = kept.get(nodeId);
    if (known !== undefined && isSame(known.body, body)) return known.record;
    const record = rowToRecord(row);
    if (body.length > MAX_KEPT_BYTES) return record;
    const [oldest] = known === undefined && kept.size >= MAX_KEPT ? kept.keys() : [];
    if (oldest !== undefined) kept.delete(oldest);
    kept.set(nodeId, { body, record });
    return record;
  };
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
