import type { Env } from "../../env.js";
import type { ManifestId } from "../../ids.js";
import type { LocalStat, LocalTree } from "../../local/local-tree.js";
import { encodeManifest, manifestIdOf } from "../../manifest.js";
import type { LocalPath } from "../../names.js";
import type { OperationOptions } from "../../operation-options.js";

/**
 * Reads a file whole and gives its manifest, in its canonical form.
 *
 * @throws {TwinfoldError} as `LocalTree.cut`: `ERR_LOCAL_CHANGED` when it is written meanwhile.
 */
export async function manifestOfFile(
  tree: LocalTree,
  path: LocalPath,
  stat: LocalStat,
  env: Pick<Env, "sha256">,
  options?: OperationOptions,
): Promise<{ readonly manifestId: ManifestId; readonly body: Uint8Array }> {
  const body = encodeManifest(await tree.cut(path, stat, options));
  return { manifestId: manifestIdOf(body, env.sha256), body };
}
