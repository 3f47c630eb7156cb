import { type Oracle, seenPayloads } from "../oracle.js";

/** A payload is at one path, and at one more for each copy that a person made. */
export function noDuplication(): Oracle {
  return {
    id: "I5",
    onRest({ ledger, devices, hadSetback }, fail) {
      if (hadSetback) return;
      for (const device of devices) {
        for (const [{ id, copies, isPassing }, paths] of seenPayloads(device.folder.entries(), ledger)) {
          if (!isPassing && paths.length > 1 + copies)
            fail(`#${id} is at ${paths.length} paths on ${device.name}, with ${copies} copies made: ${paths.join(", ")}`);
        }
      }
    },
  };
}
