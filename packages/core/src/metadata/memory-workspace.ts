import { TwinfoldError } from "../errors.js";
import type { AccountId, ChunkId, DraftId, ManifestId, NodeId, ReplicaId } from "../ids.js";
import type { DraftRow, HubBatch, HubRow, NodeRow, ReplicaMark, RevisionRow, Role, StoredJournalRow, WorkspaceRow } from "./hub-store.js";

/** One workspace of the memory hub store. Rows are never changed in place, so a copy of the maps is a copy of the state. */
export class MemoryWorkspace {
  row: WorkspaceRow;
  readonly members = new Map<AccountId, Role>();
  readonly nodes = new Map<NodeId, NodeRow>();
  readonly revisions = new Map<NodeId, readonly RevisionRow[]>();
  readonly manifests = new Map<ManifestId, Uint8Array>();
  readonly possessed = new Map<ChunkId, number>();
  readonly marks = new Map<ReplicaId, ReplicaMark>();
  readonly drafts = new Map<DraftId, DraftRow>();
  /** Ascending by seq. */
  readonly journal: StoredJournalRow[] = [];
  /** Live node by parent and name key. */
  readonly #names = new Map<NodeId, Map<string, NodeId>>();
  /** Ascending by seq; a row that is no longer its node's current one stays until the list is mostly such rows. */
  #bySeq: NodeRow[] = [];

  constructor(row: WorkspaceRow) {
    this.row = row;
  }

  copy(): MemoryWorkspace {
    const copy = new MemoryWorkspace(this.row);
    for (const [id, role] of this.members) copy.members.set(id, role);
    for (const [id, rows] of this.revisions) copy.revisions.set(id, rows);
    for (const [id, body] of this.manifests) copy.manifests.set(id, body);
    for (const [id, length] of this.possessed) copy.possessed.set(id, length);
    for (const [id, mark] of this.marks) copy.marks.set(id, mark);
    for (const [id, draft] of this.drafts) copy.drafts.set(id, draft);
    for (const row of this.journal) copy.journal.push(row);
    copy.#putNodes(this.nodes);
    return copy;
  }

  nodeByName(parentId: NodeId, nameKey: string): NodeRow | undefined {
    const nodeId = this.#names.get(parentId)?.get(nameKey);
    return nodeId && this.nodes.get(nodeId);
  }

