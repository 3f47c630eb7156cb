import { isConflictName } from "@twinfold/core";
import { type Oracle, seenPayloads } from "../oracle.js";
import type { OpKind } from "../world-plan.js";

/** By them two files of one content come to one name without a conflict of contents. */
const MOVES: ReadonlySet<OpKind> = new Set(["move", "swap", "replace", "copy"]);

/** Who syncs before each edit never meets a conflict; and a conflict copy never has the bytes of the file beside it. */
export function noSpuriousConflict(): Oracle {
  return {
    id: "I4",
    onRest({ plan, ledger, devices, hadSetback }, fail) {
      for (const device of devices) {
        const entries = device.folder.entries();
        if (plan.swarm.calm && !hadSetback) {
          for (const path of entries.keys())
            if (isConflictName(path)) fail(`there is a conflict copy on ${device.name} though nothing was concurrent: ${path}`);
        }
        if (plan.ops.some(({ kind }) => MOVES.has(kind))) continue;
        for (const [{ id }, paths] of seenPayloads(entries, ledger)) {
          const folders = paths.filter((path) => isConflictName(path)).map((path) => path.slice(0, path.lastIndexOf("(conflict")).trimEnd());
          for (const original of folders)
            if (paths.includes(original)) fail(`${original} on ${device.name} has a conflict copy with the same bytes, #${id}`);
        }
      }
    },
  };
}
