import { encode } from "../codec/codec.js";
import { isTwinfoldError } from "../errors.js";
import type { ChunkId, NodeId } from "../ids.js";
import { isAsExpected } from "../local/expected.js";
import { applyRuns, chunkIdOf, decodeManifest, type Manifest } from "../manifest.js";
import type { LocalPath } from "../names.js";
import { type Head, headCodec, sameContent } from "../node.js";
import type { OperationOptions } from "../operation-options.js";
import { isLive, type NodeRecord } from "../reconcile/node-record.js";
import { MAX_ASKED_CHUNKS } from "../transport/messages.js";
import type { HeadRow } from "../transport/transport.js";
import { fetchChunks } from "./download/chunk-fetcher.js";
import { manifestOfFile } from "./scan/manifest-of-file.js";
import type { ReplicaParts } from "./replica-parts.js";

/**
 * One thing that is not as it should be, and where on the way from this disk to the hub's chunks it was found.
 *
 * `disk`: a file's bytes are not those that its time stamps stand for · `database`: this device's rows contradict themselves ·
 * `hub`: they say something else of the hub than the hub does · `chunks`: the hub lacks bytes that it names.
 */
export interface CheckFinding {
  readonly hop: "disk" | "database" | "hub" | "chunks";
  readonly path: string;
  /** A sentence without its end. */
  readonly problem: string;
  /** What was done about it; `undefined` when nothing was. */
  readonly repair: string | undefined;
}

export interface CheckReport {
  /** Nothing was found, or everything found was repaired. */
  readonly sound: boolean;
  readonly findings: readonly CheckFinding[];
  readonly nodes: number;
  /** Files on this disk that were read whole, and their bytes. */
  readonly files: number;
  readonly bytes: number;
  /** Chunks that the hub was asked about; with `deep` their bytes were fetched too. */
  readonly chunks: number;
  /** Files that were changed since they were last looked at: the next `sync` looks at them. */
  readonly pending: number;
}

export interface CheckOptions extends OperationOptions {
  /**
   * Mends what can be proved: rows are made anew from what they stand for, the hub's view is fetched again, chunks that the hub lacks are sent from a
   * file whose bytes are right, a damaged file goes to the trash and is fetched again. @default false
   */
  readonly repair?: boolean | undefined;
  /** Fetches every chunk of the workspace from the hub and checks its bytes. @default false */
  readonly deep?: boolean | undefined;
}

interface WantedFile {
  readonly head: Head;
  readonly manifest: Manifest;
}

/**
 * Looks at every hop of one replica, and changes nothing unless it is told to.
 *
 * The remote tree has to be up to date with the hub before. Memory: the directories' ids, and one page of rows or chunks.
 */
export class Checkup {
  readonly #parts: ReplicaParts;
  readonly #options: CheckOptions;
  readonly #findings: CheckFinding[] = [];
  readonly #directories = new Set<NodeId>();
  #nodes = 0;
  #files = 0;
  #bytes = 0;
  #chunks = 0;
  #pending = 0;
  #liveHere = 0;

  constructor(parts: ReplicaParts, options: CheckOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  async run(): Promise<CheckReport> {
    await this.#parts.tree.check();
    await this.#database();
    await this.#disk();
    await this.#hub();
    return {
      sound: this.#findings.every((finding) => finding.repair !== undefined),
      findings: this.#findings,
      nodes: this.#nodes,
      files: this.#files,
      bytes: this.#bytes,
      chunks: this.#chunks,
      pending: this.#pending,
    };
  }

  /** Rows say what their records say, and every node has a directory that has one, up to the root. */
  async #database(): Promise<void> {
    const { trees } = this.#parts;
    const { rootNodeId } = trees.state;
    this.#directories.add(rootNodeId);
    for await (const page of trees.audited()) {
      this.#options.signal?.throwIfAborted();
      for (const { record, isFiled } of page) {
        this.#nodes += 1;
        if (isLive(record.remote)) this.#liveHere += 1;
        if (record.local?.content.kind === "directory" || record.remote?.content.kind === "directory") this.#directories.add(record.nodeId);
        if (isFiled) continue;
        const path = await trees.shownPath(record.nodeId);
        await this.#found("database", path, "is filed under a wrong name, parent or state", "filed anew", () => trees.write({ put: [record] }));
      }
    }
    for await (const page of trees.all()) {
      for (const record of page) await this.#parents(record);
    }
  }

