import { decode, journalRowCodec } from "@twinfold/core";
import type { Oracle, WorldView } from "../oracle.js";
import type { SimDevice } from "../sim-device.js";

/** Removals that are done unasked: 25, or a fifth of the nodes but at most 1,000, whichever is more. */
const LEAST = 25;
const SHARE = 0.2;
const MOST = 1_000;

/**
 * Between two moments at which a device is in sync, the engine there removes no more files than the brake lets it, here and at the hub together, without
 * a yes; and it asks for none when people have removed no more than that.
 */
export function brake(): Oracle {
  const removed = new Map<SimDevice, { count: number; setbacks: number }>();
  let limit = LEAST;

  function count(device: SimDevice, fail: (message: string) => void): void {
    const before = removed.get(device);
    // What it counted went with its metadata.
    const since = before?.setbacks === device.setbacks ? before : { count: 0, setbacks: device.setbacks };
    since.count += 1;
    removed.set(device, since);
    if (since.count === Math.floor(limit) + 1) fail(`${device.name} has removed ${since.count} files since it was last in sync, and nobody said yes`);
  }

  return {
    id: "I15",
    async onAppended({ workspaceId, rows }, { hub, devices }, fail) {
      limit = Math.max(limit, Math.min(MOST, SHARE * (await hub.store.nodesSince(workspaceId, 0, Number.MAX_SAFE_INTEGER)).length));
      for (const change of rows) {
        if (change.table !== "journal") continue;
        const { head, deviceId } = decode(journalRowCodec, change.row.body);
        const device = devices.find((each) => each.deviceId === deviceId);
        if (head.deleted && head.content.kind !== "directory" && device !== undefined && !device.isAllowed) count(device, fail);
      }
    },
    onTakenAway(device, fail) {
      // What moves to where a device holds nothing leaves its disk, and is no removal.
      if (device.isFull) count(device, fail);
    },
    onReport(device, { inSync, awaitingConfirmation }, world, fail) {
      if (inSync) removed.delete(device);
      const { removals } = world.ledger;
      if (awaitingConfirmation !== null && removals <= LEAST && isPlain(world))
        fail(`${device.name} waits for a yes to ${awaitingConfirmation.removals} removals, and people removed ${removals} files in all`);
    },
  };
}

/** Nothing but what people do takes files away: no metadata or rules that make others of them. */
function isPlain({ ledger, devices, hadSetback }: WorldView): boolean {
  return !hadSetback && ledger.ruledNames.size === 0 && devices.every(({ isFull }) => isFull);
}
