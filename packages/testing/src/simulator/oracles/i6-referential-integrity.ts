import { decode, decodeManifest, headCodec } from "@twinfold/core";
import type { Oracle } from "../oracle.js";

/** From the moment that a version is durable, its manifest is there, and each chunk of it is possessed and stored. */
export function referentialIntegrity(): Oracle {
  return {
    id: "I6",
    async onAppended(batch, { hub }, fail) {
      for (const change of batch.rows) {
        if (change.table !== "node" || change.row.deleted) continue;
        const { content, place } = decode(headCodec, change.row.body);
        if (content.kind !== "file") continue;
        const [body] = await hub.store.manifests(batch.workspaceId, [content.manifestId]);
        if (body === undefined) {
          fail(`the hub accepted ${place.name} without its manifest`);
          continue;
        }
        const entries = decodeManifest(body);
        const chunkIds = [...new Set(entries.map(({ chunkId }) => chunkId))];
        const possessed = await hub.store.possessed(batch.workspaceId, chunkIds);
        const rows = await hub.store.chunks(chunkIds);
        for (const [index, chunkId] of chunkIds.entries()) {
          const row = rows[index];
          if (!possessed.has(chunkId)) fail(`the hub accepted ${place.name}, whose chunk ${chunkId} the workspace does not possess`);
          else if (row === undefined) fail(`the hub accepted ${place.name}, whose chunk ${chunkId} is nowhere`);
          else if (((await hub.blobs.head(row.pack))?.sizeBytes ?? 0) < row.offset + row.storedBytes)
            fail(`the pack of chunk ${chunkId} of ${place.name} is not there, or too short`);
        }
      }
    },
  };
}
