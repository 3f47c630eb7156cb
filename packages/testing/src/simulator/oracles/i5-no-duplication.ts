import { isConflictName } from "@twinfold/core";
import { heldPayloads, mayHaveBeenApart } from "../apart.js";
import type { Oracle } from "../oracle.js";

/**
 * A payload is at one path, and at one more for each copy that a person made; and in a conflict copy for each device on which somebody renamed it or made
 * it executable: who renames a file and saves another under its name, as editors do, has left that file where it was, to the engine. Where somebody else did
 * something to it meanwhile, it stays there, and what was saved is the conflict copy.
 */
export function noDuplication(): Oracle {
  return {
    id: "I5",
    async onRest(world, fail) {
      if (world.hadSetback) return;
      for (const [device, payloads] of await heldPayloads(world)) {
        for (const [payload, paths] of payloads) {
          const { id, copies, isPassing, touchedBy } = payload;
          const conflictCopies = paths.filter((path) => isConflictName(path.slice(path.lastIndexOf("/") + 1))).length;
          const allowed = 1 + copies + Math.max(Math.min(conflictCopies, touchedBy.size), touchedBy.size > 1 ? 1 : 0);
          if (!isPassing && paths.length > allowed && !mayHaveBeenApart(payload, world))
            fail(`#${id} is at ${paths.length} paths on ${device.name}, with ${copies} copies made: ${paths.join(", ")}`);
        }
      }
    },
  };
}
