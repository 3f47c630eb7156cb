import { isWorthDeflating } from "../compression/is-worth-deflating.js";
import { diffChunk } from "../delta/diff-chunk.js";
import type { Compression } from "../env.js";
import type { ChunkId } from "../ids.js";
import type { Frame } from "../storage/frame.js";
import type { StoredChunk } from "../storage/pack-store.js";
import type { AcceptedFrames } from "../transport/transport.js";
import type { HeldChunks } from "./held-chunks.js";

/** The smallest frame for a chunk that the asker accepts: by differences to its bases, deflated as it rests or now, or plain. */
export async function serveFrame(
  { chunkId, bytes, deflated }: StoredChunk,
  { deflate, baseIds }: { readonly deflate: boolean; readonly baseIds: readonly ChunkId[] },
  bases: HeldChunks,
  compression: Compression,
): Promise<Frame> {
  const frame = { chunkId, plainBytes: bytes.length };
  const held = baseIds.length === 0 ? [] : [...(await bases.read(baseIds))].map(([id, base]) => ({ chunkId: id, bytes: base }));
  const delta = diffChunk(bytes, held, compression);
  // What the pieces of a delta save is much, or nothing: a deflate frame is not tried against it.
  if (delta !== undefined && delta.length < bytes.length / 2) return { ...frame, codec: "delta", payload: delta };
  const shorter = !deflate ? undefined : (deflated ?? (isWorthDeflating(bytes) ? compression.deflate(bytes) : undefined));
  if (shorter !== undefined && shorter.length < (delta ?? bytes).length) return { ...frame, codec: "deflate", payload: shorter };
  return delta === undefined ? { ...frame, codec: "plain", payload: bytes } : { ...frame, codec: "delta", payload: delta };
}

/** For each asked chunk the bases that `accepts` names for it; places that it does not have are left out. */
export function basesOf({ bases, basesOf: places }: AcceptedFrames, index: number): readonly ChunkId[] {
  return (places[index] ?? []).flatMap((place) => bases[place] ?? []);
}
