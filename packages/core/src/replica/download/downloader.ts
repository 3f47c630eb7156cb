import { baseChunksByRecut } from "../../delta/origins.js";
import type { Env } from "../../env.js";
import { isTwinfoldError, TwinfoldError } from "../../errors.js";
import type { ChunkId, ManifestId, NodeId, WorkspaceId } from "../../ids.js";
import type { LocalOutcome, LocalStat, LocalTree, Staging } from "../../local/local-tree.js";
import {
  applyRuns,
  chunkIdOf,
  commonEntries,
  encodeManifest,
  entriesWithin,
  type Manifest,
  type ManifestEntry,
  manifestIdOf,
  manifestSize,
} from "../../manifest.js";
import type { LocalPath } from "../../names.js";
import type { FileContent } from "../../node.js";
import type { NodeRecord } from "../../reconcile/node-record.js";
import type { Transport } from "../../transport/transport.js";
import { type FetchContext, fetchChunks, type LocalBases } from "./chunk-fetcher.js";
import { type FileHere, Recuts } from "../disk/recuts.js";
import type { ReplicaParts } from "../replica-parts.js";
import type { Trees } from "../trees/trees.js";
import type { Unverified } from "../disk/unverified.js";

/** Small files whose chunks are asked for together; memory is what {@link fetchChunks} holds. */
const GROUP_BYTES = 16 * 1024 * 1024;
const GROUP_FILES = 256;
/** Files being put in place at once: each waits for the disk. */
const PARALLEL_PLACES = 8;
/** A file of that size at most, of one chunk and where nothing was, does not wait for the disk. */
const UNVERIFIED_BYTES = 64 * 1024;
const NO_BASES: ReadonlyMap<ChunkId, readonly ManifestEntry[]> = new Map();

export interface FileToFetch {
  readonly record: NodeRecord;
  readonly content: FileContent;
  readonly path: LocalPath;
  /** What is at `path` now. */
  readonly expected: LocalStat | undefined;
}

export interface DownloaderEvents {
  planned(files: number, bytes: number): void;
  fetched(chunks: number, bytes: number): void;
  reused(chunks: number): void;
  /** Chunks of a file were fetched before its commit. */
  prefetched(chunks: number): void;
  /** A chunk came in less than its own bytes. */
  saved(codec: "deflate" | "delta", bytes: number): void;
}

/** Why a file is not made. */
type Shortfall =
  /** Somebody wrote at its place meanwhile. */
  { readonly kind: "changed" } | { readonly kind: "failed"; readonly reason: string };

export type FetchOutcome =
  | { readonly kind: "placed"; readonly file: FileToFetch; readonly stat: LocalStat; readonly durable: boolean }
  | (Shortfall & { readonly file: FileToFetch });

/** The beginning of a file, in a staging that is open. */
export interface Begun {
  readonly staging: Staging;
  /** The chunks that it holds, checked when they were written. */
  readonly entries: Manifest;
}

/** What was fetched of files before they were committed. */
export interface FetchedAhead {
  /** Nothing is begun of these nodes until the function that it gives is called. */
  claim(nodeIds: readonly NodeId[]): () => void;
  /** Gives what is there of a claimed node's content, for good. */
  take(nodeId: NodeId): Promise<Begun | undefined>;
}

/** Where a chunk of a file that is being made comes from. */
type Source =
  | { readonly from: "local"; readonly path: LocalPath; readonly stat: LocalStat; readonly offset: number }
  | { readonly from: "staging"; readonly offset: number };

/** The next chunk that was asked for, in order; `undefined` for one that the hub has not. */
type Fetched = Pick<AsyncGenerator<Uint8Array | undefined, void, undefined>, "next">;

/** Files that are made together, while their chunks are on the way. */
interface Group {
  readonly jobs: readonly Job[];
  readonly manifests: ReadonlyMap<ManifestId, Manifest>;
  /** Files with the content of another one in the group: made from that when it is in place. */
  readonly twins: readonly FileToFetch[];
  /** Of files that cannot be made. */
  readonly outcomes: readonly FetchOutcome[];
  readonly fetched: Fetched;
  /** Lets go of all that is open. */
  end(): Promise<void>;
}

export interface FetchFilesOptions {
  /** Awaited before the first of these files is put in place. */
  readonly onPlacing: (files: readonly FileToFetch[]) => Promise<void>;
  readonly signal: AbortSignal | undefined;
}

