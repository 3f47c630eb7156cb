import { compressionOf } from "../../compression/fflate-compression.js";
import { isWorthDeflating } from "../../compression/is-worth-deflating.js";
import type { Origin } from "../../delta/origins.js";
import { diffAgainstSketches, type Sketch, sketchAverageFor } from "../../delta/sketch.js";
import { isTwinfoldError } from "../../errors.js";
import type { ChunkId } from "../../ids.js";
import { type Frame, MAX_BATCH_BYTES } from "../../storage/frame.js";
import type { ReplicaParts } from "../replica-parts.js";
import { Trials } from "../trials.js";

/** Of less a difference saves no more than asking for the pieces of its bases costs. */
const MIN_DIFFED_BYTES = 4 * 1024;

/** For a chunk that the hub lacks, what it was made from of those that it has. */
export type Origins = ReadonlyMap<ChunkId, Origin>;

const NEW: Origin = { copies: [], bases: [] };

export interface Sent {
  /** Chunks that are durable at the hub now. */
  readonly chunks: number;
  readonly deltaFrames: number;
  /** Bytes of the chunks that did not have to travel. */
  readonly bytesSaved: number;
}

/** Sends chunks in their smallest form: by differences to what the hub has, compressed, or plain. What the hub cannot rebuild goes plain after all. */
export class ChunkSender {
  readonly #parts: Pick<ReplicaParts, "transport" | "workspaceId" | "env" | "link">;
  /** A file that was written anew has nothing in common with what it was. */
  readonly #trials = new WeakMap<Origins, Trials>();

  constructor(parts: Pick<ReplicaParts, "transport" | "workspaceId" | "env" | "link">) {
    this.#parts = parts;
  }

  /** @param frames plain, of at most 8 MiB together. */
  async send(frames: readonly Frame[], origins: Origins, signal: AbortSignal | undefined): Promise<Sent> {
    const smallest = await this.#smallest(frames, origins, signal);
    const isPlain = smallest.every(({ codec }) => codec === "plain");
    try {
      const { stored, sendPlain } = await this.#upload(smallest, signal);
      const again = new Set(sendPlain);
      const more =
        again.size === 0
          ? []
          : (
              await this.#upload(
                frames.filter(({ chunkId }) => again.has(chunkId)),
                signal,
              )
            ).stored;
      const taken = smallest.filter(({ chunkId }) => !again.has(chunkId));
      return {
        chunks: stored.length + more.length,
        deltaFrames: taken.filter(({ codec }) => codec === "delta").length,
        bytesSaved: taken.reduce((sum, { plainBytes, payload }) => sum + plainBytes - payload.length, 0),
      };
    } catch (error) {
      // One was damaged on its way, so that it reads as malformed; of a plain one the hub can say which.
      if (isPlain || !isTwinfoldError(error) || error.code !== "ERR_PROTOCOL") throw error;
      return { chunks: (await this.#upload(frames, signal)).stored.length, deltaFrames: 0, bytesSaved: 0 };
    }
  }

  async #upload(frames: readonly Frame[], signal: AbortSignal | undefined) {
    const { transport, workspaceId, env, link } = this.#parts;
    const startedMs = env.monotonicMs();
    const answer = await transport.upload({ workspaceId, frames }, { signal });
    link.up.note(
      frames.reduce((sum, { payload }) => sum + payload.length, 0),
      env.monotonicMs() - startedMs,
    );
    return answer;
  }

  async #smallest(frames: readonly Frame[], origins: Origins, signal: AbortSignal | undefined): Promise<readonly Frame[]> {
    const { env, link } = this.#parts;
    const compression = compressionOf(env);
    const deflates = link.offers("deflate") && link.up.isSlow;
    const trials = this.#trials.get(origins) ?? new Trials();
    this.#trials.set(origins, trials);
    const { averageBytes, sketches } = await this.#sketches(frames, origins, trials, signal);
    const smallest = frames.map((frame): Frame => {
      const { chunkId, payload: bytes } = frame;
      const { copies, bases } = origins.get(chunkId) ?? NEW;
      const sketched = bases.flatMap((base) => {
        const sketch = sketches.get(base.chunkId);
        return sketch === undefined ? [] : [{ chunkId: base.chunkId, sketch }];
      });
      // What repeats within the chunk alone is not looked for: to cut it into pieces and hash them takes longer than to send it.
      const delta =
        copies.length + sketched.length === 0
          ? undefined
          : diffAgainstSketches(bytes, sketched, { averageBytes, copies, sha256: env.sha256, compression });
      const deflated = deflates && isWorthDeflating(bytes) ? compression.deflate(bytes) : undefined;
      if (delta !== undefined && delta.length <= (deflated ?? bytes).length) return { ...frame, codec: "delta", payload: delta };
      return deflated !== undefined && deflated.length < bytes.length ? { ...frame, codec: "deflate", payload: deflated } : frame;
    });
    if (sketches.size > 0) trials.note(smallest.some(({ codec }) => codec === "delta"));
    return smallest;
  }

  /** The pieces of the frames' bases, as the hub cuts its own copies. */
  async #sketches(frames: readonly Frame[], origins: Origins, trials: Trials, signal: AbortSignal | undefined) {
    const { transport, workspaceId, link } = this.#parts;
    const sketches = new Map<ChunkId, Sketch>();
    const basesOf = ({ chunkId }: Frame) => (origins.get(chunkId) ?? NEW).bases;
    const based = link.offers("delta") ? frames.filter((frame) => basesOf(frame).length > 0) : [];
    const basedBytes = based.reduce((sum, { plainBytes }) => sum + plainBytes, 0);
    const averageBytes = sketchAverageFor(basedBytes / Math.max(1, based.length));
    if (basedBytes < MIN_DIFFED_BYTES || !trials.isDue()) return { averageBytes, sketches };
    const asked = new Map(based.flatMap(basesOf).map((entry) => [entry.chunkId, entry.lengthBytes]));
    for (const chunkIds of together(asked)) {
      const answers = await transport.sketches({ workspaceId, chunkIds, averageBytes }, { signal });
      for (const [index, sketch] of answers.entries()) {
        const chunkId = chunkIds[index];
        if (chunkId !== undefined && sketch.length > 0) sketches.set(chunkId, sketch);
      }
    }
    return { averageBytes, sketches };
  }
}

/** The ids of chunks, as many together as may be asked for at once. */
function together(lengths: ReadonlyMap<ChunkId, number>): ReadonlyArray<readonly ChunkId[]> {
  const groups: ChunkId[][] = [];
  let bytes = 0;
  for (const [chunkId, lengthBytes] of lengths) {
    const group = groups.at(-1);
    if (group === undefined || bytes + lengthBytes > MAX_BATCH_BYTES) {
      groups.push([chunkId]);
      bytes = lengthBytes;
    } else {
      group.push(chunkId);
      bytes += lengthBytes;
    }
  }
  return groups;
}