  async #parents({ nodeId, local, remote }: NodeRecord): Promise<void> {
    const { trees } = this.#parts;
    const places = [local?.place, isLive(remote) ? remote.place : undefined].filter((place) => place !== undefined);
    const hasParents = places.every((place) => this.#directories.has(place.parentId));
    const isReachable = local === undefined || (await trees.localPath(nodeId)) !== undefined;
    if (hasParents && isReachable) return;
    const path = places.map((place) => place.name).join(" or ");
    await this.#found("database", path, "is in a directory that is not there", "the server's view is fetched anew with the next sync", () =>
      trees.forgetCursor(),
    );
  }

  /** Every file's bytes are those of its manifest. */
  async #disk(): Promise<void> {
    const { trees, tree, env } = this.#parts;
    const { signal } = this.#options;
    for await (const page of trees.all()) {
      for (const record of page) {
        const { local, nodeId } = record;
        if (local?.content.kind !== "file") continue;
        const path = await trees.localPath(nodeId);
        if (path === undefined) continue; // said with the database
        try {
          if (!isAsExpected(await tree.stat(path), local.stat)) {
            this.#pending += 1;
            continue;
          }
          const { manifestId, body } = await manifestOfFile(tree, path, local.stat, env, { signal });
          this.#files += 1;
          this.#bytes += local.stat.sizeBytes;
          if (manifestId !== local.content.manifestId) await this.#damaged(record, path);
          else if ((await trees.manifestBytes(manifestId)) === undefined) {
            await this.#found("database", path, "has no list of chunks in this device's database", "made anew from the file", () =>
              trees.write({ manifests: [{ manifestId, body }] }),
            );
          }
        } catch (error) {
          signal?.throwIfAborted();
          if (!isTwinfoldError(error)) throw error;
          if (error.code === "ERR_LOCAL_CHANGED" || error.code === "ERR_NOT_FOUND") this.#pending += 1;
          else if (error.code === "ERR_PERMISSION_DENIED" || error.code === "ERR_LOCAL_FAILED")
            await this.#found("disk", path, `cannot be read: ${error.message}`);
          else throw error;
        }
      }
    }
  }

  /**
   * Bytes changed under unchanged time stamps: a failing disk, or a tool that sets the times back. Only what the hub has whole is taken away from the disk.
   * The rows go first: a crash between leaves the file as something new, which is kept.
   */
  async #damaged(record: NodeRecord, path: LocalPath): Promise<void> {
    const { trees, tree } = this.#parts;
    const { nodeId, local, synced, remote } = record;
    const problem = "has other bytes than when it was last read, though its time stamps are the same";
    const isInSync = local !== undefined && synced !== undefined && isLive(remote) && sameContent(local.content, synced.content);
    const isWhole = isInSync && sameContent(synced.content, remote.content) && (await this.#isAtHub(remote));
    if (!isWhole) return await this.#found("disk", path, `${problem}; the server has no whole copy of it`);
    await this.#found("disk", path, problem, "the damaged bytes are in the trash; the file comes again with the next sync", async () => {
      await trees.write({ put: [{ nodeId, remote }] });
      await tree.remove(path, local.stat);
    });
  }

  async #isAtHub(head: Head): Promise<boolean> {
    const manifest = await this.#manifestOf({ head });
    if (manifest === undefined) return false;
    const ids = manifest.map(({ chunkId }) => chunkId);
    for (let at = 0; at < ids.length; at += MAX_ASKED_CHUNKS) {
      if ((await this.#missing(ids.slice(at, at + MAX_ASKED_CHUNKS))).size > 0) return false;
    }
    return true;
  }

  /** The remote tree is what the hub has, and the hub has every chunk that it names. */
  async #hub(): Promise<void> {
    const { trees, transport, workspaceId } = this.#parts;
    const { signal } = this.#options;
    const knownSeq = trees.state.cursor?.seq ?? 0;
    let liveThere = 0;
    let files: WantedFile[] = [];
    let asked = 0;
    for (let afterSeq: number | undefined = 0; afterSeq !== undefined; ) {
      const page = await transport.heads({ workspaceId, afterSeq }, { signal });
      const records = await trees.records(page.heads.map(({ head }) => head.nodeId));
      for (const [index, row] of page.heads.entries()) {
        const { head } = row;
        if (head.seq > knownSeq) continue; // came after the last look
        if (!head.deleted) liveThere += 1;
        if (!isSameHead(records[index]?.remote, head)) await this.#otherAtHub(head);
        if (head.deleted || head.content.kind !== "file") continue;
        const manifest = await this.#manifestOf(row);
        if (manifest === undefined) {
          await this.#found("chunks", await this.#shown(head), "has no list of chunks at the server");
          continue;
        }
        files.push({ head, manifest });
        asked += manifest.length;
        if (asked < MAX_ASKED_CHUNKS) continue;
        await this.#chunksOf(files);
        [files, asked] = [[], 0];
      }
      afterSeq = page.nextAfterSeq;
    }
    await this.#chunksOf(files);
    if (liveThere === this.#liveHere) return;
    const problem = `${this.#liveHere} nodes are there as far as this device knows, where the server has ${liveThere}`;
    await this.#found("hub", ".", problem, "the server's view is fetched anew with the next sync", () => trees.forgetCursor());
  }

  async #otherAtHub(head: Head): Promise<void> {
    const problem = "is not at the server what this device's database says";
    await this.#found("hub", await this.#shown(head), problem, "the server's view is fetched anew with the next sync", () =>
      this.#parts.trees.forgetCursor(),
    );
  }

  async #chunksOf(files: readonly WantedFile[]): Promise<void> {
    const ids = [...new Set(files.flatMap(({ manifest }) => manifest.map(({ chunkId }) => chunkId)))];
    this.#chunks += ids.length;
    const missing = new Set<ChunkId>();
    for (let at = 0; at < ids.length; at += MAX_ASKED_CHUNKS) {
      for (const chunkId of await this.#missing(ids.slice(at, at + MAX_ASKED_CHUNKS))) missing.add(chunkId);
    }
    for (const file of files) {
      const lacking = file.manifest.filter(({ chunkId }) => missing.has(chunkId));
      if (lacking.length > 0) await this.#lacking(file, missing);
      else if (this.#options.deep === true) await this.#fetchWhole(file);
    }
  }

  async #missing(chunkIds: readonly ChunkId[]): Promise<ReadonlySet<ChunkId>> {
    const { transport, workspaceId } = this.#parts;
    return new Set(await transport.missing({ workspaceId, chunkIds }, { signal: this.#options.signal }));
  }

  async #lacking({ head, manifest }: WantedFile, missing: Set<ChunkId>): Promise<void> {
    const path = await this.#shown(head);
    const count = manifest.filter(({ chunkId }) => missing.has(chunkId)).length;
    const problem = `${count} of its ${manifest.length} chunks are not at the server`;
    const sent = this.#options.repair === true && (await this.#send(head, manifest, missing));
    if (sent) await this.#found("chunks", path, problem, "sent from the file on this disk", async () => {});
    else await this.#found("chunks", path, `${problem}; a device that has the file can send them`);
  }

  /** Sends chunks from this disk's file, each only when its bytes have its hash. */
  async #send(head: Head, manifest: Manifest, missing: Set<ChunkId>): Promise<boolean> {
    const { trees, tree, transport, workspaceId, env } = this.#parts;
    const record = await trees.record(head.nodeId);
    const path = await trees.localPath(head.nodeId);
    if (path === undefined || record?.local === undefined || !sameContent(record.local.content, head.content)) return false;
    let offset = 0;
    for (const { chunkId, lengthBytes } of manifest) {
      if (missing.has(chunkId)) {
        const payload = new Uint8Array(lengthBytes);
        let filled = 0;
        for await (const piece of tree.read(path, record.local.stat, { offset, length: lengthBytes, signal: this.#options.signal })) {
          payload.set(piece, filled);
          filled += piece.length;
        }
        if (chunkIdOf(payload, env.sha256) !== chunkId) return false;
        await transport.upload({ workspaceId, frames: [{ chunkId, codec: "plain", plainBytes: lengthBytes, payload }] }, this.#options);
        missing.delete(chunkId);
      }
      offset += lengthBytes;
    }
    return true;
  }

  async #fetchWhole({ head, manifest }: WantedFile): Promise<void> {
    let damaged = 0;
    for await (const bytes of fetchChunks(this.#parts, manifest, { signal: this.#options.signal })) if (bytes === undefined) damaged += 1;
    if (damaged > 0) await this.#found("chunks", await this.#shown(head), `${damaged} of its ${manifest.length} chunks are damaged at the server`);
  }

  async #manifestOf({ head, manifest }: HeadRow): Promise<Manifest | undefined> {
    if (head.content.kind !== "file") return undefined;
    if (manifest !== undefined) return decodeManifest(manifest);
    const { transport, trees, workspaceId } = this.#parts;
    const { manifestId } = head.content;
    const known = await trees.manifest(manifestId);
    if (known !== undefined) return known;
    const [answer] = await transport.manifests({ workspaceId, wanted: [{ manifestId }] }, { signal: this.#options.signal });
    return answer?.runs && applyRuns([], answer.runs);
  }

  async #shown(head: Head): Promise<string> {
    const isKnown = (await this.#parts.trees.record(head.nodeId)) !== undefined;
    return isKnown ? await this.#parts.trees.shownPath(head.nodeId) : head.place.name;
  }

  async #found(hop: CheckFinding["hop"], path: string, problem: string, repair?: string, mend?: () => Promise<void>): Promise<void> {
    const isMended = mend !== undefined && this.#options.repair === true;
    if (isMended) await mend();
    this.#findings.push({ hop, path, problem, repair: isMended ? repair : undefined });
  }
}

function isSameHead(known: Head | undefined, head: Head): boolean {
  if (known === undefined) return head.deleted;
  const [a, b] = [encode(headCodec, known), encode(headCodec, head)];
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
