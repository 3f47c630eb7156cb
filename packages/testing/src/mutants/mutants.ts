import type { Mutant } from "./mutant.js";
import { ofChunks } from "./of-chunks.js";
import { ofCommits } from "./of-commits.js";
import { ofDisk } from "./of-disk.js";
import { ofJournal } from "./of-journal.js";
import { ofReplica } from "./of-replica.js";
import { ofTree } from "./of-tree.js";

const EACH = { ...ofCommits, ...ofJournal, ...ofChunks, ...ofReplica, ...ofTree, ...ofDisk };

export type MutantId = keyof typeof EACH;

/** The bugs that the simulator must find, by name. */
export const mutants: Readonly<Record<MutantId, Mutant>> = EACH;

export const mutantIds = Object.keys(EACH) as readonly MutantId[];

/** @throws {Error} for what is the name of none. */
export function parseMutantId(text: string): MutantId {
  const found = mutantIds.find((id) => id === text);
  if (found === undefined) throw new Error(`there is no mutant ${JSON.stringify(text)}; there are ${mutantIds.join(", ")}`);
  return found;
}
