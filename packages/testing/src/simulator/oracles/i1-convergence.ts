import { parsePath } from "@twinfold/core";
import { differencesFromHub, ownFolder } from "../differences.js";
import { readHubTree } from "../hub-tree.js";
import type { Oracle } from "../oracle.js";

/**
 * When everything is mended and at rest, each folder is what the hub's heads say: tree, bytes, exec bits, link targets. So all folders are equal.
 *
 * Each as far as its device is to hold it; of a file that comes when it is asked for the engine says that it is elsewhere.
 */
export function convergence(): Oracle {
  return {
    id: "I1",
    async onRest(world, fail) {
      const hub = await readHubTree(world);
      for (const device of world.devices) {
        const differences = differencesFromHub(device, hub, world.ledger);
        if (differences.length > 0) fail(`the hub and ${device.name} differ:\n${differences.join("\n")}`);
        // A disk that folds case may have something else under that name.
        if (device.spec.onDemandAboveBytes === undefined || device.spec.foldsCase === true) continue;
        const { shown, isDue } = ownFolder(device, hub);
        for (const [path, { content }] of hub.byPath) {
          if (content.kind !== "file" || shown.has(path) || !isDue(path, false)) continue;
          const { state } = (await device.replica?.explain(parsePath(path))) ?? {};
          if (state !== "elsewhere") fail(`${path} is not on ${device.name}, and the engine there calls that ${state}`);
        }
      }
    },
  };
}
