import { TwinfoldError } from "../../errors.js";
import { applyRuns, encodeManifest, type Manifest, manifestIdOf } from "../../manifest.js";
import type { FileContent } from "../../node.js";
import { type FetchContext, fetchChunks } from "./chunk-fetcher.js";
import type { ReplicaParts } from "../replica-parts.js";

export type StoredContext = FetchContext & Pick<ReplicaParts, "trees">;
export type StoredContent = Pick<FileContent, "manifestId" | "sizeBytes">;

/**
 * Yields the bytes of a version that the hub has, each chunk checked, whatever is on this disk. Memory is that of {@link fetchChunks}.
 *
 * @throws {TwinfoldError} `ERR_CHUNK_NOT_FOUND` when the hub has not all of it.
 */
export async function* readStored(
  context: StoredContext,
  content: StoredContent,
  signal?: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  let sizeBytes = 0;
  for await (const chunk of fetchChunks(context, await mustGetManifest(context, content, signal), { signal })) {
    if (chunk === undefined) throw new TwinfoldError("ERR_CHUNK_NOT_FOUND", "the server's copy of a chunk is missing or damaged");
    sizeBytes += chunk.length;
    yield chunk.slice(); // whoever reads may keep it
  }
  if (sizeBytes !== content.sizeBytes) {
    throw new TwinfoldError("ERR_CHUNK_NOT_FOUND", `${sizeBytes} bytes came of a file of ${content.sizeBytes}`);
  }
}

/** From this device's database, or else from the hub. */
async function mustGetManifest(
  { trees, transport, env, workspaceId }: StoredContext,
  { manifestId }: StoredContent,
  signal: AbortSignal | undefined,
): Promise<Manifest> {
  const known = await trees.manifest(manifestId);
  if (known !== undefined) return known;
  const [answer] = await transport.manifests({ workspaceId, wanted: [{ manifestId }] }, { signal });
  const manifest = answer?.runs && applyRuns([], answer.runs);
  if (manifest === undefined) throw new TwinfoldError("ERR_CHUNK_NOT_FOUND", `the server has no list of the chunks of ${manifestId}`);
  if (manifestIdOf(encodeManifest(manifest), env.sha256) !== manifestId) {
    throw new TwinfoldError("ERR_INTEGRITY", "the server sent another manifest than was asked for");
  }
  return manifest;
}

/** All bytes of a stream that is `sizeBytes` long. */
export async function collect(pieces: AsyncIterable<Uint8Array>, sizeBytes: number): Promise<Uint8Array> {
  const whole = new Uint8Array(sizeBytes);
  let at = 0;
  for await (const piece of pieces) {
    whole.set(piece.subarray(0, sizeBytes - at), at);
    at += piece.length;
  }
  if (at !== sizeBytes) throw new TwinfoldError("ERR_CHUNK_NOT_FOUND", `${at} bytes came of a file of ${sizeBytes}`);
  return whole;
}
