import type { Sha256 } from "../env.js";
import { TwinfoldError } from "../errors.js";
import type { ChunkId, WorkspaceId } from "../ids.js";
import { chunkIdOf, type ManifestEntry } from "../manifest.js";
import { type Frame, MAX_BATCH_FRAMES } from "../storage/frame.js";
import type { Transport } from "../transport/transport.js";

/** Bytes of chunks asked for in one request. */
const REQUEST_BYTES = 4 * 1024 * 1024;
/** Requests under way ahead of the consumer: memory is about (this + 1) × 8 MiB at the most. */
const REQUESTS_AHEAD = 3;

/**
 * Yields the bytes of `wanted`, in that order, each checked against its id; `undefined` for a chunk that the hub has not, or has damaged.
 *
 * Many chunks come in one answer, and a few answers are fetched ahead.
 */
export async function* fetchChunks(
  transport: Transport,
  workspaceId: WorkspaceId,
  wanted: readonly ManifestEntry[],
  sha256: Sha256,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array | undefined, void, undefined> {
  const stop = new AbortController();
  const stopSignal = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const inFlight: Array<Promise<ReadonlyArray<Uint8Array | undefined>>> = [];
  try {
    for (const batch of batches(wanted)) {
      const fetching = fetchBatch(transport, workspaceId, batch, sha256, stopSignal);
      fetching.catch(() => {}); // reported when it is awaited below
      inFlight.push(fetching);
      if (inFlight.length <= REQUESTS_AHEAD) continue;
      yield* await (inFlight.shift() as Promise<ReadonlyArray<Uint8Array | undefined>>);
    }
    for (const fetching of inFlight) yield* await fetching;
  } finally {
    stop.abort();
  }
}

function* batches(wanted: readonly ManifestEntry[]): Generator<readonly ManifestEntry[], void, undefined> {
  let batch: ManifestEntry[] = [];
  let bytes = 0;
  for (const entry of wanted) {
    if (batch.length > 0 && (bytes + entry.lengthBytes > REQUEST_BYTES || batch.length === MAX_BATCH_FRAMES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(entry);
    bytes += entry.lengthBytes;
  }
  if (batch.length > 0) yield batch;
}

async function fetchBatch(
  transport: Transport,
  workspaceId: WorkspaceId,
  batch: readonly ManifestEntry[],
  sha256: Sha256,
  signal: AbortSignal,
): Promise<ReadonlyArray<Uint8Array | undefined>> {
  const chunks: Array<Uint8Array | undefined> = [];
  for await (const frame of transport.download({ workspaceId, chunkIds: batch.map((entry) => entry.chunkId) }, { signal })) {
    chunks.push(checked(frame, batch[chunks.length]?.chunkId, sha256));
  }
  if (chunks.length !== batch.length) {
    throw new TwinfoldError(
      "ERR_SERVER_FAILED",
      `the server sent ${chunks.length} of ${batch.length} chunks that were asked for; they are asked for again`,
    );
  }
  return chunks;
}

function checked(frame: Frame, wanted: ChunkId | undefined, sha256: Sha256): Uint8Array | undefined {
  if (frame.chunkId !== wanted) throw new TwinfoldError("ERR_PROTOCOL", "the server sent another chunk than was asked for");
  if (frame.codec !== "plain") return undefined;
  return chunkIdOf(frame.payload, sha256) === frame.chunkId ? frame.payload : undefined;
}