interface WantedFile {
  readonly manifest: Manifest;
  /** Of the whole file. */
  readonly sizeBytes: number;
}

/** A file that is written beside its target. */
interface Filling {
  readonly manifest: Manifest;
  /** For each entry from `firstIndex`, where it is at hand; `undefined`: at the hub. */
  readonly sources: ReadonlyArray<Source | undefined>;
  readonly staging: Staging;
  readonly firstIndex: number;
}

interface Job extends Filling {
  readonly file: FileToFetch;
  /** For chunks at the hub, those of the file that is to be replaced from which they were probably made. */
  readonly bases: ReadonlyMap<ChunkId, readonly ManifestEntry[]>;
  /** Where chunks of files that are here are. */
  readonly local: ReadonlyMap<ChunkId, Source>;
  /** Nothing was in the staging, and one chunk makes the file. */
  readonly isOneWrite: boolean;
}

/**
 * Makes files out of chunks that are on this disk already and chunks from the hub.
 *
 * Each chunk is checked against its id before it is written beside the target; the file is put in place when it is whole. What an
 * earlier attempt has written is checked and kept, so a stopped download goes on where it was.
 */
export class Downloader {
  readonly #transport: Transport;
  readonly #trees: Trees;
  readonly #tree: LocalTree;
  readonly #env: Env;
  readonly #workspaceId: WorkspaceId;
  readonly #events: DownloaderEvents;
  readonly #context: FetchContext;
  readonly #unverified: Unverified;
  readonly #ahead: FetchedAhead;
  readonly #recuts: Recuts;

  constructor(options: ReplicaParts & { readonly events: DownloaderEvents; readonly ahead: FetchedAhead }) {
    this.#transport = options.transport;
    this.#trees = options.trees;
    this.#tree = options.tree;
    this.#env = options.env;
    this.#workspaceId = options.workspaceId;
    this.#events = options.events;
    this.#context = options;
    this.#unverified = options.unverified;
    this.#ahead = options.ahead;
    this.#recuts = new Recuts(options);
  }

  /** Yields the outcomes of each group as soon as its files are in place. While they are put there, the chunks of the next group come in. */
  async *fetch(files: readonly FileToFetch[], { onPlacing, signal }: FetchFilesOptions): AsyncGenerator<readonly FetchOutcome[], void, undefined> {
    let next: Promise<Group> | undefined;
    const begin = (group: readonly FileToFetch[] | undefined): void => {
      next = group && this.#beginGroup(group, signal);
      next?.catch(() => {}); // reported when it is awaited
    };
    const [first, ...later] = groupsOf(files);
    const release = this.#ahead.claim(files.map(({ record }) => record.nodeId));
    try {
      begin(first);
      for (let group = first; group !== undefined; group = later.shift()) {
        const begun: Group = await (next as Promise<Group>);
        begin(later[0]);
        try {
          await onPlacing(group);
          yield await this.#make(begun, signal);
        } finally {
          await begun.end();
        }
      }
    } finally {
      // What is ahead of a group that was broken off.
      await next?.then(
        (group) => group.end(),
        () => {},
      );
      release();
    }
  }

