import { heldPayloads, mayHaveBeenApart } from "../apart.js";
import type { Oracle } from "../oracle.js";

/** A payload is at one path, and at one more for each copy that a person made. */
export function noDuplication(): Oracle {
  return {
    id: "I5",
    async onRest(world, fail) {
      if (world.hadSetback) return;
      for (const [device, payloads] of await heldPayloads(world)) {
        for (const [payload, paths] of payloads) {
          const { id, copies, isPassing } = payload;
          if (!isPassing && paths.length > 1 + copies && !mayHaveBeenApart(payload, world))
            fail(`#${id} is at ${paths.length} paths on ${device.name}, with ${copies} copies made: ${paths.join(", ")}`);
        }
      }
    },
  };
}
