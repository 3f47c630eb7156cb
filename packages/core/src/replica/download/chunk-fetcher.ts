import { compressionOf } from "../../compression/fflate-compression.js";
import { applyDelta, decodeDelta } from "../../delta/delta.js";
import { isTwinfoldError, TwinfoldError } from "../../errors.js";
import type { ChunkId } from "../../ids.js";
import { chunkIdOf, type ManifestEntry } from "../../manifest.js";
import { type Frame, FRAME_HEADER_BYTES, MAX_BATCH_FRAMES } from "../../storage/frame.js";
import { giveBackFrameRoom, takeFrameRoom } from "../../storage/frame-room.js";
import { MAX_ASKED_CHUNKS } from "../../transport/messages.js";
import type { AcceptedFrames, DownloadOptions } from "../../transport/transport.js";
import type { ReplicaParts } from "../replica-parts.js";
import { Trials } from "../trials.js";

/** Bytes of chunks asked for in one request. */
const REQUEST_BYTES = 4 * 1024 * 1024;
/** Requests under way ahead of the consumer: memory is about (this + 1) rooms of 8 MiB at the most, of which 4 are used, and for differences the bases of one chunk each. */
const REQUESTS_AHEAD = 3;
/** Of a shorter chunk a difference saves no more than naming its bases costs. */
const MIN_DIFFED_BYTES = 1024;

/** Chunks on this disk by which the hub can tell others. */
export interface LocalBases {
  /** Those that a chunk was probably made from: within the bounds of a delta. */
  of(chunkId: ChunkId): readonly ManifestEntry[];
  /** Checked; `undefined` when it is no longer there. */
  read(entry: ManifestEntry): Promise<Uint8Array | undefined>;
}