  async #beginGroup(files: readonly FileToFetch[], signal: AbortSignal | undefined): Promise<Group> {
    const manifests = await this.#manifests(files, signal);
    const holders = await this.#trees.holding(files.map(({ content }) => content.manifestId));
    const outcomes: FetchOutcome[] = [];
    const jobs: Job[] = [];
    const openFor = new Set<ManifestId>();
    const twins: FileToFetch[] = [];
    const closeAll = async (): Promise<void> => {
      for (const job of jobs) await job.staging.close();
    };
    try {
      for (const [index, file] of files.entries()) {
        const manifest = manifests.get(file.content.manifestId);
        if (manifest === undefined || manifestSize(manifest) !== file.content.sizeBytes) {
          outcomes.push({ kind: "failed", file, reason: "the server does not have the list of its chunks" });
        } else if (openFor.has(file.content.manifestId)) {
          // Of two files with one content the second is made from the first when that is in place.
          twins.push(file);
        } else {
          openFor.add(file.content.manifestId);
          try {
            jobs.push(await this.#prepare(file, manifest, holders[index] ?? [], signal));
          } catch (error) {
            outcomes.push(outcomeOf(file, error));
          }
        }
      }
    } catch (error) {
      await closeAll();
      throw error;
    }
    const wanted = jobs.flatMap((job) => job.manifest.slice(job.firstIndex).filter((_, index) => job.sources[index] === undefined));
    this.#events.planned(
      jobs.length,
      wanted.reduce((sum, entry) => sum + entry.lengthBytes, 0),
    );
    const stop = new AbortController();
    const chunks = fetchChunks(this.#context, wanted, {
      bases: this.#basesOf(jobs),
      onSaved: this.#events.saved,
      signal: signal ? AbortSignal.any([signal, stop.signal]) : stop.signal,
    });
    return {
      jobs,
      manifests,
      twins,
      outcomes,
      fetched: onTheWay(chunks),
      async end() {
        stop.abort();
        await chunks.return();
        await closeAll();
      },
    };
  }

  async #make({ jobs, manifests, twins, outcomes: early, fetched }: Group, signal: AbortSignal | undefined): Promise<readonly FetchOutcome[]> {
    const outcomes = [...early];
    const placing = new Set<Promise<unknown>>();
    const placed: Array<Promise<FetchOutcome>> = [];
    try {
      for (const job of jobs) {
        const failed = await this.#fill(job, fetched, this.#events, signal);
        const outcome: Promise<FetchOutcome> =
          failed === undefined
            ? this.#place(job).catch((error: unknown) => outcomeOf(job.file, error))
            : Promise.resolve({ ...failed, file: job.file });
        placed.push(outcome);
        const settling: Promise<unknown> = outcome.catch(() => {}).finally(() => placing.delete(settling));
        placing.add(settling);
        if (placing.size >= PARALLEL_PLACES) await Promise.race(placing);
      }
      // There are no more: whoever asks has done with the last ones, and their room is used again.
      await fetched.next();
    } finally {
      await Promise.all(placing);
    }
    outcomes.push(...(await Promise.all(placed)));
    for (const file of twins) {
      signal?.throwIfAborted();
      const first = outcomes.find((outcome) => outcome.kind === "placed" && outcome.file.content.manifestId === file.content.manifestId);
      outcomes.push(first?.kind === "placed" ? await this.#copy(first, file, manifests) : { kind: "changed", file });
    }
    return outcomes;
  }

  /** Manifests from this device's database; those that it lacks from the hub, as differences to the version that is here. */
  async #manifests(files: readonly FileToFetch[], signal: AbortSignal | undefined): Promise<Map<ManifestId, Manifest>> {
    const manifests = new Map<ManifestId, Manifest>();
    const wanted = new Map<ManifestId, { manifestId: ManifestId; baseManifestId: ManifestId | undefined }>();
    const known = await this.#trees.manifests(files.map(({ content }) => content.manifestId));
    for (const [index, { content, record }] of files.entries()) {
      const manifest = known[index];
      if (manifest !== undefined) manifests.set(content.manifestId, manifest);
      else {
        const base = record.synced?.content.kind === "file" ? record.synced.content.manifestId : undefined;
        wanted.set(content.manifestId, { manifestId: content.manifestId, baseManifestId: base });
      }
    }
    const list = [...wanted.values()];
    for (let at = 0; at < list.length; at += 16) {
      const asked = list.slice(at, at + 16);
      const answers = await this.#transport.manifests({ workspaceId: this.#workspaceId, wanted: asked }, { signal });
      const fetched: Array<{ readonly manifestId: ManifestId; readonly body: Uint8Array }> = [];
      for (const { manifestId, runs } of answers) {
        const baseManifestId = wanted.get(manifestId)?.baseManifestId;
        if (runs === undefined) continue;
        const base = baseManifestId === undefined ? [] : ((await this.#trees.manifest(baseManifestId)) ?? []);
        const manifest = applyRuns(base, runs);
        const body = encodeManifest(manifest);
        if (manifestIdOf(body, this.#env.sha256) !== manifestId)
          throw new TwinfoldError("ERR_INTEGRITY", "the server sent another manifest than was asked for");
        fetched.push({ manifestId, body });
        manifests.set(manifestId, manifest);
      }
      await this.#trees.write({ manifests: fetched });
    }
    return manifests;
  }

  /** Opens what an earlier attempt, or another process, has begun of a node's content, or begins it; what is not of `manifest` is cut off. */
  async begin(nodeId: NodeId, manifest: Manifest): Promise<Begun & { readonly isFresh: boolean }> {
    const staging = await this.#tree.stage(nodeId);
    const isFresh = staging.sizeBytes === 0;
    try {
      return { staging, entries: await this.#keptEntries(staging, manifest), isFresh };
    } catch (error) {
      await staging.close();
      throw error;
    }
  }

  /**
   * Writes more of a file behind the entries that `begun` holds; gives those that it holds then, fewer than all when the hub lacks one.
   *
   * @param wantedFile its manifest may be a beginning.
   */
  async extend(
    { staging, entries }: Begun,
    wantedFile: WantedFile,
    record: NodeRecord | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Manifest> {
    const local = new Map<ChunkId, Source>();
    const path = record && (await this.#trees.localPath(record.nodeId));
    const here = record?.local;
    const isThere = path !== undefined && here?.content.kind === "file";
    const replaced = isThere ? { path, stat: here.stat, manifestId: here.content.manifestId } : undefined;
    const bases = await this.#offerReplaced(local, replaced, wantedFile, signal);
    const { manifest } = wantedFile;
    const sources = sourcesOf(manifest, entries.length, local);
    const wanted = manifest.slice(entries.length).filter((_, index) => sources[index] === undefined);
    const filling = { manifest, sources, staging, firstIndex: entries.length, bases, local };
    const chunks = fetchChunks(this.#context, wanted, { bases: this.#basesOf([filling]), signal });
    try {
      await this.#fill(filling, chunks, { fetched() {}, reused() {} }, signal);
    } finally {
      await chunks.return();
    }
    return entriesWithin(manifest, staging.sizeBytes);
  }

  /** `holders`: nodes whose file here has the content that is wanted. */
  async #prepare(file: FileToFetch, manifest: Manifest, holders: readonly NodeRecord[], signal: AbortSignal | undefined): Promise<Job> {
    const { staging, firstIndex, isFresh } = await this.#begun(file, manifest);
    const isOneWrite = isFresh && manifest.length <= 1;
    try {
      const { local, bases } = await this.#local(file, manifest, holders, signal);
      return { file, manifest, sources: sourcesOf(manifest, firstIndex, local), bases, local, staging, firstIndex, isOneWrite };
    } catch (error) {
      await staging.close();
      throw error;
    }
  }

  /** `isFresh`: nothing was written to it before. */
  async #begun(
    { record }: FileToFetch,
    manifest: Manifest,
  ): Promise<{ readonly staging: Staging; readonly firstIndex: number; readonly isFresh: boolean }> {
    const ahead = await this.#ahead.take(record.nodeId);
    if (ahead === undefined) {
      const { staging, entries, isFresh } = await this.begin(record.nodeId, manifest);
      if (entries.length > 0) this.#events.reused(entries.length);
      return { staging, firstIndex: entries.length, isFresh };
    }
    const { staging, entries } = ahead;
    const firstIndex = commonEntries(entries, manifest);
    try {
      await staging.truncate(manifestSize(manifest.slice(0, firstIndex)));
    } catch (error) {
      await staging.close();
      throw error;
    }
    this.#events.prefetched(firstIndex);
    return { staging, firstIndex, isFresh: false };
  }

  /** Where chunks are in files that are here: the one that is to be replaced, with what it is a base of, and those that have the content that is wanted. */
  async #local(
    { record, path, content, expected }: FileToFetch,
    manifest: Manifest,
    holders: readonly NodeRecord[],
    signal: AbortSignal | undefined,
  ): Promise<Pick<Job, "local" | "bases">> {
    const local = new Map<ChunkId, Source>();
    const here = record.local;
    const isThere = here?.content.kind === "file" && expected !== undefined;
    const replaced = isThere ? { path, stat: here.stat, manifestId: here.content.manifestId } : undefined;
    const bases = await this.#offerReplaced(local, replaced, { manifest, sizeBytes: content.sizeBytes }, signal);
    for (const twin of holders) {
      const twinPath = await this.#trees.localPath(twin.nodeId);
      if (twinPath !== undefined && twin.local !== undefined) offer(local, { path: twinPath, stat: twin.local.stat }, manifest);
    }
    return { local, bases };
  }

  /** Offers the chunks of the file that is to be replaced, also as they would be in the wanted one; gives those that others were probably made from. */
  async #offerReplaced(
    sources: Map<ChunkId, Source>,
    replaced: FileHere | undefined,
    { manifest, sizeBytes }: WantedFile,
    signal: AbortSignal | undefined,
  ): Promise<Job["bases"]> {
    if (replaced === undefined) return NO_BASES;
    const base = (await this.#trees.manifest(replaced.manifestId)) ?? [];
    const recut = (await this.#recuts.like(sizeBytes, replaced, signal)) ?? base;
    for (const entries of [base, recut]) offer(sources, replaced, entries);
    return baseChunksByRecut(base, manifest, recut);
  }

  /** Of the files that are to be replaced, as long as they are what they were. */
  #basesOf(jobs: ReadonlyArray<Pick<Job, "bases" | "local" | "staging">>): LocalBases {
    const based = jobs.filter((job) => job.bases.size > 0);
    const bases = new Map(based.flatMap((job) => [...job.bases]));
    const places = new Map(based.flatMap((job) => [...job.local].map(([chunkId, source]) => [chunkId, { source, staging: job.staging }] as const)));
    return {
      of: (chunkId) => bases.get(chunkId) ?? [],
      read: async (entry) => {
        const place = places.get(entry.chunkId);
        return place && (await this.#atHand(place.source, entry, place.staging));
      },
    };
  }

  /** Entries that an earlier attempt has written and are whole; what comes after them is cut off. */
  async #keptEntries(staging: Staging, manifest: Manifest): Promise<Manifest> {
    let kept = 0;
    let offset = 0;
    for (const { chunkId, lengthBytes } of manifest) {
      if (offset + lengthBytes > staging.sizeBytes) break;
      if (chunkIdOf(await staging.read(offset, lengthBytes), this.#env.sha256) !== chunkId) break;
      offset += lengthBytes;
      kept += 1;
    }
    if (offset < staging.sizeBytes) await staging.truncate(offset);
    return manifest.slice(0, kept);
  }

  /** Writes a file's chunks beside its target. Takes its own from `fetched` whatever happens, so that the next file's come next. */
  async #fill(
    { manifest, sources, staging, firstIndex }: Filling,
    fetched: Fetched,
    events: Pick<DownloaderEvents, "fetched" | "reused">,
    signal: AbortSignal | undefined,
  ): Promise<Shortfall | undefined> {
    let failed: Shortfall | undefined;
    let reused = 0;
    for (const [index, source] of sources.entries()) {
      signal?.throwIfAborted();
      const entry = manifest[firstIndex + index] as ManifestEntry;
      let bytes: Uint8Array | undefined;
      if (source === undefined) {
        bytes = (await fetched.next()).value ?? undefined;
        if (bytes !== undefined) events.fetched(1, bytes.length);
        else failed ??= { kind: "failed", reason: `the server's copy of chunk ${entry.chunkId} is missing or damaged` };
      } else if (failed === undefined) {
        bytes = await this.#atHand(source, entry, staging);
        if (bytes === undefined) failed = { kind: "changed" };
        else reused += 1;
      }
      try {
        if (failed === undefined && bytes !== undefined) await staging.append(bytes);
      } catch (error) {
        failed = shortfallOf(error);
      }
    }
    if (reused > 0) events.reused(reused);
    return failed;
  }

  async #place({ file, staging, isOneWrite }: Pick<Job, "file" | "staging" | "isOneWrite">): Promise<FetchOutcome> {
    const { executable, mtimeNs, sizeBytes } = file.content;
    const mayBeListed = isOneWrite && file.expected === undefined && sizeBytes <= UNVERIFIED_BYTES;
    const durable = !mayBeListed || !this.#unverified.promise();
    const outcome: LocalOutcome = await staging.place(file.path, file.expected, { executable, mtimeNs }, { durable });
    return outcome.kind === "done" ? { kind: "placed", file, stat: outcome.stat, durable } : { kind: "changed", file };
  }

  /** Makes a file of the bytes of one that was just put in place. */
  async #copy(
    { file: first, stat }: Extract<FetchOutcome, { kind: "placed" }>,
    file: FileToFetch,
    manifests: ReadonlyMap<ManifestId, Manifest>,
  ): Promise<FetchOutcome> {
    const { manifestId } = file.content;
    try {
      const staging = (await this.#ahead.take(file.record.nodeId))?.staging ?? (await this.#tree.stage(file.record.nodeId));
      try {
        await staging.truncate(0);
        let offset = 0;
        for (const entry of manifests.get(manifestId) ?? []) {
          const bytes = await this.#atHand({ from: "local", path: first.path, stat, offset }, entry, staging);
          if (bytes === undefined) return { kind: "changed", file };
          await staging.append(bytes);
          offset += entry.lengthBytes;
        }
        this.#events.reused(manifests.get(manifestId)?.length ?? 0);
        return await this.#place({ file, staging, isOneWrite: false });
      } finally {
        await staging.close();
      }
    } catch (error) {
      return outcomeOf(file, error);
    }
  }

  /** A chunk from this disk, checked; `undefined` when it is no longer there. */
  async #atHand(source: Source, entry: ManifestEntry, staging: Staging): Promise<Uint8Array | undefined> {
    let bytes: Uint8Array;
    if (source.from === "staging") bytes = await staging.read(source.offset, entry.lengthBytes);
    else {
      bytes = new Uint8Array(entry.lengthBytes);
      let at = 0;
      try {
        for await (const piece of this.#tree.read(source.path, source.stat, { offset: source.offset, length: entry.lengthBytes })) {
          bytes.set(piece.subarray(0, bytes.length - at), at);
          at += piece.length;
        }
      } catch {
        return undefined;
      }
    }
    return chunkIdOf(bytes, this.#env.sha256) === entry.chunkId ? bytes : undefined;
  }
}

/** Says where the chunks of a file that is here are. */
function offer(sources: Map<ChunkId, Source>, { path, stat }: Pick<FileHere, "path" | "stat">, manifest: Manifest): void {
  let offset = 0;
  for (const { chunkId, lengthBytes } of manifest) {
    if (!sources.has(chunkId)) sources.set(chunkId, { from: "local", path, stat, offset });
    offset += lengthBytes;
  }
}

/** Files whose chunks are asked for together. All with one content are in one group: they are made from the first. */
function groupsOf(files: readonly FileToFetch[]): ReadonlyArray<readonly FileToFetch[]> {
  const byContent = new Map<ManifestId, FileToFetch[]>();
  for (const file of files) {
    const alike = byContent.get(file.content.manifestId);
    if (alike === undefined) byContent.set(file.content.manifestId, [file]);
    else alike.push(file);
  }
  const groups: FileToFetch[][] = [];
  let group: FileToFetch[] = [];
  let bytes = 0;
  for (const alike of byContent.values()) {
    const [{ content }] = alike as [FileToFetch];
    if (group.length > 0 && (bytes + content.sizeBytes > GROUP_BYTES || group.length >= GROUP_FILES)) {
      groups.push(group);
      group = [];
      bytes = 0;
    }
    group.push(...alike);
    bytes += content.sizeBytes;
  }
  if (group.length > 0) groups.push(group);
  return groups;
}

/** The first chunks are asked for now, not with the first `next`. */
function onTheWay(chunks: Fetched): Fetched {
  let first: ReturnType<Fetched["next"]> | undefined = chunks.next();
  first.catch(() => {}); // reported when it is asked for
  return {
    next() {
      const result = first ?? chunks.next();
      first = undefined;
      return result;
    },
  };
}

/** Where the entries from `firstIndex` on are at hand: in a file that is here, or further ahead in the one that is being made. */
function sourcesOf(manifest: Manifest, firstIndex: number, local: ReadonlyMap<ChunkId, Source>): ReadonlyArray<Source | undefined> {
  const sources: Array<Source | undefined> = [];
  const inStaging = new Map<ChunkId, Source>();
  let offset = 0;
  for (const [index, { chunkId, lengthBytes }] of manifest.entries()) {
    if (index >= firstIndex) sources.push(inStaging.get(chunkId) ?? local.get(chunkId));
    if (!inStaging.has(chunkId)) inStaging.set(chunkId, { from: "staging", offset });
    offset += lengthBytes;
  }
  return sources;
}

/** What stands in the way of one file is its outcome; what stands in the way of all is thrown. */
function outcomeOf(file: FileToFetch, error: unknown): FetchOutcome {
  return { ...shortfallOf(error), file };
}

function shortfallOf(error: unknown): Shortfall {
  if (!isTwinfoldError(error)) throw error;
  if (error.code === "ERR_NOT_FOUND" || error.code === "ERR_LOCAL_CHANGED") return { kind: "changed" };
  if (error.code === "ERR_PERMISSION_DENIED" || error.code === "ERR_LOCAL_FAILED" || error.code === "ERR_INVALID_NAME") {
    return { kind: "failed", reason: error.message };
  }
  throw error;
}
