import { differencesFromHub } from "../differences.js";
import { readHubTree } from "../hub-tree.js";
import type { Oracle } from "../oracle.js";

/** When everything is mended and at rest, each folder is what the hub's heads say: tree, bytes, exec bits, link targets. So all folders are equal. */
export function convergence(): Oracle {
  return {
    id: "I1",
    async onRest(world, fail) {
      const hub = await readHubTree(world);
      for (const device of world.devices) {
        const differences = differencesFromHub(device, hub, world.ledger);
        if (differences.length > 0) fail(`the hub and ${device.name} differ:\n${differences.join("\n")}`);
      }
    },
  };
}
