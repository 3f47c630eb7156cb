import type { Oracle } from "../oracle.js";

/**
 * Every file is what somebody wrote, whole: never empty, torn, mixed or damaged. At every moment, on every device, but for one that has lost its power
 * and has not looked at its folder since.
 */
export function noInvention(): Oracle {
  const look: Oracle["onLook"] = async ({ ledger, devices }, fail) => {
    for (const device of devices) {
      if (device.isInDoubt) continue;
      for (const [path, entry] of device.folder.entries()) {
        if (entry.kind === "file" && ledger.identify(entry.bytes) === undefined)
          fail(`${path} on ${device.name} holds ${entry.bytes.length} bytes that nobody wrote`);
      }
    }
  };
  return { id: "I7", onLook: look, onRest: look };
}
