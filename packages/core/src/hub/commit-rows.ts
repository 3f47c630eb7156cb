import { encode } from "../codec/codec.js";
import type { Commit } from "../commit.js";
import type { Sha256 } from "../env.js";
import { cursorAt, encodeJournalRow, nextChain, type Cursor, type JournalRow } from "../journal.js";
import type { HubRow, WorkspaceRow } from "../metadata/hub-store.js";
import { nameKey } from "../names.js";
import { type Head, headCodec } from "../node.js";
import type { Principal } from "./hub.js";
import type { AcceptedChange } from "./judge-commit.js";

export interface CommitRows {
  readonly rows: readonly HubRow[];
  readonly firstSeq?: number | undefined;
  /** Of the last accepted change. */
  readonly place?: Cursor | undefined;
}

/** The rows that make the accepted changes true: nodes, journal, revisions, manifests, and the workspace's new end. */
export function commitRows(
  workspace: WorkspaceRow,
  commit: Commit,
  accepted: readonly AcceptedChange[],
  { principal, atMs, sha256 }: { readonly principal: Principal; readonly atMs: number; readonly sha256: Sha256 },
): CommitRows {
  if (accepted.length === 0) return { rows: [] };
  const rows: HubRow[] = [];
  let { chain, headSeq } = workspace;
  for (const { change, head: versions, placeChanged, contentChanged } of accepted) {
    headSeq += 1;
    const head: Head = { ...versions, seq: headSeq };
    const { deviceId, deviceName } = principal;
    const row: JournalRow = { head, placeChanged, contentChanged, replicaId: commit.replicaId, commitCounter: commit.counter, deviceId, deviceName, atMs };
    const body = encodeJournalRow(row);
    chain = nextChain(chain, body, sha256);
    rows.push({ table: "node", row: nodeRow(head) }, { table: "journal", row: { seq: headSeq, body, chain } });
    if (change.kind === "delete" || !contentChanged || head.content.kind !== "file") continue;
    rows.push({ table: "revision", row: { nodeId: head.nodeId, revision: head.revision, body } });
    const manifest = change.content?.manifest;
    if (manifest !== undefined) rows.push({ table: "manifest", manifestId: head.content.manifestId, body: manifest });
  }
  const { rootNodeId, epoch, compactedBelow } = workspace;
  rows.push({ table: "workspace", row: { rootNodeId, epoch, headSeq, chain, compactedBelow } });
  return { rows, firstSeq: workspace.headSeq + 1, place: cursorAt(epoch, headSeq, chain) };
}

function nodeRow(head: Head) {
  const { nodeId, place, deleted, seq } = head;
  return { nodeId, parentId: place.parentId, nameKey: nameKey(place.name), deleted, seq, body: encode(headCodec, head) };
}
