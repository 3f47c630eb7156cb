import type { Bus } from "../bus/bus.js";
import type { Env } from "../env.js";
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

const CHANGES: WaitAnswer = { kind: "changes" };

/**
 * Holds a call until one of the workspaces is past its seq, drafts have something new, the time is over or `signal` aborts; none of them is an error
 * here. A journal that has moved comes first.
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
    // Listening comes before looking: what is appended between the two is not missed.
    const unsubscribes = request.workspaces.map(({ workspaceId, afterSeq }) =>
      bus.subscribe(workspaceId, (seq) => {
        if (seq > afterSeq) wake.abort();
        else look.abort();
      }),
    );
    const untilMs = env.monotonicMs() + request.timeoutMs;
    count(counters, "waiting");
    try {
      const workspaces = await Promise.all(request.workspaces.map(({ workspaceId }) => store.workspace(workspaceId)));
      if (workspaces.some((workspace, index) => (workspace?.headSeq ?? 0) > (request.workspaces[index]?.afterSeq ?? 0))) return CHANGES;
      for (;;) {
        look = new AbortController();
        const found = await drafts(request.drafts);
        if (wake.signal.aborted || signal.aborted) return CHANGES;
        if (found.length > 0) return { kind: "drafts", drafts: found };
        const leftMs = untilMs - env.monotonicMs();
        const until = AbortSignal.any(request.drafts.length === 0 ? [wake.signal, signal] : [wake.signal, look.signal, signal]);
        await env.sleep(leftMs, until).catch((error: unknown) => {
          if (!until.aborted) throw error;
        });
        if (!look.signal.aborted) return CHANGES;
      }
    } finally {
      count(counters, "waiting", -1);
      for (const unsubscribe of unsubscribes) unsubscribe();
    }
  };
}
