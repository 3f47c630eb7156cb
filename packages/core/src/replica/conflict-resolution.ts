import { TwinfoldError } from "../errors.js";
import { applyRuns } from "../manifest.js";
import type { LocalPath } from "../names.js";
import type { FileContent } from "../node.js";
import { isLive, type NodeRecord, type SyncedState, syncedWith } from "../reconcile/node-record.js";
import { EMPTY_VECTOR } from "../version-vector.js";
import { fetchChunks } from "./chunk-fetcher.js";
import type { ConflictResolver } from "./replica.js";
import type { ReplicaParts } from "./replica-parts.js";

/** Largest file that a resolver is asked about; its versions are whole in memory. */
const MAX_RESOLVED_BYTES = 16 * 1024 * 1024;

type ResolutionContext = Pick<ReplicaParts, "trees" | "tree" | "transport" | "env" | "workspaceId">;

/**
 * Asks the embedding app what becomes of a file that both sides changed. Gives false when it leaves the decision, or cannot be asked.
 *
 * "mine" and new bytes are then planned as an edit on top of the hub's version; "theirs" as a file that was not changed here.
 */
export async function resolveContent(context: ResolutionContext, record: NodeRecord, path: LocalPath, resolve: ConflictResolver): Promise<boolean> {
  const { local, remote } = record;
  if (local?.content.kind !== "file" || !isLive(remote) || remote.content.kind !== "file") return false;
  const [mine, theirs] = [local.content, remote.content];
  if (Math.max(mine.sizeBytes, theirs.sizeBytes) > MAX_RESOLVED_BYTES) return false;
  const answer = await resolve({
    path,
    mine: async () => await collect(context.tree.read(path, local.stat), mine.sizeBytes),
    theirs: () => fetchWhole(context, theirs),
  });
  if (answer === undefined) return false;
  const base = record.synced ?? { ...syncedWith(remote), content: mine, contentVector: EMPTY_VECTOR };
  if (answer === "theirs") {
    await context.trees.write({ put: [{ ...record, synced: { ...base, content: mine } }] });
    return true;
  }
  if (answer !== "mine") {
    const staging = await context.tree.stage(`resolved-${record.nodeId}`);
    try {
      await staging.truncate(0);
      await staging.append(answer);
      const outcome = await staging.place(path, local.stat, {
        executable: mine.executable,
        mtimeNs: BigInt(Math.floor(context.env.nowMs())) * 1_000_000n,
      });
      if (outcome.kind === "changed") return true;
    } finally {
      await staging.close();
    }
  }
  const synced: SyncedState = { ...base, content: remote.content, contentVector: remote.contentVector };
  await context.trees.write({ put: [{ ...record, synced }] });
  return true;
}

/** @throws {TwinfoldError} `ERR_CHUNK_NOT_FOUND` when the hub has not all of it. */
async function fetchWhole({ trees, transport, env, workspaceId }: ResolutionContext, content: FileContent): Promise<Uint8Array> {
  const { manifestId, sizeBytes } = content;
  let manifest = await trees.manifest(manifestId);
  if (manifest === undefined) {
    const [answer] = await transport.manifests({ workspaceId, wanted: [{ manifestId }] });
    manifest = answer?.runs && applyRuns([], answer.runs);
  }
  if (manifest === undefined) throw new TwinfoldError("ERR_CHUNK_NOT_FOUND", `the server has no list of the chunks of ${manifestId}`);
  return await collect(fetchChunks(transport, workspaceId, manifest, env.sha256, undefined), sizeBytes);
}

async function collect(pieces: AsyncIterable<Uint8Array | undefined>, sizeBytes: number): Promise<Uint8Array> {
  const whole = new Uint8Array(sizeBytes);
  let at = 0;
  for await (const piece of pieces) {
    if (piece === undefined) throw new TwinfoldError("ERR_CHUNK_NOT_FOUND", "the server's copy of a chunk is missing or damaged");
    whole.set(piece.subarray(0, sizeBytes - at), at);
    at += piece.length;
  }
  if (at !== sizeBytes) throw new TwinfoldError("ERR_CHUNK_NOT_FOUND", `${at} bytes came of a file of ${sizeBytes}`);
  return whole;
}
