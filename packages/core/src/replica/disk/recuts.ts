import { chunkProfileFor } from "../../chunking/profile.js";
import { isTwinfoldError } from "../../errors.js";
import type { ManifestId } from "../../ids.js";
import { cutPieces } from "../../local/cut-pieces.js";
import type { LocalStat } from "../../local/local-tree.js";
import type { Manifest } from "../../manifest.js";
import type { LocalPath } from "../../names.js";
import type { ReplicaParts } from "../replica-parts.js";

/**
 * Bytes read for each that may be saved, at most: for the little that is left of a long log, all that it was is not read. A disk of 200 MB/s reads
 * about so many while a link of 100 Mbit/s brings one.
 */
const MAX_READ_RATIO = 16;
/** As many files as are fetched ahead at once, each in several pieces. */
const MAX_KEPT = 2;

/** A file on this disk, as it was indexed. */
export interface FileHere {
  readonly path: LocalPath;
  readonly stat: LocalStat;
  readonly manifestId: ManifestId;
}

/** The chunks that files which are here would have, were they of another size: what such a file has in common with them is found among these, wherever it lies. */
export class Recuts {
  readonly #parts: Pick<ReplicaParts, "tree" | "env">;
  readonly #kept = new Map<string, Manifest>();

  constructor(parts: Pick<ReplicaParts, "tree" | "env">) {
    this.#parts = parts;
  }

  /**
   * The file's bytes, cut as those of a file of `sizeBytes` are. `undefined` where they are cut so anyway, where a file of that size can have little in common
   * with this one, and where the file is not what it was. It is read whole; the last two are remembered.
   */
  async like(sizeBytes: number, { path, stat, manifestId }: FileHere, signal: AbortSignal | undefined): Promise<Manifest | undefined> {
    const { tree, env } = this.#parts;
    const profile = chunkProfileFor(sizeBytes);
    if (profile === chunkProfileFor(stat.sizeBytes) || stat.sizeBytes > MAX_READ_RATIO * sizeBytes) return undefined;
    const key = `${profile.averageBytes}/${manifestId}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept;
    try {
      const manifest = await cutPieces(tree.read(path, stat, { signal }), sizeBytes, env.sha256);
      const [oldest] = this.#kept.size >= MAX_KEPT ? this.#kept.keys() : [];
      if (oldest !== undefined) this.#kept.delete(oldest);
      this.#kept.set(key, manifest);
      return manifest;
    } catch (error) {
      // Whoever needs the file reads it once more, and says then what stands in the way.
      if (isTwinfoldError(error)) return undefined;
      throw error;
    }
  }
}
