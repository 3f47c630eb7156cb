import type { RandomStream } from "./random.js";
import { bytesOf, type SimInode, type SimName } from "./sim-inode.js";
import { createJournal, loseBytes, type NameOperation } from "./sim-journal.js";
import type { SimVolumeState } from "./sim-volume.js";

/** What an inode and its first name take on the disk. */
export const ENTRY_BYTES = 256;

/** A state of its own, equal to this one; no file is open in it. Bytes are shared until one of them writes. */
export function copyState(state: SimVolumeState, hasJournal: boolean): SimVolumeState {
  const copies = new Map<SimInode, SimInode>();

  function copyOf(inode: SimInode): SimInode {
    const known = copies.get(inode);
    if (known !== undefined) return known;
    inode.shared = true;
    const copy: SimInode = { ...inode, opened: 0, entries: new Map(), savedEntries: new Map() };
    copies.set(inode, copy);
    for (const [key, name] of inode.entries) copy.entries.set(key, copyOfName(name));
    for (const [key, name] of inode.savedEntries) copy.savedEntries.set(key, copyOfName(name));
    copy.parent = inode.parent && copyOf(inode.parent);
    copy.savedParent = inode.savedParent && copyOf(inode.savedParent);
    if (inode.unmounted?.how === "empty") copy.unmounted = { how: "empty", shown: copyOf(inode.unmounted.shown) };
    return copy;
  }

  const copyOfName = (name: SimName): SimName => ({ ...name, inode: copyOf(name.inode) });

  const pending = state.journal.pending.map(
    ({ changes, moved }): NameOperation => ({
      changes: changes.map(({ directory, key, before, after }) => ({
        directory: copyOf(directory),
        key,
        before: before && copyOfName(before),
        after: after && copyOfName(after),
      })),
      moved: moved && copyOf(moved),
    }),
  );
  const root = copyOf(state.root);
  return { ...state, root, journal: createJournal({ hasJournal, pending }), usedBytes: usedBytesBelow(root) };
}

/** The state after power was lost: of all that was not durable, what `random` leaves. */
export function stateAfterPowerLoss(state: SimVolumeState, random: RandomStream): SimVolumeState {
  state.journal.losePower(random);
  const met = new Set<SimInode>([state.root]);
  for (const directory of met) {
    if (directory.kind !== "directory") continue;
    directory.unmounted = undefined;
    directory.entries = new Map(directory.savedEntries);
    directory.links = 2;
    for (const { name, inode } of directory.entries.values()) {
      if (!met.has(inode)) {
        inode.links = 0;
        inode.opened = 0;
        if (inode.kind === "file") loseBytes(inode, random);
      }
      met.add(inode);
      inode.parent = directory;
      inode.name = name;
      if (inode.kind === "directory") directory.links += 1;
      else inode.links += 1;
    }
  }
  return { ...state, usedBytes: usedBytesBelow(state.root) };
}

/** Everything that is there is durable, as after `sync`. */
export function saveAll({ root, journal }: SimVolumeState, save: (inode: SimInode) => void): void {
  journal.syncAll();
  const met = new Set<SimInode>([root]);
  for (const inode of met) {
    if (inode.kind === "file" && inode.isDirty) save(inode);
    for (const name of inode.entries.values()) met.add(name.inode);
  }
}

function usedBytesBelow(root: SimInode): number {
  let usedBytes = 0;
  const met = new Set<SimInode>([root]);
  for (const inode of met) {
    if (inode !== root) usedBytes += bytesOf(inode).length + ENTRY_BYTES;
    for (const name of inode.entries.values()) met.add(name.inode);
  }
  return usedBytes;
}
