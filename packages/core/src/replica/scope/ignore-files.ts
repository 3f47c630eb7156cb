import { isTwinfoldError } from "../../errors.js";
import type { NodeId } from "../../ids.js";
import { MAX_IGNORE_FILE_BYTES, parseRules, Rules } from "../../ignore/rules.js";
import { sameStat } from "../../local/expected.js";
import type { LocalEntry, LocalStat, LocalTree } from "../../local/local-tree.js";
import { IGNORE_FILE, joinPath, type LocalPath, type NodeName } from "../../names.js";
import type { EmptiedFiles } from "../scan/emptied-files.js";
import { isRacy, TICK_MS } from "../disk/racy-stat.js";
import type { ReplicaParts } from "../replica-parts.js";

/** The rules of a directory as it was just listed. `unknown`: they are being written, and this process has never read them. */
export type RulesSeen = { readonly rules: Rules | undefined; readonly isReruled: boolean } | "unknown";

interface IgnoreFilesOptions extends Pick<ReplicaParts, "tree" | "env" | "scope"> {
  readonly emptied: EmptiedFiles;
  readonly onProblem: (path: LocalPath, problem: string) => void;
}

/** The ignore files of the disk: each is read when it is first met, and again when its stat is another. */
export class IgnoreFiles {
  readonly #options: IgnoreFilesOptions;
  /** Those whose rules are known, as they were when they were read, by their directory. */
  readonly #read = new Map<NodeId, LocalStat>();

  constructor(options: IgnoreFilesOptions) {
    this.#options = options;
  }

  /** `isKnown`: the local tree has an ignore file in this directory. */
  async rulesIn(path: LocalPath, nodeId: NodeId, entries: readonly LocalEntry[], isKnown: boolean): Promise<RulesSeen> {
    const { tree, env, scope, emptied, onProblem } = this.#options;
    const before = scope.rulesOf(nodeId);
    const file = entries.find(({ name, stat }) => name === IGNORE_FILE && stat.kind === "file");
    if (file === undefined) {
      // Editors delete and write anew: while its node is there its rules hold.
      const rules = isKnown ? before : undefined;
      this.#read.delete(nodeId);
      return { rules, isReruled: scope.setRules(nodeId, rules) };
    }
    const seen = this.#read.get(nodeId);
    if (before !== undefined && seen !== undefined && sameStat(seen, file.stat)) return { rules: before, isReruled: false };
    const filePath = joinPath(path, IGNORE_FILE as NodeName);
    if (file.stat.sizeBytes === 0 && before !== undefined && before.text !== "" && !emptied.hasWaited(filePath))
      return { rules: before, isReruled: false };
    if (isRacy(file.stat, env.nowMs())) await env.sleep(TICK_MS);
    const isSuspect = isRacy(file.stat, env.nowMs());
    const answer = await readIgnoreFile(tree, filePath, file.stat);
    if (answer.kind === "changing") return before === undefined ? "unknown" : { rules: before, isReruled: false };
    for (const problem of answer.rules.problems) onProblem(filePath, problem);
    if (isSuspect) this.#read.delete(nodeId);
    else this.#read.set(nodeId, file.stat);
    return { rules: answer.rules, isReruled: scope.setRules(nodeId, answer.rules) };
  }
}

/** The rules in an ignore file. `changing`: somebody is writing it; what it said before still holds. */
type IgnoreFile = { readonly kind: "read"; readonly rules: Rules } | { readonly kind: "changing" };

/** Reads an ignore file. What cannot be read has no rules, and says so as a problem. Memory: at most 1 MiB, and its rules. */
export async function readIgnoreFile(tree: LocalTree, path: LocalPath, stat: LocalStat): Promise<IgnoreFile> {
  if (stat.sizeBytes > MAX_IGNORE_FILE_BYTES)
    return { kind: "read", rules: new Rules([], [`it has over ${MAX_IGNORE_FILE_BYTES} bytes and does not count`]) };
  const decoder = new TextDecoder();
  let text = "";
  try {
    for await (const piece of tree.read(path, stat)) text += decoder.decode(piece, { stream: true });
  } catch (error) {
    if (!isTwinfoldError(error)) throw error;
    if (error.code === "ERR_LOCAL_CHANGED" || error.code === "ERR_NOT_FOUND") return { kind: "changing" };
    if (error.code !== "ERR_PERMISSION_DENIED" && error.code !== "ERR_LOCAL_FAILED") throw error;
    return { kind: "read", rules: new Rules([], [`it cannot be read, so its rules do not hold: ${error.message}`]) };
  }
  return { kind: "read", rules: parseRules(text + decoder.decode()) };
}

/** The rules of a directory, as its ignore file is on the disk now; `undefined` when it has none, or one that is being written. */
export async function rulesOnDisk(tree: LocalTree, directory: LocalPath): Promise<Rules | undefined> {
  const path = joinPath(directory, IGNORE_FILE as NodeName);
  const stat = await tree.stat(path);
  if (stat?.kind !== "file") return undefined;
  const answer = await readIgnoreFile(tree, path, stat);
  return answer.kind === "read" ? answer.rules : undefined;
}
