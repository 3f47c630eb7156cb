import type { Bus } from "../bus/bus.js";
import type { Env } from "../env.js";
import type { HubStore } from "../metadata/hub-store.js";
import type { WaitQuery } from "../transport/transport.js";
import { count, type HubCounters } from "./hub-counters.js";

export interface WaiterOptions {
  readonly store: HubStore;
  readonly bus: Bus;
  readonly env: Env;
  readonly counters: HubCounters;
}

/** Holds a call until one of the workspaces is past its seq, the time is over or `signal` aborts; none of them is an error here. */
export function createWaiter({ store, bus, env, counters }: WaiterOptions) {
  return async (queries: readonly WaitQuery[], timeoutMs: number, signal: AbortSignal): Promise<void> => {
    const wake = new AbortController();
    const until = AbortSignal.any([wake.signal, signal]);
    // Listening comes before looking: what is appended between the two is not missed.
    const unsubscribes = queries.map(({ workspaceId, afterSeq }) =>
      bus.subscribe(workspaceId, (seq) => {
        if (seq > afterSeq) wake.abort();
      }),
    );
    count(counters, "waiting");
    try {
      const workspaces = await Promise.all(queries.map(({ workspaceId }) => store.workspace(workspaceId)));
      if (workspaces.some((workspace, index) => (workspace?.headSeq ?? 0) > (queries[index]?.afterSeq ?? 0))) return;
      if (until.aborted) return;
      await env.sleep(timeoutMs, until).catch((error: unknown) => {
        if (!until.aborted) throw error;
      });
    } finally {
      count(counters, "waiting", -1);
      for (const unsubscribe of unsubscribes) unsubscribe();
    }
  };
}
