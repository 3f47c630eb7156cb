import { type Origin, origins } from "../../delta/origins.js";
import type { ChunkId, ManifestId, NodeId } from "../../ids.js";
import { type Manifest, manifestSize } from "../../manifest.js";
import { isLive, type NodeRecord } from "../../reconcile/node-record.js";
import { MAX_ASKED_CHUNKS } from "../../transport/messages.js";
import type { Origins } from "./chunk-sender.js";
import type { FileToSend } from "./prepared-changes.js";
import { Recuts } from "../disk/recuts.js";
import type { ReplicaParts } from "../replica-parts.js";

type KnownAtHubParts = Pick<ReplicaParts, "trees" | "tree" | "transport" | "workspaceId" | "env" | "link">;

/** What the hub has of the content that is to go up: as the trees say, and as it answers. */
export class KnownAtHub {
  readonly #parts: KnownAtHubParts;
  readonly #recuts: Recuts;
  readonly #distrusted = new Set<NodeId>();

  constructor(parts: KnownAtHubParts) {
    this.#parts = parts;
    this.#recuts = new Recuts(parts);
  }

  /** Asks about every chunk of this node from now on: the hub did not have what it should have had. */
  distrust(nodeId: NodeId): void {
    this.#distrusted.add(nodeId);
  }

  /** Of the files' contents those that a node here has at the hub too. A commit then need only name one: the hub looks whether it has every chunk. */
  async contents(records: ReadonlyArray<NodeRecord | undefined>): Promise<ReadonlySet<ManifestId>> {
    const asked = records.flatMap((record) => (record?.local?.content.kind === "file" ? [record.local.content.manifestId] : []));
    const holders = await this.#parts.trees.holding(asked);
    return new Set(asked.filter((manifestId, index) => holders[index]?.some((holder) => hasAtHub(holder, manifestId))));
  }

  isTrusted(nodeId: NodeId): boolean {
    return !this.#distrusted.has(nodeId);
  }

  /** The manifest that the hub has for this node, when this device has it too. */
  async baseManifest({ nodeId, synced, remote }: NodeRecord): Promise<Manifest | undefined> {
    if (this.#distrusted.has(nodeId) || !isLive(remote) || synced?.content.kind !== "file") return undefined;
    return await this.#parts.trees.manifest(synced.content.manifestId);
  }

  /** The chunks of `files` that have to go up. Those of the version that a file was made from are at the hub already. */
  async missing(files: readonly FileToSend[], signal: AbortSignal | undefined): Promise<Set<ChunkId>> {
    const { transport, workspaceId } = this.#parts;
    const asked = new Set<ChunkId>();
    for (const { record, manifest } of files) {
      const base = await this.baseManifest(record);
      const held = new Set(base?.map((entry) => entry.chunkId));
      for (const { chunkId } of manifest) if (!held.has(chunkId)) asked.add(chunkId);
    }
    const ids = [...asked];
    const missing = new Set<ChunkId>();
    for (let at = 0; at < ids.length; at += MAX_ASKED_CHUNKS) {
      const chunkIds = ids.slice(at, at + MAX_ASKED_CHUNKS);
      for (const chunkId of await transport.missing({ workspaceId, chunkIds }, { signal })) missing.add(chunkId);
    }
    return missing;
  }

  /** For missing chunks of files that were edited, what they were made from. */
  async origins(files: readonly FileToSend[], missing: ReadonlySet<ChunkId>, signal: AbortSignal | undefined): Promise<Origins> {
    const found = new Map<ChunkId, Origin>();
    if (!this.#parts.link.offers("delta")) return found;
    for (const file of files) {
      const { record, manifest } = file;
      if (!manifest.some(({ chunkId }) => missing.has(chunkId))) continue;
      const base = await this.baseManifest(record);
      if (base === undefined) continue;
      for (const [chunkId, origin] of origins(base, manifest, await this.#cutLike(base, file, signal))) found.set(chunkId, origin);
    }
    return found;
  }

  /** The file's manifest by the profile of `base`, where that is another one and the file is still there. */
  async #cutLike(base: Manifest, { record, path, content, manifest }: FileToSend, signal: AbortSignal | undefined): Promise<Manifest> {
    const stat = record.local?.stat;
    const file = stat && { path, stat, manifestId: content.manifestId };
    return (file && (await this.#recuts.like(manifestSize(base), file, signal))) ?? manifest;
  }
}

function hasAtHub({ remote }: NodeRecord, manifestId: ManifestId): boolean {
  return isLive(remote) && remote.content.kind === "file" && remote.content.manifestId === manifestId;
}
