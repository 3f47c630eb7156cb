import { isTwinfoldError } from "../errors.js";
import { MAX_IGNORE_FILE_BYTES, parseRules, Rules } from "../ignore/rules.js";
import type { LocalStat, LocalTree } from "../local/local-tree.js";
import type { LocalPath } from "../names.js";

/** The rules in an ignore file. `changing`: somebody is writing it; what it said before still holds. */
export type IgnoreFile = { readonly kind: "read"; readonly rules: Rules } | { readonly kind: "changing" };

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
