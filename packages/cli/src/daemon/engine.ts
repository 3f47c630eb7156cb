import { createReadStream, existsSync } from "node:fs";
import { join } from "node:path";
import { type Conflict, isTwinfoldError, TwinfoldError } from "@twinfold/core";
import type { Device } from "../device/device.js";
import { canonicalFolder, type Link, mustFindLink, mustFindPath, readLinks, writeLinks } from "../device/links.js";
import { localFailure } from "../device/local-failure.js";
import { shownError } from "../output/output.js";
import { createFollowers } from "./followers.js";
import type { LinkedReplica } from "./linked-replica.js";
import { changeScope, createLink, removeLink } from "./linking.js";
import { createReplicaPool } from "./replica-pool.js";
import type {
  Answer,
  Ask,
  ConflictInfo,
  FollowOptions,
  LinkName,
  LinkOutcome,
  LinkStatus,
  Method,
  RequestOptions,
  RequestTarget,
} from "./requests.js";

/** Owns this device's replicas, for as long as its process has the lock. */
export interface Engine extends RequestTarget {
  /**
   * Follows the named links, or all of them and those made meanwhile, until `signal` aborts.
   *
   * @throws {TwinfoldError} what stopped the last of them, when none is left to follow.
   */
  follow(options: FollowOptions): Promise<void>;
  close(): Promise<void>;
}

type Answering = { readonly [Name in Method]: (ask: Ask<Name>, options: RequestOptions) => Promise<Answer<Name>> };

