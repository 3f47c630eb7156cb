import type { Bus } from "../bus/bus.js";
import type { Env } from "../env.js";
import type { WorkspaceId } from "../ids.js";
import type { HubStore } from "../metadata/hub-store.js";
import type { WaitQuery } from "../transport/transport.js";
import { count, type HubCounters } from "./hub-counters.js";

export interface WaiterOptions {
  readonly store: HubStore;
  readonly bus: Bus;
  readonly env: Env;
  readonly counters: HubCounters;
}

/**
 * Holds a call until the journal of one of the workspaces ends elsewhere than at its seq, and gives those of which that is so: it has gone on, or the hub has gone
 * back. Gives none when the time is over or `signal` aborts; neither is an error here.
 */
export function createWaiter({ store, bus, env, counters }: WaiterOptions) {
  return async (queries: readonly WaitQuery[], timeoutMs: number, signal: AbortSignal): Promise<readonly WorkspaceId[]> => {
    const wake = new AbortController();
    const until = AbortSignal.any([wake.signal, signal]);
    const moved = new Set<WorkspaceId>();
    // Listening comes before looking: what is appended between the two is not missed.
    const unsubscribes = queries.map(({ workspaceId, afterSeq }) =>
      bus.subscribe(workspaceId, (seq) => {
        if (seq <= afterSeq) return;
        moved.add(workspaceId);
        wake.abort();
      }),
    );
    count(counters, "waiting");
    try {
      const workspaces = await Promise.all(queries.map(({ workspaceId }) => store.workspace(workspaceId)));
      for (const [index, { workspaceId, afterSeq }] of queries.entries()) if ((workspaces[index]?.headSeq ?? 0) !== afterSeq) moved.add(workspaceId);
      if (moved.size === 0 && !until.aborted) {
        await env.sleep(timeoutMs, until).catch((error: unknown) => {
          if (!until.aborted) throw error;
        });
      }
      return [...moved];
    } finally {
      count(counters, "waiting", -1);
      for (const unsubscribe of unsubscribes) unsubscribe();
    }
  };
}
