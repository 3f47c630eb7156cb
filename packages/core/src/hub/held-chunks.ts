import { MAX_DELTA_BASE_BYTES } from "../delta/delta.js";
import { isTwinfoldError } from "../errors.js";
import type { ChunkId, WorkspaceId } from "../ids.js";
import type { HubStore } from "../metadata/hub-store.js";
import type { PackStore } from "../storage/pack-store.js";

/** Bytes of bases for all deltas of one request: bounds its work, whatever it asks. */
const MAX_REQUEST_BYTES = 64 * 1024 * 1024;

export interface HeldChunksOptions {
  readonly store: HubStore;
  readonly packs: PackStore;
  readonly workspaceId: WorkspaceId;
  readonly signal: AbortSignal | undefined;
}

/**
 * The bases of one request's deltas: those that the workspace possesses, as if there were no others.
 *
 * Holds those of the last delta, at most 8 MiB: neighbours share some.
 */
export class HeldChunks {
  readonly #options: HeldChunksOptions;
  #held: ReadonlyMap<ChunkId, Uint8Array> = new Map();
  #givenBytes = 0;

  constructor(options: HeldChunksOptions) {
    this.#options = options;
  }

  /** The sound ones of `chunkIds`; none when they are more than one delta may have, or than one request may use. */
  async read(chunkIds: readonly ChunkId[]): Promise<ReadonlyMap<ChunkId, Uint8Array>> {
    const { store, packs, workspaceId, signal } = this.#options;
    const possessed = await store.possessed(workspaceId, chunkIds);
    const sizeBytes = [...possessed.values()].reduce((sum, lengthBytes) => sum + lengthBytes, 0);
    if (sizeBytes > MAX_DELTA_BASE_BYTES || this.#givenBytes + sizeBytes > MAX_REQUEST_BYTES) return new Map();
    this.#givenBytes += sizeBytes;
    const lacking = [...possessed.keys()].filter((chunkId) => !this.#held.has(chunkId));
    const found = new Map<ChunkId, Uint8Array>();
    for (const chunkId of possessed.keys()) {
      const bytes = this.#held.get(chunkId);
      if (bytes !== undefined) found.set(chunkId, bytes);
    }
    this.#held = found;
    for await (const chunk of packs.read(lacking, { signal })) {
      if (chunk !== undefined && !isTwinfoldError(chunk)) found.set(chunk.chunkId, chunk.bytes);
    }
    return found;
  }
}
