import type { Payload } from "../ledger.js";
import { type Oracle, seenPayloads } from "../oracle.js";

/**
 * What somebody replaced or deleted does not come back.
 *
 * Not judged: what somebody else renamed, copied or made executable, for that beats a deletion; and worlds in which metadata was put back.
 */
export function noResurrection(): Oracle {
  return {
    id: "I3",
    onRest({ ledger, devices, hadSetback }, fail) {
      if (hadSetback) return;
      for (const device of devices) {
        for (const [payload, paths] of seenPayloads(device.folder.entries(), ledger)) {
          const { supersededBy, copies, isPassing } = payload;
          if (isPassing || supersededBy.size === 0 || copies > 0 || isTouchedByAnother(payload)) continue;
          fail(`#${payload.id}, which ${[...supersededBy].join(" and ")} replaced or deleted, is at ${paths.join(", ")} on ${device.name}`);
        }
      }
    },
  };
}

/** Somebody else renamed, copied or made executable the file that held it, then or before. */
function isTouchedByAnother(payload: Payload): boolean {
  const { supersededBy } = payload;
  for (let at: Payload | undefined = payload; at !== undefined; at = at.follows) {
    if (at.copies > 0 || [...at.touchedBy].some((toucher) => !supersededBy.has(toucher) || supersededBy.size > 1)) return true;
  }
  return false;
}
