import { heldPayloads, mayHaveBeenApart } from "../apart.js";
import type { Payload } from "../ledger.js";
import type { Oracle } from "../oracle.js";

/**
 * What somebody replaced or deleted does not come back.
 *
 * Not judged: what somebody else renamed, copied or made executable, for that beats a deletion; what came back from the trash or the revisions; what
 * rules or a device's choice may have kept apart; what went from a device whose process had died and that had not looked at its folder again; and worlds
 * in which metadata was put back.
 */
export function noResurrection(): Oracle {
  return {
    id: "I3",
    async onRest(world, fail) {
      if (world.hadSetback) return;
      for (const [device, payloads] of await heldPayloads(world)) {
        for (const [payload, paths] of payloads) {
          const { supersededBy, copies, isPassing, isUnnoted } = payload;
          if (isPassing || isUnnoted || supersededBy.size === 0 || copies > 0 || isTouchedByAnother(payload) || mayHaveBeenApart(payload, world))
            continue;
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
