import { subscribe } from "node:diagnostics_channel";
import type { Worker } from "node:worker_threads";

/** Threads that this process has started since this module was loaded. */
export const startedThreads: Worker[] = [];

const begun = new Set<() => void>();

/** Resolves when the next thread runs. */
export function nextThread(): Promise<Worker> {
  return new Promise((resolve) => begun.add(() => startedThreads.at(-1)?.once("online", () => resolve(startedThreads.at(-1) as Worker))));
}

subscribe("worker_threads", (message) => {
  startedThreads.push((message as { readonly worker: Worker }).worker);
  for (const tell of begun) tell();
  begun.clear();
});
