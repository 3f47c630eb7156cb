/**
 * Those who are measured, by name; `program` is installed with the package `debian` where it is missing. Each opens a pair of folders, A with files and B empty, with everything in place that comes before the
 * clock, and gives what it can do with them:
 *
 * - `pass()`: brings what is new in A to B once, and resolves when it is there. A backup takes a snapshot of A instead. `begin()` comes before the
 *   first one where it is not a pass like others; `settled()` resolves when late messages have been said too.
 * - `follow()`: starts processes that keep the folders in step from then on. `watches`: they do so when a file changes, without being told.
 * - `startSource()`, `startReceiver()`: the two sides apart; the receiver's process can be killed and started again.
 * - `wire()`: bytes that have crossed each device's sockets so far, for a pair that was opened `counted`.
 * - `storedBytes()`: what the store takes. `close()`: ends and removes everything.
 */
import { borg, restic } from "./competitors/backups.mjs";
import { rsync, rsyncCompressed, rsyncInPlace } from "./competitors/rsync.mjs";
import { syncthing } from "./competitors/syncthing.mjs";
import { twinfold } from "./competitors/twinfold.mjs";
import { unison } from "./competitors/unison.mjs";

export const COMPETITORS = Object.fromEntries(
  [twinfold, syncthing, rsync, rsyncCompressed, rsyncInPlace, unison, restic, borg].map((competitor) => [competitor.name, competitor]),
);
