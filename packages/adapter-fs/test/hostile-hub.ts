import { createHash } from "node:crypto";
import {
  answerCodecs,
  type ChangesAnswer,
  type Codec,
  commitCodec,
  type Content,
  decode,
  encode,
  encodeManifest,
  firstChain,
  cursorAt,
  type Epoch,
  type Head,
  type HeadsAnswer,
  HUB_REPLICA_ID,
  isTwinfoldError,
  type ManifestId,
  manifestIdOf,
  nobleSha256,
  type NodeId,
  type NodeName,
  type Transport,
  TwinfoldError,
  type WorkspaceId,
} from "@twinfold/core";

export const WORKSPACE = "0".repeat(32) as WorkspaceId;
export const ROOT_NODE = "f".repeat(32) as NodeId;
const EPOCH = "e".repeat(32) as Epoch;
const NO_BYTES = encodeManifest([]);

/** An empty file, with which nothing has to be fetched. */
export const EMPTY_FILE: Content = {
  kind: "file",
  manifestId: manifestIdOf(NO_BYTES, nobleSha256) as ManifestId,
  sizeBytes: 0,
  executable: false,
  mtimeNs: 1_600_000_000_000_000_000n,
};

export function nodeIdOf(text: string): NodeId {
  return createHash("sha256").update(text).digest("hex").slice(0, 32) as NodeId;
}

/** A hub that checks nothing, and says what it is told to. Its answers pass through the real codecs, as over a wire. */
export interface HostileHub extends Transport {
  /** Another version of a node: the next `changes` tells it. */
  say(nodeId: NodeId, parentId: NodeId, name: string, content: Content, deleted?: boolean): void;
}

export function createHostileHub(): HostileHub {
  const heads = new Map<NodeId, Head>();
  let seq = 0;

  const cursor = () => cursorAt(EPOCH, seq, firstChain(EPOCH, nobleSha256));
  const rowOf = (head: Head) => ({ head, ...(head.content.kind === "file" ? { manifest: NO_BYTES } : {}) });
  const refuse = async (): Promise<never> => {
    throw new TwinfoldError("ERR_PROTOCOL", "the hostile hub takes nothing");
  };

  function wired<T>(codec: Codec<T>, answer: T): T {
    return decode(codec, encode(codec, answer));
  }

  return {
    say(nodeId, parentId, name, content, deleted = false) {
      seq += 1;
      const vector = new Map([[HUB_REPLICA_ID, seq]]);
      const place = { parentId, name: name as NodeName };
      heads.set(nodeId, { nodeId, place, placeVector: vector, content, contentVector: vector, deleted, revision: 1, seq });
    },
    hello: async () => ({ features: [], maxFileBytes: 2 ** 40, maxBatchBytes: 2 ** 23, maxCommitChanges: 1_000 }),
    async changes({ workspaces: [query] }) {
      const after = query?.cursor?.seq;
      const rows = [...heads.values()].filter((head) => head.seq > (after ?? 0));
      const answer: ChangesAnswer =
        after === undefined
          ? { kind: "reset", outcomes: [] }
          : {
              kind: "rows",
              outcomes: [],
              rows: rows.map((head) => ({
                ...rowOf(head),
                row: {
                  head,
                  placeChanged: true,
                  contentChanged: true,
                  replicaId: HUB_REPLICA_ID,
                  commitCounter: head.seq,
                  deviceId: "d".repeat(32) as never,
                  deviceName: "hostile",
                  atMs: 0,
                },
              })),
              cursor: cursor(),
              more: false,
            };
      return wired(answerCodecs.changes, { hello: await this.hello(), workspaces: [answer] });
    },
    async heads() {
      const all: HeadsAnswer = { rootNodeId: ROOT_NODE, heads: [...heads.values()].map((head) => ({ ...rowOf(head) })), cursor: cursor() };
      return wired(answerCodecs.heads, all);
    },
    outcomes: async () => [],
    wait: refuse,
    manifests: async () => [],
    versions: async () => [],
    missing: async ({ chunkIds }) => chunkIds,
    sketches: async ({ chunkIds }) => chunkIds.map(() => []),
    draft: refuse,
    upload: refuse,
    // biome-ignore lint/correctness/useYield: it gives nothing
    async *download() {
      await refuse();
    },
    // It has what it has: whatever it is asked to take is no good.
    async commit({ commit }) {
      const verdicts = decode(commitCodec, commit).changes.map(() => ({ place: "invalid", content: "invalid" }) as const);
      return { kind: "done", verdicts };
    },
  };
}

/** True when the name passes the codecs: then it has to be safe on every disk. */
export function passes(name: string): boolean {
  try {
    const head: Head = {
      nodeId: ROOT_NODE,
      place: { parentId: ROOT_NODE, name: name as NodeName },
      placeVector: new Map(),
      content: { kind: "directory" },
      contentVector: new Map(),
      deleted: false,
      revision: 0,
      seq: 1,
    };
    const answer: HeadsAnswer = { rootNodeId: ROOT_NODE, heads: [{ head }], cursor: cursorAt(EPOCH, 1, firstChain(EPOCH, nobleSha256)) };
    decode(answerCodecs.heads, encode(answerCodecs.heads, answer));
    return true;
  } catch (error) {
    if (isTwinfoldError(error) && error.code === "ERR_PROTOCOL") return false;
    throw error;
  }
}