  childIds(parentId: NodeId): NodeId[] {
    return [...(this.#names.get(parentId)?.values() ?? [])].sort();
  }

  nodesSince(afterSeq: number, limit: number): NodeRow[] {
    const found: NodeRow[] = [];
    for (let i = firstAfter(this.#bySeq, afterSeq); i < this.#bySeq.length && found.length < limit; i++) {
      const row = this.#bySeq[i] as NodeRow;
      if (this.nodes.get(row.nodeId) === row) found.push(row);
    }
    return found;
  }

  journalSince(afterSeq: number, limit: number): StoredJournalRow[] {
    const from = firstAfter(this.journal, afterSeq);
    return this.journal.slice(from, from + limit);
  }

  append({ expectedStamp, rows }: HubBatch): "appended" | "stale" {
    if (expectedStamp !== undefined && expectedStamp !== this.row.stamp) return "stale";
    if (expectedStamp === undefined) rows.forEach(checkStampless);
    const nodes = new Map<NodeId, NodeRow>();
    for (const row of rows) if (row.table === "node") nodes.set(row.row.nodeId, row.row);
    this.#checkNames(nodes);
    this.#checkNewKeys(rows);

    this.#putNodes(nodes);
    for (const row of rows) this.#put(row);
    if (expectedStamp !== undefined) this.row = { ...this.row, stamp: expectedStamp + 1 };
    return "appended";
  }

  #put(row: HubRow): void {
    switch (row.table) {
      case "workspace":
        this.row = { ...row.row, workspaceId: this.row.workspaceId, stamp: this.row.stamp };
        break;
      case "member":
        if (row.role === undefined) this.members.delete(row.accountId);
        else this.members.set(row.accountId, row.role);
        break;
      case "node":
        break; // Put together with the other nodes of the batch, since names may be swapped in it.
      case "journal":
        this.journal.push(row.row);
        if ((this.journal.at(-2)?.seq ?? 0) > row.row.seq) this.journal.sort((a, b) => a.seq - b.seq);
        break;
      case "revision": {
        const all = [...(this.revisions.get(row.row.nodeId) ?? []), row.row];
        this.revisions.set(
          row.row.nodeId,
          all.sort((a, b) => b.revision - a.revision),
        );
        break;
      }
      case "manifest":
        this.manifests.set(row.manifestId, row.body);
        break;
      case "mark":
        this.marks.set(row.row.replicaId, row.row);
        break;
      case "possessed":
        this.possessed.set(row.chunkId, row.lengthBytes);
        break;
      case "draft":
        this.drafts.set(row.row.draftId, row.row);
        break;
      case "draft-removed":
        this.drafts.delete(row.draftId);
        break;
    }
  }

  /** HS5, judged in the state after the batch. */
  #checkNames(changed: ReadonlyMap<NodeId, NodeRow>): void {
    const taken = new Set<string>();
    for (const { nodeId, parentId, nameKey, deleted } of changed.values()) {
      if (deleted) continue;
      const key = `${parentId}/${nameKey}`;
      const holder = this.#names.get(parentId)?.get(nameKey);
      if (taken.has(key) || (holder !== undefined && holder !== nodeId && !changed.has(holder))) {
        throw failed(`node ${nodeId} cannot have the name ${JSON.stringify(nameKey)} in ${parentId}: another live node has it`);
      }
      taken.add(key);
    }
  }

  #checkNewKeys(rows: readonly HubRow[]): void {
    const keys = new Set<string>();
    for (const row of rows) {
      if (row.table !== "journal" && row.table !== "revision") continue;
      const key = row.table === "journal" ? `journal row ${row.row.seq}` : `revision ${row.row.revision} of node ${row.row.nodeId}`;
      const there =
        row.table === "journal"
          ? this.journalSince(row.row.seq - 1, 1)[0]?.seq === row.row.seq
          : this.revisions.get(row.row.nodeId)?.some(({ revision }) => revision === row.row.revision);
      if (there || keys.has(key)) throw failed(`${key} exists already`);
      keys.add(key);
    }
  }

  #putNodes(changed: ReadonlyMap<NodeId, NodeRow>): void {
    for (const nodeId of changed.keys()) {
      const before = this.nodes.get(nodeId);
      const siblings = before && this.#names.get(before.parentId);
      if (before === undefined || siblings?.get(before.nameKey) !== nodeId) continue;
      siblings.delete(before.nameKey);
      if (siblings.size === 0) this.#names.delete(before.parentId);
    }
    for (const row of changed.values()) {
      this.nodes.set(row.nodeId, row);
      if (row.deleted) continue;
      const siblings = this.#names.get(row.parentId) ?? new Map<string, NodeId>();
      this.#names.set(row.parentId, siblings.set(row.nameKey, row.nodeId));
    }
    const added = [...changed.values()].sort((a, b) => a.seq - b.seq);
    const inOrder = (this.#bySeq.at(-1)?.seq ?? 0) <= (added[0]?.seq ?? 0);
    for (const row of added) this.#bySeq.push(row);
    if (!inOrder) this.#bySeq.sort((a, b) => a.seq - b.seq);
    if (this.#bySeq.length > 2 * this.nodes.size + 64) this.#bySeq = this.#bySeq.filter((row) => this.nodes.get(row.nodeId) === row);
  }
}

const STAMPLESS: ReadonlySet<HubRow["table"]> = new Set(["possessed", "manifest", "draft", "draft-removed"]);

function checkStampless({ table }: HubRow): void {
  if (!STAMPLESS.has(table)) {
    throw new TwinfoldError("ERR_INVALID_ARGUMENT", `a batch with a ${table} row needs the stamp that its decision was read at`);
  }
}

function failed(why: string): TwinfoldError {
  return new TwinfoldError("ERR_STORE_FAILED", `the batch was not appended: ${why}`);
}

/** Index of the first row later than `afterSeq`. */
function firstAfter(rows: ReadonlyArray<{ readonly seq: number }>, afterSeq: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rows[middle] as { readonly seq: number }).seq <= afterSeq) low = middle + 1;
    else high = middle;
  }
  return low;
}
