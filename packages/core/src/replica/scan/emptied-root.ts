import { TwinfoldError } from "../../errors.js";
import { ROOT_PATH } from "../../names.js";
import type { ReplicaParts } from "../replica-parts.js";
import type { Trees } from "../trees/trees.js";

/** Entries from which on a folder that is empty all at once is not believed. */
const FULL = 10;

/** Empty after it was full: a disk that is not mounted, or a folder whose content was moved away, rather than deletions. Called of a folder that is empty now. */
export async function mustNotBeEmptied(trees: Trees): Promise<void> {
  if ((await trees.localChildren(trees.state.rootNodeId)).length === 0) return;
  if ((await trees.countUpTo(FULL, "here")) < FULL) return;
  throw new TwinfoldError(
    "ERR_ROOT_EMPTIED",
    `the folder is empty, and had ${FULL} entries or more: put them back, or say with \`sync --confirm\` that they are to be removed everywhere`,
  );
}

/** Rejects when the root is not there, not ours, or emptied. Changes nothing. */
export async function checkRoot({ tree, trees }: Pick<ReplicaParts, "tree" | "trees">): Promise<void> {
  await tree.check();
  const { entries, problems } = await tree.list(ROOT_PATH);
  if (entries.length + problems.length === 0) await mustNotBeEmptied(trees);
}
