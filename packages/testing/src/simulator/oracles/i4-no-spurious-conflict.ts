import { isConflictName } from "@twinfold/core";
import type { Payload } from "../ledger.js";
import { type Oracle, seenPayloads, type WorldView } from "../oracle.js";
import type { OpKind } from "../world-plan.js";

/** By them two files of one content come to one name without a conflict of contents. */
const MOVES: ReadonlySet<OpKind> = new Set(["move", "swap", "replace", "copy", "settle-copy", "resolve", "trash-restore"]);

/**
 * Who syncs before each edit never meets a conflict, unless a disk folds case: there a name may be another node's, which has an alias.
 * A conflict copy never has the bytes of the file beside it; and there are no more copies than pairs of edits of which neither was made after the
 * other, each copy with a part in one.
 */
export function noSpuriousConflict(): Oracle {
  return {
    id: "I4",
    onRest(world, fail) {
      const { plan, ledger, devices, hadSetback } = world;
      for (const device of devices) {
        const entries = device.folder.entries();
        if (plan.swarm.calm && !hadSetback && ledger.ruledNames.size === 0 && !plan.devices.some(({ foldsCase }) => foldsCase)) {
          for (const path of entries.keys())
            if (isConflictName(path)) fail(`there is a conflict copy on ${device.name} though nothing was concurrent: ${path}`);
        }
        const seen = seenPayloads(entries, ledger);
        if (isPlain(world)) judgeCopies(seen, world, (message) => fail(`${message}, on ${device.name}`));
        if (plan.ops.some(({ kind }) => MOVES.has(kind))) continue;
        for (const [payload, paths] of seen) {
          // Somebody may have met another file of that name first, and have written the same bytes there later.
          if (ledger.payloads.some((other) => other !== payload && sharesName(payload, other))) continue;
          const folders = paths.filter((path) => isConflictName(path)).map((path) => path.slice(0, path.lastIndexOf("(conflict")).trimEnd());
          for (const original of folders)
            if (paths.includes(original)) fail(`${original} on ${device.name} has a conflict copy with the same bytes, #${payload.id}`);
        }
      }
    },
  };
}

/** Nothing but edits makes conflicts: every device writes down what it did, and holds everything. */
function isPlain({ plan, ledger, devices, hadSetback }: WorldView): boolean {
  const disksWork = plan.swarm.diskErrors === 0 && plan.faults.every(({ kind }) => !kind.startsWith("disk"));
  return !hadSetback && disksWork && ledger.ruledNames.size === 0 && devices.every(({ isFull }) => isFull);
}

function judgeCopies(seen: ReadonlyMap<Payload, readonly string[]>, { ledger }: WorldView, fail: (message: string) => void): void {
  const copies = [...seen].filter(
    ([payload, paths]) => paths.every((path) => isConflictName(nameOf(path))) && isOfEdits(payload, ledger.shapedNames),
  );
  const pairs = new Set<string>();
  for (const [copy, paths] of copies) {
    const others = ledger.payloads.filter((other) => isConcurrent(copy, other) && sharesName(copy, other));
    if (others.length === 0) fail(`${paths.join(", ")} is a conflict copy of #${copy.id}, and no other edit of that file was concurrent`);
    for (const { id } of others) pairs.add([copy.id, id].sort((a, b) => a - b).join(" "));
  }
  if (copies.length > pairs.size) fail(`there are ${copies.length} conflict copies, and ${pairs.size} pairs of concurrent edits`);
}

/** Whatever became of the file, only edits did. */
function isOfEdits({ isPassing, isRestored, touchedBy, copies, places }: Payload, shapedNames: ReadonlySet<string>): boolean {
  if (isPassing || isRestored || copies > 0 || touchedBy.size > 0) return false;
  return places.every(({ path }) => path.split("/").every((name) => !shapedNames.has(name)));
}

/**
 * Neither was written after the other. Of bytes that several people write, or a program for a moment, nobody can tell; nor can an engine that had not noted
 * what it had put there whether somebody had seen that.
 */
function isConcurrent(a: Payload, b: Payload): boolean {
  if (a === b || !b.isPlaced) return false;
  return b.isPassing || b.isUnnoted || (a.device !== b.device && !a.after.has(b) && !b.after.has(a));
}

function sharesName(a: Payload, b: Payload): boolean {
  const names = new Set(a.places.map(({ path }) => folded(nameOf(path))));
  return b.places.some(({ path }) => names.has(folded(nameOf(path))));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function folded(name: string): string {
  return name.normalize("NFC").toLowerCase();
}
