import { TwinfoldError } from "../errors.js";
import { createEvents } from "../events.js";
import { type LocalPath, parsePath } from "../names.js";
import { isDirty } from "../reconcile/node-record.js";
import { describeConflict, findConflicts } from "./conflict/conflicts.js";
import { checkRoot } from "./scan/emptied-root.js";
import type { ReplicaEvents } from "./events.js";
import { explainPath, reasonAt } from "./explanation.js";
import { Follower } from "./follower.js";
import { HubLink } from "./hub-link.js";
import { Intents } from "./disk/intents.js";
import { namesOfDisk } from "./disk/name-on-disk.js";
import { Presence } from "./scope/presence.js";
import type { Conflict, Explanation, Replica, ReplicaOptions, ReplicaStatus } from "./replica.js";
import type { ReplicaParts } from "./replica-parts.js";
import { mustFindConflict, resolveConflict } from "./conflict/resolve-conflict.js";
import { Scope } from "./scope/scope.js";
import { Synchronizer } from "./synchronizer.js";
import { Trees } from "./trees/trees.js";
import { Unverified } from "./disk/unverified.js";

const SETTLE_MS = 2_000;
const RESCAN_MS = 10 * 60 * 1_000;
/** Two requests: of less there is nothing to gain. */
const DRAFT_FROM_BYTES = 8 * 1024 * 1024;

