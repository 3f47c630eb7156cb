import { createChunker } from "../chunking/chunker.js";
import { chunkProfileFor } from "../chunking/profile.js";
import type { Env } from "../env.js";
import type { ManifestId } from "../ids.js";
import type { LocalStat, LocalTree } from "../local/local-tree.js";
import { chunkIdOf, encodeManifest, type ManifestEntry, manifestIdOf } from "../manifest.js";
import type { OperationOptions } from "../operation-options.js";
import type { LocalPath } from "../names.js";

/**
 * Reads a file whole, in pieces, and gives its manifest.
 *
 * @throws {TwinfoldError} as `LocalTree.read`: `ERR_LOCAL_CHANGED` when it is written meanwhile.
 */
export async function manifestOfFile(
  tree: LocalTree,
  path: LocalPath,
  stat: LocalStat,
  env: Pick<Env, "sha256">,
  options?: OperationOptions,
): Promise<{ readonly manifestId: ManifestId; readonly body: Uint8Array }> {
  const chunker = createChunker(chunkProfileFor(stat.sizeBytes));
  const entries: ManifestEntry[] = [];
  const add = (chunks: readonly Uint8Array[]): void => {
    for (const chunk of chunks) entries.push({ chunkId: chunkIdOf(chunk, env.sha256), lengthBytes: chunk.length });
  };
  for await (const piece of tree.read(path, stat, options)) add(chunker.push(piece));
  add(chunker.finish());
  const body = encodeManifest(entries);
  return { manifestId: manifestIdOf(body, env.sha256), body };
}
