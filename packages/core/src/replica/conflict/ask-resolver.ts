import type { LocalPath } from "../../names.js";
import { isLive, type NodeRecord, type SyncedState, syncedWith } from "../../reconcile/node-record.js";
import { EMPTY_VECTOR } from "../../version-vector.js";
import type { ConflictResolver } from "../replica.js";
import type { ReplicaParts } from "../replica-parts.js";
import { collect, readStored } from "../download/stored-content.js";

/** Largest file that a resolver is asked about; its versions are whole in memory. */
const MAX_RESOLVED_BYTES = 16 * 1024 * 1024;

type AskContext = Pick<ReplicaParts, "trees" | "tree" | "transport" | "env" | "link" | "workspaceId"> & {
  /** Makes the chunks of the node's local content durable at the hub; gives what commits that content. */
  readonly sendContent: (record: NodeRecord) => Promise<(() => Promise<void>) | undefined>;
};

/**
 * Asks the embedding app what becomes of a file that both sides changed. Gives false when it leaves the decision, or cannot be asked.
 *
 * "mine" and new bytes are then planned as an edit on top of the hub's version; "theirs" as a file that was not changed here. What new bytes
 * replace here becomes a revision between the two: first they are at its place, so that a crash leaves neither side's changes behind.
 */
export async function askResolver(context: AskContext, record: NodeRecord, path: LocalPath, resolve: ConflictResolver): Promise<boolean> {
  const { local, remote } = record;
  if (local?.content.kind !== "file" || !isLive(remote) || remote.content.kind !== "file") return false;
  const [mine, theirs] = [local.content, remote.content];
  if (Math.max(mine.sizeBytes, theirs.sizeBytes) > MAX_RESOLVED_BYTES) return false;
  const common = record.synced?.content.kind === "file" && record.synced.content.sizeBytes <= MAX_RESOLVED_BYTES ? record.synced.content : undefined;
  const answer = await resolve({
    path,
    base: common && (() => collect(readStored(context, common), common.sizeBytes)),
    mine: async () => await collect(context.tree.read(path, local.stat), mine.sizeBytes),
    theirs: () => collect(readStored(context, theirs), theirs.sizeBytes),
  });
  if (answer === undefined) return false;
  const base = record.synced ?? { ...syncedWith(remote), content: mine, contentVector: EMPTY_VECTOR };
  if (answer === "theirs") {
    await context.trees.write({ put: [{ ...record, synced: { ...base, content: mine } }] });
    return true;
  }
  let commitMine: (() => Promise<void>) | undefined;
  if (answer !== "mine") {
    commitMine = await context.sendContent(record);
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
  await commitMine?.();
  return true;
}
