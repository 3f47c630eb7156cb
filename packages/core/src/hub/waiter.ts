import type { Bus } from "../bus/bus.js";
import type { Env } from "../env.js";
import type { WorkspaceId } from "../ids.js";
import type { HubStore } from "../metadata/hub-store.js";
import { MAX_KNOWN_DRAFTS, MAX_TOLD_ENTRIES } from "../transport/messages.js";
import type { DraftNews, DraftsQuery, WaitAnswer, WaitQuery } from "../transport/transport.js";
import { count, type HubCounters } from "./hub-counters.js";

export interface WaiterOptions {
  readonly store: HubStore;
  readonly bus: Bus;
  readonly env: Env;
  readonly counters: HubCounters;
  /** What open drafts have that the asker does not know. */
  readonly newsOf: (query: DraftsQuery) => Promise<readonly DraftNews[]>;
}

export interface WaitRequest {
  readonly workspaces: readonly WaitQuery[];
  readonly drafts: readonly DraftsQuery[];
  readonly timeoutMs: number;
}

/**
 * Holds a call until the journal of one of the workspaces ends elsewhere than at its seq, and gives those of which that is so: it has gone on, or the hub has gone
 * back. While none does, what is new of drafts ends it too. Gives nothing when the time is over or `signal` aborts; neither is an error here.
 */
export function createWaiter({ store, bus, env, counters, newsOf }: WaiterOptions) {
  async function drafts(queries: readonly DraftsQuery[]): Promise<readonly DraftNews[]> {
    const found: DraftNews[] = [];
    let entries = 0;
    for (const query of queries) {
      for (const news of await newsOf(query)) {
        entries += news.grown?.entries.length ?? 0;
        // The rest is told at the next call: it is not known then either.
        if (found.length === MAX_KNOWN_DRAFTS || entries > MAX_TOLD_ENTRIES) return found;
        found.push(news);
      }
    }
    return found;
  }

  return async (request: WaitRequest, signal: AbortSignal): Promise<WaitAnswer> => {
    const wake = new AbortController();
    let look = new AbortController();
    const moved = new Set<WorkspaceId>();
    // Listening comes before looking: what is appended between the two is not missed.
    const unsubscribes = request.workspaces.map(({ workspaceId, afterSeq }) =>
      bus.subscribe(workspaceId, (seq) => {
        if (seq <= afterSeq) return look.abort();
        moved.add(workspaceId);
        wake.abort();
      }),
    );
    const untilMs = env.monotonicMs() + request.timeoutMs;
    count(counters, "waiting");
    try {
      const workspaces = await Promise.all(request.workspaces.map(({ workspaceId }) => store.workspace(workspaceId)));
      for (const [index, { workspaceId, afterSeq }] of request.workspaces.entries()) {
        if ((workspaces[index]?.headSeq ?? 0) !== afterSeq) moved.add(workspaceId);
      }
      while (moved.size === 0 && !signal.aborted) {
        look = new AbortController();
        const found = await drafts(request.drafts);
        if (moved.size > 0 || signal.aborted) break;
        if (found.length > 0) return { moved: [], drafts: found };
        const until = AbortSignal.any(request.drafts.length === 0 ? [wake.signal, signal] : [wake.signal, look.signal, signal]);
        await env.sleep(untilMs - env.monotonicMs(), until).catch((error: unknown) => {
          if (!until.aborted) throw error;
        });
        if (!look.signal.aborted) break;
      }
      return { moved: [...moved] };
    } finally {
      count(counters, "waiting", -1);
      for (const unsubscribe of unsubscribes) unsubscribe();
    }
  };
}
