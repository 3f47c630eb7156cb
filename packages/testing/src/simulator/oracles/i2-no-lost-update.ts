import { type Oracle, seenPayloads } from "../oracle.js";

/** What nobody replaced or deleted where they could see it is still there, at some path, on every device. */
export function noLostUpdate(): Oracle {
  return {
    id: "I2",
    onRest({ ledger, devices }, fail) {
      for (const device of devices) {
        const seen = seenPayloads(device.folder.entries(), ledger);
        for (const payload of ledger.payloads) {
          if (!payload.isPlaced || payload.isPassing || payload.supersededBy.size > 0 || seen.has(payload)) continue;
          fail(`#${payload.id}, which ${payload.device} wrote to ${payload.path} and nobody replaced or deleted, is not on ${device.name}`);
        }
      }
    },
  };
}