export async function createEngine({ home, env }: Device): Promise<Engine> {
  const pool = await createReplicaPool({ home, env });
  const followers = createFollowers(pool);

  /** The links that `dirs` name, each once; all of them when it names none. */
  const selected = async (dirs: readonly string[]): Promise<readonly Link[]> => {
    const links = await readLinks(home);
    if (dirs.length === 0) return links;
    return [...new Set(await Promise.all(dirs.map((dir) => mustFindLink(links, dir))))];
  };
  const mustSelect = async (dirs: readonly string[]): Promise<readonly Link[]> => {
    const links = await selected(dirs);
    if (links.length === 0) throw new TwinfoldError("ERR_NOT_FOUND", "no folder is linked on this device: run `twinfold link DIR` first");
    return links;
  };
  const replicaAt = async (path: string) => {
    const { link, localPath } = await mustFindPath(await readLinks(home), path);
    return { link, localPath, linked: await pool.opened(link) };
  };

  const answering: Answering = {
    async link(ask, { signal }) {
      const folder = await canonicalFolder(ask.dir);
      const linked = (await readLinks(home)).find(({ path, workspace }) => path === folder && (ask.workspace ?? workspace) === workspace);
      if (linked !== undefined && ask.scope !== undefined) {
        const { scope } = ask;
        return { ...nameOf(await followers.replace(linked, () => changeScope(linked, scope, { home, pool }))), created: false, changed: true };
      }
      const { link, created } = await createLink(ask, { home, pool, signal });
      followers.added(link);
      return { ...nameOf(link), created, changed: false };
    },

    async unlink({ dir }) {
      const link = await mustFindLink(await readLinks(home), dir);
      await followers.remove(link);
      await removeLink(link, { home, pool });
      return nameOf(link);
    },

    async sync({ dirs, confirm, limits }, options) {
      if (limits !== undefined && followers.isActive()) {
        throw new TwinfoldError("ERR_IN_USE", "`twinfold sync` runs already, with limits of its own: change them with `twinfold limits`");
      }
      pool.limits.apply(limits ?? {});
      const links = await mustSelect(dirs);
      return await pool.sideBySide(links.map((link) => () => outcomeOf(link, options, (linked) => linked.sync({ ...options, confirm }))));
    },

    limits: (change) => pool.limits.keep(change),

    plan: async ({ dirs }, options) => await each(await mustSelect(dirs), options, ({ replica }) => replica.plan({ signal: options.signal })),

    check: async ({ dirs, repair, deep }, options) =>
      await each(await mustSelect(dirs), options, async ({ replica }) => {
        await replica.checkRoot();
        return await replica.check({ repair, deep, signal: options.signal });
      }),

    conflicts: async ({ dirs }, options) =>
      await each(await selected(dirs), options, async ({ replica }, link) => {
        await replica.checkRoot();
        const conflicts = (await replica.conflicts({ signal: options.signal })).map((conflict) => conflictInfo(conflict, link));
        return { copies: conflicts.map(({ copy }) => copy), conflicts };
      }),

    trash: async ({ dirs }, options) =>
      await each(await selected(dirs), options, async ({ replica }, link) => ({
        items: (await replica.listTrash()).map((item) => ({ ...item, path: join(link.path, item.path) })),
      })),

    async restoreFromTrash({ path, trashId }, options) {
      const { link, localPath, linked } = await replicaAt(path);
      const all = await linked.replica.listTrash();
      const item = all.findLast((one) => one.path === localPath && (trashId === undefined || one.trashId === trashId));
      // Of a folder its files are kept, each for itself: the newest of each comes back that nothing stands in the place of.
      const inside = new Map(all.filter((one) => one.path.startsWith(`${localPath}/`) && one.reason === "removed").map((one) => [one.path, one]));
      const missing = [...inside.values()].filter((one) => !existsSync(join(link.path, one.path)));
      const wanted = item !== undefined ? [item] : trashId === undefined ? missing : [];
      if (wanted.length === 0) {
        const which = trashId === undefined ? "nothing" : `nothing with the id ${trashId}`;
        throw new TwinfoldError("ERR_NOT_FOUND", `the trash holds ${which} that was at ${path}: \`twinfold trash\` lists what it holds`);
      }
      const restored: string[] = [];
      for (const one of wanted) restored.push(join(link.path, await linked.replica.restoreFromTrash(one.trashId)));
      try {
        return { restored, sync: await linked.sync({ ...options, confirm: false }) };
      } catch (error) {
        if (!isTwinfoldError(error) || !error.retryable) throw error;
        return { restored, sync: null }; // it is back, and goes up when the server is in reach
      }
    },

    async resolve({ path, keep }, options) {
      const { link, localPath, linked } = await replicaAt(path);
      const { signal } = options;
      const { kept } = await linked.replica.resolveConflict(localPath, typeof keep === "string" ? keep : fileBytes(keep.file), { signal });
      return { kept: kept.map((one) => join(link.path, one)), sync: await linked.sync({ ...options, confirm: false }) };
    },

    async status({ dirs }) {
      const links = await Promise.all((await selected(dirs)).map(statusOf));
      const sum = (count: (link: LinkStatus) => number): number => links.reduce((total, link) => total + count(link), 0);
      const { inForce, bandwidth } = pool.limits;
      return {
        running: followers.isActive(),
        bytesSent: sum((link) => link.bytesSent),
        bytesReceived: sum((link) => link.bytesReceived),
        limits: inForce,
        throttledMs: Math.round(bandwidth.throttledMs),
        links,
      };
    },

    async setPaused({ dirs, paused }) {
      const chosen = await selected(dirs);
      const paths = new Set(chosen.map(({ path }) => path));
      await writeLinks(
        home,
        (await readLinks(home)).map((link) => (paths.has(link.path) ? { ...link, paused } : link)),
      );
      for (const link of chosen) await followers.setPaused(link, paused);
      return chosen.map(nameOf);
    },

    async explain({ path }) {
      const { link, localPath, linked } = await replicaAt(path);
      await linked.replica.checkRoot();
      return { ...(await linked.replica.explain(localPath)), link: nameOf(link) };
    },

    async get({ path }, options) {
      const { localPath, linked } = await replicaAt(path);
      return await linked.get(localPath, options);
    },

    async free({ path }, { signal }) {
      const { localPath, linked } = await replicaAt(path);
      return await linked.replica.free(localPath, { signal });
    },

    async revisions({ path, limit }, { signal }) {
      const { localPath, linked } = await replicaAt(path);
      const revisions = await linked.replica.revisions(localPath, { limit, signal });
      return revisions.map(({ revision, atMs, sizeBytes, deviceId, deviceName }) => ({ revision, atMs, sizeBytes, deviceId, deviceName }));
    },

    async restore({ path, revision }, options) {
      const { localPath, linked } = await replicaAt(path);
      await linked.replica.restore(localPath, revision, { signal: options.signal });
      return await linked.sync({ ...options, confirm: false });
    },
  };

  type Use<T> = (linked: LinkedReplica, link: Link) => Promise<T>;
  /** What stands in the way of one link does not stop the others. */
  const outcomeOf = async <T>(link: Link, { signal }: RequestOptions, use: Use<T>): Promise<LinkOutcome<T>> => {
    try {
      return { ...nameOf(link), ...(await use(await pool.opened(link), link)) };
    } catch (error) {
      signal.throwIfAborted();
      return { ...nameOf(link), error: shownError(error) };
    }
  };
  /** One after the other. */
  const each = async <T>(links: readonly Link[], options: RequestOptions, use: Use<T>): Promise<ReadonlyArray<LinkOutcome<T>>> => {
    const outcomes: Array<LinkOutcome<T>> = [];
    for (const link of links) outcomes.push(await outcomeOf(link, options, use));
    return outcomes;
  };

  const statusOf = async (link: Link): Promise<LinkStatus> => {
    try {
      const { replica, usage } = await pool.opened(link);
      const rootProblem = await replica.checkRoot().then(
        () => undefined,
        (error: unknown) => shownError(error).message,
      );
      const { bytesSent, bytesReceived } = usage();
      const {
        state,
        nodes,
        pending,
        oldestUnsyncedMs,
        lastInSyncAtMs,
        skipped,
        aliased,
        awaitingConfirmation,
        ignored,
        excluded,
        elsewhere,
        problem,
      } = await replica.status();
      return {
        ...nameOf(link),
        state: link.paused ? "paused" : state,
        nodes,
        pending,
        oldestUnsyncedMs: oldestUnsyncedMs ?? null,
        lastInSyncAtMs: lastInSyncAtMs ?? null,
        ignored,
        excluded,
        elsewhere,
        skipped,
        aliased,
        awaitingConfirmation,
        bytesSent,
        bytesReceived,
        problem: rootProblem ?? problem ?? null,
      };
    } catch (error) {
      const unknown = {
        nodes: 0,
        pending: 0,
        ignored: 0,
        excluded: 0,
        elsewhere: 0,
        oldestUnsyncedMs: null,
        lastInSyncAtMs: null,
        bytesSent: 0,
        bytesReceived: 0,
        skipped: [],
        aliased: [],
        awaitingConfirmation: null,
      };
      return { ...nameOf(link), state: "stopped", ...unknown, problem: shownError(error).message };
    }
  };

  return {
    request: (name, ask, options) => answering[name](ask, options),
    async follow(options) {
      pool.limits.apply(options.limits ?? {});
      await followers.follow(await mustSelect(options.dirs), options);
    },
    close: () => pool.close(),
  };
}

function conflictInfo({ path, copy, proven, device, atMs, mine, theirs, base }: Conflict, link: Link): ConflictInfo {
  const absolute = (version: Conflict["mine"]): string | null => (version?.path === undefined ? null : join(link.path, version.path));
  return {
    path: join(link.path, path),
    copy: join(link.path, copy),
    proven,
    device,
    atMs,
    mine: absolute(mine),
    theirs: absolute(theirs),
    hasBase: base !== undefined,
  };
}

async function* fileBytes(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const piece of createReadStream(path)) yield new Uint8Array(piece as Buffer);
  } catch (cause) {
    throw localFailure(`read ${path}`, cause);
  }
}

function nameOf({ path, workspace, workspaceId }: Link): LinkName {
  return { path, workspace, workspaceId };
}