export interface FetchOptions {
  readonly bases?: LocalBases | undefined;
  /** Told of each chunk that came in less than its own bytes. */
  readonly onSaved?: ((codec: "deflate" | "delta", bytes: number) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

export type FetchContext = Pick<ReplicaParts, "transport" | "workspaceId" | "env" | "link">;

/**
 * Yields the bytes of `wanted`, in that order, each checked against its id; `undefined` for a chunk that the hub has not, or has damaged.
 *
 * Bytes are good until the next ones are asked for: then others may come in their place. Many chunks come in one answer, and a few answers are
 * fetched ahead. What is not its id's, or cannot be rebuilt, is asked for once more, plain and verified by the hub.
 */
export async function* fetchChunks(
  context: FetchContext,
  wanted: readonly ManifestEntry[],
  options: FetchOptions,
): AsyncGenerator<Uint8Array | undefined, void, undefined> {
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  const inFlight: Array<Promise<Fetched>> = [];
  const trials = new Trials();
  try {
    for (const batch of batches(wanted)) {
      const fetching = fetchBatch(context, batch, { ...options, signal }, trials);
      fetching.catch(() => {}); // reported when it is awaited below
      inFlight.push(fetching);
      if (inFlight.length <= REQUESTS_AHEAD) continue;
      yield* passedOn(await (inFlight.shift() as Promise<Fetched>));
    }
    for (const fetching of inFlight) yield* passedOn(await fetching);
  } finally {
    stop.abort();
  }
}

/** The chunks of one answer, and the room that they came into. */
interface Fetched {
  readonly chunks: ReadonlyArray<Uint8Array | undefined>;
  readonly room: Uint8Array;
}

/** Until the consumer asks for more: one that leaves may still hold the last one. */
function* passedOn({ chunks, room }: Fetched): Generator<Uint8Array | undefined, void, undefined> {
  yield* chunks;
  giveBackFrameRoom(room);
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

async function fetchBatch(context: FetchContext, batch: readonly ManifestEntry[], options: FetchOptions, trials: Trials): Promise<Fetched> {
  const accepts = acceptedFrames(context, batch, options.bases, trials);
  const room = takeFrameRoom(batch.reduce((sum, { lengthBytes }) => sum + FRAME_HEADER_BYTES + lengthBytes, 0));
  let hasDelta = false;
  const chunks: Array<Uint8Array | undefined> = [];
  /** Places of chunks whose frame did not give them. */
  const again: number[] = [];
  for await (const frame of framesOf(context, batch, { signal: options.signal, into: room }, accepts)) {
    const chunk = await chunkOf(frame, context, options);
    hasDelta ||= frame.codec === "delta";
    const mayBeWhole = frame.codec !== "absent" && (frame.codec !== "plain" || accepts?.unverified === true);
    if (chunk === undefined && mayBeWhole) again.push(chunks.length);
    chunks.push(chunk);
  }
  if (accepts !== undefined && accepts.bases.length > 0) trials.note(hasDelta);
  const plain = framesOf(
    context,
    again.map((place) => batch[place] as ManifestEntry),
    { signal: options.signal },
    undefined,
  );
  for await (const frame of plain) chunks[again.shift() as number] = await chunkOf(frame, context, options);
  return { chunks, room };
}

async function* framesOf(
  { transport, workspaceId, env, link }: FetchContext,
  batch: readonly ManifestEntry[],
  callOptions: DownloadOptions,
  accepts: AcceptedFrames | undefined,
): AsyncGenerator<Frame, void, undefined> {
  if (batch.length === 0) return;
  const startedMs = env.monotonicMs();
  let frames = 0;
  let bytes = 0;
  for await (const frame of transport.download({ workspaceId, chunkIds: batch.map(({ chunkId }) => chunkId), accepts }, callOptions)) {
    if (frame.chunkId !== batch[frames]?.chunkId) throw new TwinfoldError("ERR_PROTOCOL", "the server sent another chunk than was asked for");
    frames += 1;
    bytes += frame.payload.length;
    yield frame;
  }
  if (frames !== batch.length) {
    throw new TwinfoldError("ERR_SERVER_FAILED", `the server sent ${frames} of ${batch.length} chunks that were asked for; they are asked for again`);
  }
  link.down.note(bytes, env.monotonicMs() - startedMs);
}

/** `undefined` when nothing but plain, verified frames is wanted, or understood at the other end. */
function acceptedFrames(
  { link }: FetchContext,
  batch: readonly ManifestEntry[],
  bases: LocalBases | undefined,
  trials: Trials,
): AcceptedFrames | undefined {
  const isBased = bases !== undefined && link.offers("delta") && batch.some(({ chunkId }) => bases.of(chunkId).length > 0);
  const here = isBased && trials.isDue() ? bases : undefined;
  const deflate = link.offers("deflate") && link.down.isSlow;
  const places = new Map<ChunkId, number>();
  const placeOf = ({ chunkId }: ManifestEntry): readonly number[] => {
    const place = places.get(chunkId) ?? places.size;
    if (place === MAX_ASKED_CHUNKS) return [];
    places.set(chunkId, place);
    return [place];
  };
  const basesOf = batch.map(({ chunkId, lengthBytes }) =>
    here === undefined || lengthBytes < MIN_DIFFED_BYTES ? [] : here.of(chunkId).flatMap(placeOf),
  );
  const unverified = link.offers("unverified") ? true : undefined;
  return deflate || places.size > 0 || unverified
    ? { deflate, bases: [...places.keys()], basesOf: places.size > 0 ? basesOf : [], unverified }
    : undefined;
}

/** `undefined` when the frame does not give its chunk. */
async function chunkOf(frame: Frame, { env }: FetchContext, { bases, onSaved }: FetchOptions): Promise<Uint8Array | undefined> {
  const { chunkId, codec, plainBytes, payload } = frame;
  if (codec === "absent") return undefined;
  let bytes: Uint8Array | undefined = payload;
  try {
    if (codec === "deflate") bytes = compressionOf(env).inflate(payload, plainBytes);
    if (codec === "delta") bytes = bases && (await rebuilt(frame, bases, env));
  } catch (error) {
    if (isTwinfoldError(error) && (error.code === "ERR_PROTOCOL" || error.code === "ERR_CHUNK_NOT_FOUND")) return undefined;
    throw error;
  }
  if (bytes === undefined || chunkIdOf(bytes, env.sha256) !== chunkId) return undefined;
  if (codec !== "plain") onSaved?.(codec, plainBytes - payload.length);
  return bytes;
}

/** Only bases that were named for this chunk are read. */
async function rebuilt({ chunkId, plainBytes, payload }: Frame, here: LocalBases, env: FetchContext["env"]): Promise<Uint8Array> {
  const delta = decodeDelta(payload, compressionOf(env));
  const named = new Map(here.of(chunkId).map((entry) => [entry.chunkId, entry]));
  const bases = new Map<ChunkId, Uint8Array>();
  for (const baseId of delta.bases) {
    const entry = named.get(baseId);
    const bytes = entry && (await here.read(entry));
    if (bytes !== undefined) bases.set(baseId, bytes);
  }
  return applyDelta(delta, bases, plainBytes);
}
