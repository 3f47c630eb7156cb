import type { NodeId } from "../../ids.js";
import type { LocalPath } from "../../names.js";
import type { ScanWrites } from "./scan-writes.js";
import type { Level } from "../scope/scope.js";

/** Called between two directories: but for what is not written yet, nothing of the look is in the making then. */
export type Between = (writes: Pick<ScanWrites, "seen" | "flush">) => Promise<void>;

/** One scan: how it is made, and what it has come to so far. */
export interface Scan {
  /** The folder is not the one that was looked at before, though it is marked alike. */
  readonly isReplaced: boolean;
  /** Somebody has said that the folder may be empty. */
  readonly isEmptyExpected: boolean;
  readonly signal: AbortSignal | undefined;
  readonly between: Between | undefined;
  /** Directories to be looked at again after a pause. */
  readonly unsettled: Set<LocalPath>;
  /** Entries that the local tree has. */
  entries: number;
  /** Entries that rules leave alone; a directory counts once. */
  ignored: number;
  /** Something could not be read. */
  isPartlyUnread: boolean;
}

/** A directory to look at. */
export interface Place {
  readonly path: LocalPath;
  readonly nodeId: NodeId;
  /** All below it too. */
  readonly deep: boolean;
}

/** One to which the scan has found the way, and what it has learned on it. */
export interface FoundPlace extends Place {
  readonly level: Level;
  /** It was not here at the last look. */
  readonly isNew: boolean;
}

/** What rules have done that a scan, or the next one when it is broken off, has still to follow up. */
export interface RuleNews {
  /** Directories whose rules are others than before, and all below which is to be looked at again. */
  readonly reruled: Map<NodeId, LocalPath>;
  /** Some directory has other rules than before. */
  isReruled: boolean;
  /** What was excluded by its place here is, or may be, at another at the hub by now. */
  hasExcludedByOldPlace: boolean;
}
