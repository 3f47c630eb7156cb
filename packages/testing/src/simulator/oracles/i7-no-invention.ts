import { ownFolder } from "../differences.js";
import { readHubTree } from "../hub-tree.js";
import type { Oracle } from "../oracle.js";

/**
 * Every file is what somebody wrote, whole: never empty, torn, mixed or damaged. At every moment, on every device, but for one that has lost its power
 * and has not looked at its folder since; and but for what such a device does not hold, for rules took it away before anybody had looked at it again, or says that
 * it cannot mend yet.
 */
export function noInvention(): Oracle {
  const look: Oracle["onLook"] = async (world, fail) => {
    for (const device of world.devices) {
      if (device.isInDoubt) continue;
      const unknown = [...device.folder.entries()].filter(([, entry]) => entry.kind === "file" && world.ledger.identify(entry.bytes) === undefined);
      if (unknown.length === 0) continue;
      const held = device.hasLostPower ? ownFolder(device, await readHubTree(world)).held : undefined;
      for (const [path, entry] of unknown) {
        if (device.hasLostPower && device.skipped.has(path)) continue;
        if (entry.kind === "file" && held?.has(path) !== false) fail(`${path} on ${device.name} holds ${entry.bytes.length} bytes that nobody wrote`);
      }
    }
  };
  return { id: "I7", onLook: look, onRest: look };
}
