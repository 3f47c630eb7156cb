import { payloadsApart } from "../apart.js";
import { ownFolder } from "../differences.js";
import { readHubTree } from "../hub-tree.js";
import type { Payload } from "../ledger.js";
import { type Oracle, seenPayloads } from "../oracle.js";

/**
 * What nobody replaced or deleted where they could see it is still there, at some path, on every device that is to hold it.
 *
 * What stands apart on one device is not missing on the others, and what the hub has and a device does not hold is not missing there.
 */
export function noLostUpdate(): Oracle {
  return {
    id: "I2",
    async onRest(world, fail) {
      const { ledger, devices, hub, hadSetback } = world;
      const tree = await readHubTree(world);
      const apart = await payloadsApart(world);
      const isJudged = ({ isPlaced, isPassing, supersededBy, isFreed, isRestored }: Payload): boolean =>
        // A hub that was put back may have had the only copy of what a device let go of; and what came back may look stale to it.
        isPlaced && !isPassing && supersededBy.size === 0 && !(isFreed && hub.restores > 0) && !(isRestored && hadSetback);
      for (const device of devices) {
        const seen = seenPayloads(device.folder.entries(), ledger);
        for (const payload of ledger.payloads) {
          if (!isJudged(payload) || seen.has(payload) || apart.has(payload)) continue;
          const { isDue } = ownFolder(device, tree);
          const isElsewhere = [...tree.byPath].some(
            ([path, { content }]) =>
              content.kind === "file" &&
              (device.spec.onDemandAboveBytes !== undefined || !isDue(path, false)) &&
              content.manifestId === ledger.manifestIdOfPayload(payload),
          );
          if (isElsewhere) continue;
          fail(`#${payload.id}, which ${payload.device} wrote to ${payload.path} and nobody replaced or deleted, is not on ${device.name}`);
        }
      }
    },
  };
}