/** Opens one device's copy of a workspace. Nothing happens until `sync`, `follow` or `plan` is called. */
export async function createReplica(options: ReplicaOptions): Promise<Replica> {
  const { workspaceId, tree, store, transport, env, deviceName = "this device", resolve } = options;
  const { settleMs = SETTLE_MS, rescanMs = RESCAN_MS, draftFromBytes = DRAFT_FROM_BYTES } = options;
  const trees = await Trees.open(store, workspaceId, env);
  const { source, emit } = createEvents<ReplicaEvents>();
  const scope = new Scope(trees, { only: options.only, onDemand: options.onDemand });
  const presence = new Presence({ trees, tree, scope, env });
  const intents = new Intents(trees);
  const unverified = new Unverified({ trees, tree, env });
  const link = new HubLink();
  const parts: ReplicaParts = {
    workspaceId,
    trees,
    tree,
    transport,
    env,
    link,
    deviceName,
    settleMs,
    rescanMs,
    draftFromBytes,
    resolve,
    scope,
    presence,
    intents,
    unverified,
  };
  const synchronizer = new Synchronizer(parts, emit);
  const follower = new Follower(parts, synchronizer, emit);
  const closing = new AbortController();

  const within = (signal: AbortSignal | undefined): AbortSignal => (signal ? AbortSignal.any([signal, closing.signal]) : closing.signal);
  const mustBeOpen = (): void => {
    if (closing.signal.aborted) throw new TwinfoldError("ERR_CLOSED", "this replica was closed: open it again");
  };
  const mustFind = async (path: LocalPath) => {
    const record = path === "" ? undefined : await trees.find(parsePath(path));
    if (record === undefined) throw new TwinfoldError("ERR_NOT_FOUND", `nothing is known at ${path}: check the path, or sync first`);
    return record;
  };

  return {
    on: source.on,

    async sync({ signal, confirm } = {}) {
      mustBeOpen();
      const { report } = await follower.exclusively(() => synchronizer.pass({ signal: within(signal), confirm, waitToSettle: true }));
      return report;
    },

    async follow({ signal }) {
      mustBeOpen();
      await follower.follow(within(signal));
    },

    async plan({ signal } = {}) {
      mustBeOpen();
      return await follower.exclusively(() => synchronizer.plan(within(signal)));
    },

    async status(): Promise<ReplicaStatus> {
      const { nodes, dirty } = await trees.counts();
      const { unsyncedSinceMs, lastInSyncAtMs, awaitingRemovals = 0 } = trees.state;
      return {
        workspaceId,
        state: closing.signal.aborted ? "stopped" : follower.state,
        nodes,
        pending: dirty,
        oldestUnsyncedMs: dirty === 0 || unsyncedSinceMs === undefined ? undefined : Math.max(0, env.nowMs() - unsyncedSinceMs),
        lastInSyncAtMs,
        skipped: synchronizer.skipped,
        aliased: await trees.aliased(await namesOfDisk(trees, tree)),
        awaitingConfirmation: awaitingRemovals > 0 ? { removals: awaitingRemovals } : null,
        ...(await presence.counts()),
        problem: follower.problem,
      };
    },

    async checkRoot() {
      mustBeOpen();
      await checkRoot(parts);
    },

    async explain(path): Promise<Explanation> {
      mustBeOpen();
      const skipped = synchronizer.skipped.find((node) => node.path === path);
      return await explainPath(parts, parsePath(path), (record) => (record && synchronizer.reasonFor(record.nodeId)) ?? skipped?.reason);
    },

    async get(path, { signal } = {}) {
      mustBeOpen();
      if (path === "") return await follower.exclusively(() => synchronizer.get(trees.state.rootNodeId, within(signal)));
      const record = await mustFind(path);
      const ruled = record.local === undefined ? await reasonAt(parts, path, record) : undefined;
      if (ruled !== undefined)
        throw new TwinfoldError("ERR_INVALID_ARGUMENT", `${path} is not synced here, by ${scope.describe(ruled)}: change that first`);
      return await follower.exclusively(() => synchronizer.get(record.nodeId, within(signal)));
    },

    async free(path, { signal } = {}) {
      mustBeOpen();
      const { nodeId } = path === "" ? { nodeId: trees.state.rootNodeId } : await mustFind(path);
      return await follower.exclusively(() => synchronizer.free(nodeId, within(signal)));
    },

    async conflicts({ signal } = {}): Promise<readonly Conflict[]> {
      mustBeOpen();
      const found = await findConflicts(parts, within(signal));
      const conflicts = await Promise.all(found.map((one) => describeConflict(parts, one)));
      return conflicts.filter((conflict) => conflict !== undefined).sort((a, b) => (a.copy < b.copy ? -1 : 1));
    },

    async resolveConflict(path, keep, { signal } = {}) {
      mustBeOpen();
      const at = parsePath(path);
      return await follower.exclusively(async () => {
        let found = await mustFindConflict(parts, at, within(signal));
        if ([found.copy, found.original].some((record) => record !== undefined && isDirty(record))) {
          // Both versions are revisions at the hub before one is given up.
          await synchronizer.pass({ signal: within(signal), waitToSettle: true });
          found = await mustFindConflict(parts, at, within(signal));
        }
        return await resolveConflict(parts, found, keep, within(signal));
      });
    },

    async listTrash() {
      mustBeOpen();
      return await tree.listTrash();
    },

    async restoreFromTrash(trashId) {
      mustBeOpen();
      return await follower.exclusively(() => tree.restoreFromTrash(trashId));
    },

    async revisions(path, { signal, limit = 100 } = {}) {
      mustBeOpen();
      const record = await mustFind(path);
      if ((record.local ?? record.remote)?.content?.kind === "directory")
        throw new TwinfoldError("ERR_INVALID_ARGUMENT", `${path} is a folder, which has no revisions: name a file in it`);
      return await transport.versions({ workspaceId, nodeIds: [record.nodeId], limit }, { signal: within(signal) });
    },

    async restore(path, revision, { signal } = {}) {
      mustBeOpen();
      const record = await mustFind(path);
      const versions = await transport.versions({ workspaceId, nodeIds: [record.nodeId], limit: 100_000 }, { signal: within(signal) });
      const wanted = versions.find((version) => version.revision === revision);
      if (wanted === undefined) {
        throw new TwinfoldError(
          "ERR_NOT_FOUND",
          `${path} has no revision ${revision}: it has ${versions.map((version) => version.revision).join(", ") || "none"}`,
        );
      }
      await follower.exclusively(() => synchronizer.restore(record.nodeId, wanted, within(signal)));
    },

    async check(options = {}) {
      mustBeOpen();
      return await follower.exclusively(() => synchronizer.check({ ...options, signal: within(options.signal) }));
    },

    pause: () => follower.pause(),
    resume: () => follower.resume(),

    async close() {
      closing.abort(new TwinfoldError("ERR_CLOSED", "the replica was closed"));
      await follower.exclusively(async () => {});
    },
  };
}
