import { isTwinfoldError } from "../../errors.js";
import type { ManifestId } from "../../ids.js";
import type { LocalStat } from "../../local/local-tree.js";
import type { LocalPath } from "../../names.js";
import type { Content } from "../../node.js";
import type { OperationOptions } from "../../operation-options.js";
import { manifestOfFile } from "./manifest-of-file.js";
import { isRacy, TICK_MS } from "../disk/racy-stat.js";
import type { ReplicaParts } from "../replica-parts.js";

/** Times that a file which changes while it is read is tried again at once. */
const READ_ATTEMPTS = 3;

/** What one entry of the disk was found to hold, and the stat that this is true of. */
export interface ObservedContent {
  readonly content: Content;
  readonly stat: LocalStat;
  /** A later write may leave no trace in the stat. */
  readonly suspect: boolean;
  /** Of a file. */
  readonly manifest?: { readonly manifestId: ManifestId; readonly body: Uint8Array } | undefined;
}

/**
 * Reads an entry whole.
 *
 * @throws {TwinfoldError} as `LocalTree.cut` and `readLink`: `ERR_LOCAL_CHANGED` when it is written again and again meanwhile.
 */
export async function observeContent(
  { tree, env }: Pick<ReplicaParts, "tree" | "env">,
  path: LocalPath,
  stat: LocalStat,
  { signal }: OperationOptions = {},
): Promise<ObservedContent> {
  if (stat.kind === "directory") return { content: { kind: "directory" }, stat, suspect: false };
  if (stat.kind === "symlink") return { content: { kind: "symlink", target: await tree.readLink(path) }, stat, suspect: false };
  let current = stat;
  for (let attempt = 1; ; attempt++) {
    try {
      // In the middle of a write the stat is that of its end: a read would find equal stats before and after it, and half of the bytes.
      if (isRacy(current, env.nowMs())) await env.sleep(TICK_MS, signal);
      const startedMs = env.nowMs();
      const manifest = await manifestOfFile(tree, path, current, env, { signal });
      const { sizeBytes, executable, mtimeNs } = current;
      const content = { kind: "file", manifestId: manifest.manifestId, sizeBytes, executable, mtimeNs } as const;
      return { content, stat: current, suspect: isRacy(current, startedMs), manifest };
    } catch (error) {
      if (!isTwinfoldError(error) || error.code !== "ERR_LOCAL_CHANGED" || attempt === READ_ATTEMPTS) throw error;
      const again = await tree.stat(path);
      if (again?.kind !== "file") throw error;
      current = again;
    }
  }
}
