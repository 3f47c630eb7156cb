import type { Link } from "../device/links.js";
import { shownError } from "../output/output.js";
import type { ReplicaPool } from "./replica-pool.js";
import type { FollowOptions } from "./requests.js";

/** The links that a `twinfold sync` follows. */
export interface Followers {
  /** Until `signal` aborts, or nothing is left to follow: then rejects with what stopped the last of them. */
  follow(links: readonly Link[], options: FollowOptions): Promise<void>;
  isActive(): boolean;
  /** A new link: followed too, when all are. */
  added(link: Link): void;
  setPaused(link: Link, paused: boolean): Promise<void>;
  /** Stops following one link. */
  remove(link: Link): Promise<void>;
  /** Follows a link as it is after `change`, when it was followed before; nothing is done with it meanwhile. */
  replace(link: Link, change: () => Promise<Link>): Promise<Link>;
}

interface Follower {
  readonly stopping: AbortController;
  readonly ended: Promise<void>;
}

export function createFollowers(pool: ReplicaPool): Followers {
  const active = new Map<string, Follower>();
  let start: ((link: Link) => void) | undefined;
  let followsAll = false;
  let replacing = 0;
  let tellIdle = (): void => {};
  const tellIfIdle = (): void => {
    if (active.size === 0 && replacing === 0) tellIdle();
  };

  const run = async (link: Link, { confirm, signal, onEvent }: FollowOptions): Promise<void> => {
    const linked = await pool.opened(link);
    const unobserve = linked.observe(onEvent);
    try {
      if (link.paused) linked.replica.pause();
      onEvent?.({ event: "link:followed", link: link.path, fact: { workspace: link.workspace } });
      if (confirm) await linked.sync({ confirm, signal }); // observed above
      await linked.replica.follow({ signal });
    } finally {
      unobserve();
    }
  };

  const remove = async (link: Link): Promise<void> => {
    const follower = active.get(link.path);
    follower?.stopping.abort(new Error(`${link.path} is not linked any more`));
    await follower?.ended;
  };

  return {
    isActive: () => active.size > 0,

    async follow(links, options) {
      let failure: Error | undefined;
      const idle = new Promise<void>((resolve) => {
        tellIdle = resolve;
      });
      start = (link) => {
        const stopping = new AbortController();
        const signal = AbortSignal.any([options.signal, stopping.signal]);
        const ended = run(link, { ...options, signal })
          .catch((error: unknown) => {
            if (signal.aborted) return;
            failure = error instanceof Error ? error : new Error(String(error));
            options.onEvent?.({ event: "link:stopped", link: link.path, fact: shownError(error) });
          })
          .finally(() => {
            active.delete(link.path);
            tellIfIdle();
          });
        active.set(link.path, { stopping, ended });
      };
      followsAll = options.dirs.length === 0;
      for (const link of links) start(link);
      await idle;
      start = undefined;
      if (!options.signal.aborted && failure !== undefined) throw failure;
    },

    added(link) {
      if (followsAll) start?.(link);
    },

    async setPaused(link, paused) {
      if (!active.has(link.path)) return;
      const { replica } = await pool.opened(link);
      if (paused) replica.pause();
      else replica.resume();
    },

    remove,

    async replace(link, change) {
      const wasFollowed = active.has(link.path);
      replacing += 1;
      try {
        await remove(link);
        const changed = await change();
        if (wasFollowed) start?.(changed);
        return changed;
      } finally {
        replacing -= 1;
        tellIfIdle();
      }
    },
  };
}
