import type { ChunkId } from "../ids.js";
import type { Manifest } from "../manifest.js";
import { MAX_BATCH_BYTES, MAX_BATCH_FRAMES } from "../storage/frame.js";

/** A chunk to be sent, and where its bytes stand first in the file. */
export interface PlannedChunk {
  readonly chunkId: ChunkId;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

export interface DeltaPlan {
  /** Each missing chunk once, in the order of first appearance, so that the file is read from front to back. */
  readonly chunks: readonly PlannedChunk[];
  /** The same chunks, as one `upload` can take them together. */
  readonly batches: ReadonlyArray<readonly PlannedChunk[]>;
  /** Plain bytes of all of them. */
  readonly totalBytes: number;
}

export interface PlanDeltaOptions {
  /** Most plain bytes in a batch; a chunk over it has a batch of its own. @default 8 MiB */
  readonly maxBatchBytes?: number | undefined;
  /** @default 4096 */
  readonly maxBatchFrames?: number | undefined;
}

/** What of a file the other side still needs. Of `missing` only what the manifest names counts. Linear in the manifest. */
export function planDelta(
  { manifest, missing }: { readonly manifest: Manifest; readonly missing: Iterable<ChunkId> },
  { maxBatchBytes = MAX_BATCH_BYTES, maxBatchFrames = MAX_BATCH_FRAMES }: PlanDeltaOptions = {},
): DeltaPlan {
  const wanted = new Set(missing);
  const chunks: PlannedChunk[] = [];
  const batches: PlannedChunk[][] = [];
  let offsetBytes = 0;
  let totalBytes = 0;
  let batchBytes = 0;
  for (const { chunkId, lengthBytes } of manifest) {
    if (wanted.delete(chunkId)) {
      const chunk = { chunkId, offsetBytes, lengthBytes };
      const batch = batches.at(-1);
      if (batch === undefined || batch.length >= maxBatchFrames || batchBytes + lengthBytes > maxBatchBytes) {
        batches.push([chunk]);
        batchBytes = lengthBytes;
      } else {
        batch.push(chunk);
        batchBytes += lengthBytes;
      }
      chunks.push(chunk);
      totalBytes += lengthBytes;
    }
    offsetBytes += lengthBytes;
  }
  return { chunks, batches, totalBytes };
}
