import type { LinkEvent } from "../daemon/requests.js";
import { formatBytes } from "./format.js";

export interface Progress {
  readonly observe: (event: LinkEvent) => void;
  /** Takes it off the screen. */
  stop(): void;
}

type Transfer = Extract<LinkEvent, { readonly event: "transfer:progressed" }>["fact"];

/** A bar of the bytes and files of all links in both directions, on a terminal; nothing elsewhere. */
export async function createProgress(stream: NodeJS.WriteStream, enabled: boolean): Promise<Progress> {
  if (!enabled || !stream.isTTY) return { observe: () => {}, stop: () => {} };
  const { Presets, SingleBar } = await import("cli-progress");
  const bar = new SingleBar(
    // The command itself stops on signals, and takes the bar away.
    { format: "{what} [{bar}] {percentage}% {detail}", stream, clearOnComplete: true, hideCursor: true, gracefulExit: false },
    Presets.shades_classic,
  );
  const transfers = new Map<string, Transfer>();
  let scanned = 0;
  let started = false;

  const show = (value: number, total: number, what: string, detail: string): void => {
    if (!started) bar.start(total, value, { what, detail });
    started = true;
    bar.setTotal(total);
    bar.update(value, { what, detail });
  };

  return {
    observe(event) {
      if (event.event === "scan:progressed") {
        scanned = event.fact.entries;
        if (transfers.size === 0) show(0, 1, "Looking", `${scanned} entries`);
      } else if (event.event === "transfer:progressed") {
        transfers.set(`${event.fact.direction} ${event.link}`, event.fact);
        const all = [...transfers.values()];
        const sum = (count: (transfer: Transfer) => number): number => all.reduce((total, transfer) => total + count(transfer), 0);
        const [done, total] = [sum((one) => one.doneBytes), sum((one) => one.totalBytes)];
        const files = `${sum((one) => one.doneFiles)}/${sum((one) => one.totalFiles)} files`;
        show(done, total, "Syncing", `${files}, ${formatBytes(done)} of ${formatBytes(total)}`);
      }
    },
    stop() {
      if (started) bar.stop();
      started = false;
    },
  };
}
