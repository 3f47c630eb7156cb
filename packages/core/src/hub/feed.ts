import { decode, encode, list } from "../codec/codec.js";
import { bytesToHex } from "../codec/hex.js";
import type { Sha256 } from "../env.js";
import { TwinfoldError } from "../errors.js";
import type { ManifestId, WorkspaceId } from "../ids.js";
import { type Cursor, cursorAt, firstChain, journalRowCodec } from "../journal.js";
import {
  encodeManifest,
  inlineManifestMaxBytes,
  MAX_INLINE_CHUNKS,
  decodeManifest,
  manifestRunCodec,
  spliceManifest,
  type ManifestRun,
} from "../manifest.js";
import type { HubStore, WorkspaceRow } from "../metadata/hub-store.js";
import { type Head, headCodec } from "../node.js";
import { MAX_MESSAGE_BYTES, MAX_ROWS } from "../transport/messages.js";
import type { ChangesAnswer, CommitOutcome, HeadsAnswer, ManifestAnswer, Revision, Transport } from "../transport/transport.js";
import { noSuchWorkspace } from "./access.js";

type Request<Name extends keyof Transport> = Parameters<Transport[Name]>[0];

/** Revisions in one answer, so that it stays below the bound of a message. */
const MAX_REVISIONS = 20_000;
const runsCodec = list(manifestRunCodec, 250_000);

/** What the hub tells of a workspace's journal, nodes and manifests. Judges no permission. */
export function createFeed(store: HubStore, sha256: Sha256) {
  const mustGet = async (workspaceId: WorkspaceId): Promise<WorkspaceRow> => {
    const workspace = await store.workspace(workspaceId);
    if (workspace === undefined) throw noSuchWorkspace(workspaceId);
    return workspace;
  };

  /** True when this hub's journal is, at that place, the one in which the cursor was made. */
  async function isOurs(workspace: WorkspaceRow, cursor: Cursor): Promise<boolean> {
    const { workspaceId, epoch, headSeq, compactedBelow } = workspace;
    if (cursor.epoch !== epoch || cursor.seq > headSeq || cursor.seq < compactedBelow) return false;
    const chain = await chainAt(workspace, cursor.seq);
    return chain !== undefined && bytesToHex(chain.subarray(0, 8)) === cursor.chain;

    async function chainAt(at: WorkspaceRow, seq: number): Promise<Uint8Array | undefined> {
      if (seq === headSeq) return at.chain;
      if (seq === 0) return firstChain(epoch, sha256);
      const [row] = await store.journal(workspaceId, seq - 1, 1);
      return row?.seq === seq ? row.chain : undefined;
    }
  }

  async function changes(
    workspaceId: WorkspaceId,
    { cursor, highest }: { readonly cursor?: Cursor | undefined; readonly highest?: Cursor | undefined },
    outcomes: readonly CommitOutcome[],
  ): Promise<ChangesAnswer> {
    const workspace = await mustGet(workspaceId);
    const isKnown = cursor !== undefined && (await isOurs(workspace, cursor)) && (highest === undefined || (await isOurs(workspace, highest)));
    if (!isKnown) return { kind: "reset", outcomes };

    const stored = cursor.seq < workspace.headSeq ? await store.journal(workspaceId, cursor.seq, MAX_ROWS) : [];
    const last = stored.at(-1);
    if (last === undefined) return { kind: "unchanged", outcomes };
    const rows = stored.map(({ body }) => decode(journalRowCodec, body));
    const manifests = await inlineManifests(
      workspaceId,
      rows.map(({ head }) => head),
    );
    return {
      kind: "rows",
      outcomes,
      rows: rows.map((row, index) => ({ row, manifest: manifests[index] })),
      cursor: cursorAt(workspace.epoch, last.seq, last.chain),
      more: last.seq < workspace.headSeq,
    };
  }

  async function heads({ workspaceId, afterSeq }: Request<"heads">): Promise<HeadsAnswer> {
    // The end first: what changes while the nodes are read comes again with the changes after it.
    const { rootNodeId, epoch, headSeq, chain } = await mustGet(workspaceId);
    const found = (await store.nodesSince(workspaceId, afterSeq, MAX_ROWS)).map((row) => decode(headCodec, row.body));
    const manifests = await inlineManifests(workspaceId, found);
    return {
      rootNodeId,
      heads: found.map((head, index) => ({ head, manifest: manifests[index] })),
      nextAfterSeq: found.length < MAX_ROWS ? undefined : found.at(-1)?.seq,
      cursor: cursorAt(epoch, headSeq, chain),
    };
  }

  /** For each head the manifest of its file, where that is short enough to travel with it. */
  async function inlineManifests(workspaceId: WorkspaceId, found: readonly Head[]): Promise<ReadonlyArray<Uint8Array | undefined>> {
    const manifestIds = found.map(({ content, deleted }) => (content.kind === "file" && !deleted ? content.manifestId : undefined));
    const asked = [...new Set(manifestIds.filter((id) => id !== undefined))];
    const bodies = asked.length === 0 ? [] : await store.manifests(workspaceId, asked);
    const short = new Map<ManifestId, Uint8Array>();
    bodies.forEach((body, index) => {
      const id = asked[index];
      if (id === undefined || body === undefined || body.length > inlineManifestMaxBytes) return;
      if (decodeManifest(body).length <= MAX_INLINE_CHUNKS) short.set(id, body);
    });
    return manifestIds.map((id) => id && short.get(id));
  }

  async function manifests({ workspaceId, wanted }: Request<"manifests">): Promise<readonly ManifestAnswer[]> {
    const answers: ManifestAnswer[] = [];
    let answerBytes = 0;
    for (const { manifestId, baseManifestId } of wanted) {
      const asked = baseManifestId === undefined ? [manifestId] : [manifestId, baseManifestId];
      const [target, base] = await store.manifests(workspaceId, asked);
      const runs = target && runsFor(target, base);
      answerBytes += runs === undefined ? 64 : encode(runsCodec, runs).length;
      if (answerBytes > MAX_MESSAGE_BYTES - 64 * 1024) {
        throw new TwinfoldError("ERR_TOO_LARGE", `the ${wanted.length} manifests asked for do not fit in one answer; ask for fewer at once`);
      }
      answers.push({ manifestId, runs });
    }
    return answers;
  }

  async function versions({ workspaceId, nodeIds, limit }: Request<"versions">): Promise<readonly Revision[]> {
    const perNode = Math.min(limit, Math.floor(MAX_REVISIONS / Math.max(1, nodeIds.length)));
    const lists = await Promise.all(nodeIds.map((nodeId) => store.revisions(workspaceId, nodeId, perNode)));
    return lists.flat().flatMap(({ nodeId, revision, body }): Revision[] => {
      const { head, atMs, deviceId, deviceName } = decode(journalRowCodec, body);
      if (head.content.kind !== "file") return [];
      const { manifestId, sizeBytes, executable, mtimeNs } = head.content;
      const { seq, contentVector } = head;
      return [{ nodeId, revision, seq, manifestId, sizeBytes, executable, mtimeNs, atMs, deviceId, deviceName, contentVector }];
    });
  }

  return { changes, heads, manifests, versions };
}

/** Entries, or runs against the base where those are shorter. */
function runsFor(target: Uint8Array, base: Uint8Array | undefined): readonly ManifestRun[] {
  const entries = decodeManifest(target);
  if (base !== undefined) {
    const runs = spliceManifest(decodeManifest(base), entries);
    if (encode(runsCodec, runs).length < encodeManifest(entries).length) return runs;
  }
  return entries.length === 0 ? [] : [{ kind: "entries", entries }];
}
