import { isConflictName } from "@twinfold/core";
import { heldPayloads, mayHaveBeenApart } from "../apart.js";
import { IGNORE_FILE } from "../held.js";
import type { Ledger, Payload } from "../ledger.js";
import type { Oracle, WorldView } from "../oracle.js";

/**
 * What somebody replaced or deleted does not come back.
 *
 * Not judged: what somebody else renamed, copied or made executable, for that beats a deletion; what came back from the trash or the revisions; rules,
 * which come back with the directory that something new in it keeps; what rules or a device's choice may have kept apart; what went from a device whose
 * process had died, or whose disk had failed, and that had not ended a pass without it since; and worlds in which metadata was put back.
 */
export function noResurrection(): Oracle {
  return {
    id: "I3",
    async onRest(world, fail) {
      if (world.hadSetback) return;
      for (const [device, payloads] of await heldPayloads(world)) {
        for (const [payload, paths] of payloads) {
          const { supersededBy, copies, isPassing, isUnnoted } = payload;
          if (
            isPassing ||
            isUnnoted ||
            supersededBy.size === 0 ||
            copies > 0 ||
            paths.every((path) => path.endsWith(`/${IGNORE_FILE}`) || isUnchosenCopy(path, world) || isOutOfReach(path, payload, world)) ||
            isTouchedByAnother(payload, world.ledger) ||
            mayHaveBeenApart(payload, world)
          )
            continue;
          fail(`#${payload.id}, which ${[...supersededBy].join(" and ")} replaced or deleted, is at ${paths.join(", ")} on ${device.name}`);
        }
      }
    },
  };
}

/** True of a conflict copy, at the top, of a file that somebody chose by its name: whoever did so does not hold the copy. */
function isUnchosenCopy(path: string, { devices }: WorldView): boolean {
  return isConflictName(path) && devices.some(({ spec }) => spec.only !== undefined && !spec.only.includes(path));
}

/** True of what stands, moved there with its directory, where a device that replaced or deleted it holds nothing: its deletion was none of the hub's business. */
function isOutOfReach(path: string, { supersededBy }: Payload, { devices }: WorldView): boolean {
  const [top = ""] = path.split("/");
  return devices.some(({ name, spec }) => supersededBy.has(name) && spec.only !== undefined && !spec.only.includes(top));
}

/** Somebody else renamed, copied or made executable the file that held it: then or before, or while another version was in it on that device. */
function isTouchedByAnother(payload: Payload, { payloads }: Ledger): boolean {
  const { supersededBy } = payload;
  const isTouched = ({ copies, touchedBy }: Payload): boolean =>
    copies > 0 || [...touchedBy].some((toucher) => !supersededBy.has(toucher) || supersededBy.size > 1);
  const before = new Set(versionsOf(payload));
  return payloads.some((other) => {
    const versions = versionsOf(other);
    return versions.some((version) => before.has(version)) && versions.some(isTouched);
  });
}

/** What the files that held it have held until then. */
function versionsOf(payload: Payload): readonly Payload[] {
  const versions = new Set([payload]);
  for (const version of versions) for (const before of version.follows) versions.add(before);
  return [...versions];
}
