import {
  applyDelta,
  type ChunkId,
  type ChunkRow,
  commitCodec,
  decode,
  decodeDelta,
  decodeManifest,
  fflateCompression,
  type Frame,
  hexToBytes,
  isTwinfoldError,
  type Sha256,
  type Transport,
  type WorkspaceId,
} from "@twinfold/core";
import type { Mutant } from "./mutant.js";
import { except, onBlobs, onHub, onHubEnd, onHubStore, onReplica } from "./seams.js";
import { crowded, damaging, damagingEdits, dyingHub, failingStores } from "./where.js";

/** Mutants of what becomes of bytes between a device and the blobs of the hub. */
export const ofChunks = {
  "everything-possessed": {
    broken: "The hub takes a chunk for possessed because somebody knows its id.",
    where: crowded,
    apply(sut) {
      const lengths = new Map<string, number>();
      const atStore = onHubStore(sut, (store) => ({
        possessed: async (_workspaceId, chunkIds) => new Map(chunkIds.map((chunkId) => [chunkId, lengths.get(chunkId) ?? 1])),
        chunks: async (chunkIds) =>
          (await store.chunks(chunkIds)).map((row, index) => {
            const chunkId = chunkIds[index] as ChunkRow["chunkId"];
            const plainBytes = lengths.get(chunkId) ?? 1;
            return row ?? { chunkId, pack: "packs/nowhere", offset: 0, storedBytes: plainBytes, plainBytes, codec: "plain" };
          }),
      }));
      return onHubEnd(atStore, (transport) => ({
        async commit(request, options) {
          for (const change of decode(commitCodec, request.commit).changes) {
            const manifest = change.kind === "put" ? change.content?.manifest : undefined;
            for (const { chunkId, lengthBytes } of manifest === undefined ? [] : decodeManifest(manifest)) lengths.set(chunkId, lengthBytes);
          }
          return await transport.commit(request, options);
        },
      }));
    },
  },
  "possession-lost": {
    broken: "Of some chunks the row that says who possesses them is lost.",
    where: crowded,
    apply: (sut) =>
      onHubStore(sut, (store) => ({
        append: async (batches) =>
          await store.append(
            batches.map((batch) => ({ ...batch, rows: batch.rows.filter((change) => change.table !== "possessed" || change.chunkId[0] !== "0") })),
          ),
      })),
  },
  "manifest-of-other-bytes": {
    broken: "A manifest is stored under the id of the one that comes next.",
    where: crowded,
    apply(sut) {
      let last: Uint8Array | undefined;
      return onHubStore(sut, (store) => ({
        append: async (batches) =>
          await store.append(
            batches.map((batch) => ({
              ...batch,
              rows: batch.rows.map((change) => {
                if (change.table !== "manifest") return change;
                const body = last?.length === change.body.length ? last : change.body;
                last = change.body;
                return { ...change, body };
              }),
            })),
          ),
      }));
    },
  },
  "collected-too-soon": {
    broken: "A pack is collected just after somebody was told that a chunk of it is there already.",
    where: crowded,
    apply: (sut) =>
      onHub(sut, ({ store, blobs }) => ({
        store: except(store, {
          async possessed(workspaceId, chunkIds) {
            const possessed = await store.possessed(workspaceId, chunkIds);
            const [row] = possessed.size > 1 ? await store.chunks([...possessed.keys()].slice(0, 1)) : [];
            if (row !== undefined) await blobs.delete(row.pack);
            return possessed;
          },
        }),
      })),
  },
  "pack-not-durable": {
    broken: "The last pack that was written is gone when the hub starts anew.",
    where: dyingHub,
    apply(sut) {
      let last: { readonly name: string; readonly by: object } | undefined;
      return onBlobs(sut, (blobs) => ({
        async put(name, bytes, options) {
          if (last !== undefined && last.by !== blobs) await blobs.delete(last.name);
          await blobs.put(name, bytes, options);
          last = { name, by: blobs };
        },
      }));
    },
  },
  "failed-put-ignored": {
    broken: "The hub takes chunks for stored although the blob store failed.",
    where: failingStores,
    apply: (sut) => onBlobs(sut, (blobs) => ({ put: async (name, bytes, options) => await blobs.put(name, bytes, options).catch(() => {}) })),
  },
  "upload-unverified": {
    broken: "The hub keeps uploaded bytes under the id that came with them.",
    where: damaging,
    apply(sut) {
      const believed = new Believed();
      const atHub = onHub(sut, ({ env }) => ({ env: { ...env, sha256: believed.over(env.sha256) } }));
      return onHubEnd(atHub, (transport) => ({
        upload(request, options) {
          for (const { chunkId, payload } of request.frames) believed.add(payload, chunkId);
          return transport.upload(request, options);
        },
      }));
    },
  },
  "difference-unverified": {
    broken: "The hub keeps what it made of a difference under the id that came with it.",
    where: damagingEdits,
    apply(sut) {
      const believed = new Believed();
      const atHub = onHub(sut, ({ env }) => ({ env: { ...env, sha256: believed.over(env.sha256) } }));
      return onHubEnd(atHub, (transport) => ({
        async upload(request, options) {
          for (const frame of request.frames) {
            const chunk = frame.codec === "delta" ? await rebuilt(transport, request.workspaceId, frame) : undefined;
            if (chunk !== undefined) believed.add(chunk, frame.chunkId);
          }
          return await transport.upload(request, options);
        },
      }));
    },
  },
  "download-unverified": {
    broken: "A device keeps downloaded bytes under the id that came with them.",
    where: damaging,
    apply: (sut) =>
      onReplica(sut, ({ transport, env }) => {
        const believed = new Believed();
        return {
          env: { ...env, sha256: believed.over(env.sha256) },
          transport: except(transport, {
            async *download(request, options) {
              for await (const frame of transport.download(request, options)) {
                if (frame.codec === "plain") believed.add(frame.payload, frame.chunkId);
                yield frame;
              }
            },
          }),
        };
      }),
  },
} satisfies Record<string, Mutant>;

/** What a frame's difference makes of what the hub has; `undefined` when it is malformed. */
async function rebuilt(transport: Transport, workspaceId: WorkspaceId, { payload, plainBytes }: Frame): Promise<Uint8Array | undefined> {
  try {
    const delta = decodeDelta(payload, fflateCompression);
    const bases = new Map<ChunkId, Uint8Array>();
    for await (const frame of transport.download({ workspaceId, chunkIds: delta.bases })) {
      if (frame.codec === "plain") bases.set(frame.chunkId, frame.payload);
    }
    return applyDelta(delta, bases, plainBytes);
  } catch (error) {
    if (isTwinfoldError(error)) return undefined;
    throw error;
  }
}

/** Bytes whose hash is taken to be what somebody said that it is. */
class Believed {
  readonly #digests = new Map<string, Uint8Array>();

  add(bytes: Uint8Array, hex: string): void {
    this.#digests.set(Buffer.from(bytes).toString("latin1"), hexToBytes(hex));
  }

  over(sha256: Sha256): Sha256 {
    return (bytes) => (this.#digests.size === 0 ? undefined : this.#digests.get(Buffer.from(bytes).toString("latin1"))) ?? sha256(bytes);
  }
}
