import type { Env } from "../env.js";
import { TwinfoldError } from "../errors.js";
import { applyRuns, decodeManifest, encodeManifest, type Manifest, manifestIdOf, MAX_MANIFEST_BYTES } from "../manifest.js";
import type { HubRow, HubStore } from "../metadata/hub-store.js";
import type { DraftAnswer, DraftRequest } from "../transport/transport.js";
import { noSuchWorkspace } from "./access.js";

const NO_ENTRIES: Manifest = [];

/** Grows a draft by one piece, and closes it into a manifest that commits may name. Judges no permission. */
export function createDrafts(store: HubStore, env: Pick<Env, "nowMs" | "sha256">) {
  async function put(request: DraftRequest, row: HubRow): Promise<void> {
    const [result] = await store.append([{ workspaceId: request.workspaceId, rows: row.table === "manifest" ? [row, removal(request)] : [row] }]);
    if (result !== "appended") throw noSuchWorkspace(request.workspaceId);
  }

  async function baseOf({ workspaceId, baseManifestId }: DraftRequest): Promise<Manifest> {
    if (baseManifestId === undefined) return NO_ENTRIES;
    const [body] = await store.manifests(workspaceId, [baseManifestId]);
    if (body !== undefined) return decodeManifest(body);
    throw new TwinfoldError("ERR_NOT_FOUND", `the base manifest ${baseManifestId} is not in workspace ${workspaceId}; send the entries themselves`);
  }

  return async (request: DraftRequest): Promise<DraftAnswer> => {
    const { workspaceId, replicaId, draftId, firstIndex, runs, closeAs } = request;
    if (closeAs !== undefined) {
      // A close whose answer was lost is asked again: the manifest is there, and the draft is not.
      const [closed] = await store.manifests(workspaceId, [closeAs]);
      if (closed !== undefined) return { length: decodeManifest(closed).length, closed: true };
    }
    const draft = await store.draft(workspaceId, draftId);
    if (draft !== undefined && draft.replicaId !== replicaId) {
      throw new TwinfoldError("ERR_PERMISSION_DENIED", `the draft ${draftId} is another replica's; begin one with a new id`);
    }
    const held = draft === undefined ? NO_ENTRIES : decodeManifest(draft.manifest);
    if (held.length !== firstIndex) return { length: held.length, closed: false };

    const manifest = [...held, ...applyRuns(await baseOf(request), runs)];
    const body = encodeManifest(manifest);
    if (body.length > MAX_MANIFEST_BYTES) {
      throw new TwinfoldError("ERR_TOO_LARGE", `the draft ${draftId} would be longer than a manifest may be: ${body.length} of ${MAX_MANIFEST_BYTES} bytes`);
    }
    decodeManifest(body); // Refuses entries that no manifest may have, also from callers in this process.
    if (closeAs === undefined) {
      await put(request, { table: "draft", row: { draftId, replicaId, manifest: body, touchedAtMs: env.nowMs() } });
      return { length: manifest.length, closed: false };
    }
    if (manifestIdOf(body, env.sha256) !== closeAs) {
      await put(request, removal(request));
      throw new TwinfoldError("ERR_INTEGRITY", `the draft ${draftId} is not the manifest ${closeAs} that it was to be; it was dropped, send it again from the start`);
    }
    await put(request, { table: "manifest", manifestId: closeAs, body });
    return { length: manifest.length, closed: true };
  };
}

function removal({ draftId }: DraftRequest): HubRow {
  return { table: "draft-removed", draftId };
}
