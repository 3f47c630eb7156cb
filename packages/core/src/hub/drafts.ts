import type { Bus } from "../bus/bus.js";
import { decode, encode } from "../codec/codec.js";
import type { Env } from "../env.js";
import { TwinfoldError } from "../errors.js";
import { applyRuns, decodeManifest, encodeManifest, type Manifest, manifestIdOf, MAX_MANIFEST_BYTES } from "../manifest.js";
import type { HubRow, HubStore } from "../metadata/hub-store.js";
import { draftAboutCodec, MAX_KNOWN_DRAFTS, MAX_TOLD_ENTRIES } from "../transport/messages.js";
import type { DraftAnswer, DraftNews, DraftRequest, DraftsQuery } from "../transport/transport.js";
import { noSuchWorkspace } from "./access.js";
import { count, type HubCounters } from "./hub-counters.js";

/** Open drafts of one replica that are told to others; a further one ends the one that was touched longest ago. Some eight files make one commit. */
const MAX_TOLD_DRAFTS = 16;
/** A draft that nobody has touched for so long was given up: it is told to nobody, and goes when another one is begun. */
export const DRAFT_KEPT_MS = 7 * 24 * 60 * 60 * 1_000;

const NO_ENTRIES: Manifest = [];

export interface DraftsOptions {
  readonly store: HubStore;
  readonly bus: Bus;
  readonly env: Pick<Env, "nowMs" | "sha256">;
  readonly counters: HubCounters;
}

/** Manifests that are still being uploaded. Judges no permission. */
export function createDrafts({ store, bus, env, counters }: DraftsOptions) {
  async function put({ workspaceId }: DraftRequest, rows: readonly HubRow[]): Promise<void> {
    const [result] = await store.append([{ workspaceId, rows }]);
    if (result !== "appended") throw noSuchWorkspace(workspaceId);
    bus.publish(workspaceId, 0); // the journal is where it was, and those who wait for drafts look again
  }

  async function baseOf({ workspaceId, baseManifestId }: DraftRequest): Promise<Manifest> {
    if (baseManifestId === undefined) return NO_ENTRIES;
    const [body] = await store.manifests(workspaceId, [baseManifestId]);
    if (body !== undefined) return decodeManifest(body);
    throw new TwinfoldError("ERR_NOT_FOUND", `the base manifest ${baseManifestId} is not in workspace ${workspaceId}; send the entries themselves`);
  }

  /** Drafts that make room for one that is begun: those given up, those of the same replica for the same node, and the oldest of too many. */
  async function replacedBy({ workspaceId, replicaId, draftId, about }: DraftRequest): Promise<readonly HubRow[]> {
    const others = (await store.drafts(workspaceId, MAX_KNOWN_DRAFTS)).filter((other) => other.draftId !== draftId);
    const own = others.filter((other) => other.replicaId === replicaId).sort((a, b) => b.touchedAtMs - a.touchedAtMs);
    const kept = new Set(own.slice(0, MAX_TOLD_DRAFTS - 1));
    return others
      .filter((other) => {
        if (other.touchedAtMs <= env.nowMs() - DRAFT_KEPT_MS) return true;
        if (other.replicaId !== replicaId) return false;
        return !kept.has(other) || (other.about !== undefined && decode(draftAboutCodec, other.about).nodeId === about?.nodeId);
      })
      .map(removal);
  }

  /** Grows a draft by one piece, and closes it into a manifest that commits may name. */
  async function grow(request: DraftRequest): Promise<DraftAnswer> {
    const { workspaceId, replicaId, draftId, firstIndex, runs, closeAs, about } = request;
    if (closeAs !== undefined) {
      // A close whose answer was lost is asked again: the manifest is there, and the draft is not.
      const [closed] = await store.manifests(workspaceId, [closeAs]);
      if (closed !== undefined) {
        if ((await store.draft(workspaceId, draftId))?.replicaId === replicaId) await put(request, [removal(request)]);
        return { length: decodeManifest(closed).length, closed: true };
      }
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
      throw new TwinfoldError(
        "ERR_TOO_LARGE",
        `the draft ${draftId} would be longer than a manifest may be: ${body.length} of ${MAX_MANIFEST_BYTES} bytes`,
      );
    }
    decodeManifest(body); // Refuses entries that no manifest may have, also from callers in this process.
    if (closeAs === undefined) {
      const replaced = draft === undefined && about !== undefined ? await replacedBy(request) : [];
      const told = about && encode(draftAboutCodec, about);
      const row = { draftId, replicaId, manifest: body, length: manifest.length, touchedAtMs: env.nowMs(), about: told };
      await put(request, [...replaced, { table: "draft", row }]);
      return { length: manifest.length, closed: false };
    }
    if (manifestIdOf(body, env.sha256) !== closeAs) {
      await put(request, [removal(request)]);
      throw new TwinfoldError(
        "ERR_INTEGRITY",
        `the draft ${draftId} is not the manifest ${closeAs} that it was to be; it was dropped, send it again from the start`,
      );
    }
    await put(request, [{ table: "manifest", manifestId: closeAs, body }, removal(request)]);
    return { length: manifest.length, closed: true };
  }

  /** What open drafts have that the asker does not know, in bounded pieces. */
  async function news(query: DraftsQuery): Promise<readonly DraftNews[]> {
    const { workspaceId, replicaId } = query;
    const sinceMs = env.nowMs() - DRAFT_KEPT_MS;
    const open = (await store.drafts(workspaceId, MAX_KNOWN_DRAFTS)).filter(
      (draft) => draft.about !== undefined && draft.replicaId !== replicaId && draft.touchedAtMs > sinceMs,
    );
    const openIds = new Set(open.map(({ draftId }) => draftId));
    const known = new Map(query.known.map(({ draftId, length }) => [draftId, length]));
    const found: DraftNews[] = [...known.keys()].filter((draftId) => !openIds.has(draftId)).map((draftId) => ({ workspaceId, replicaId, draftId }));
    let room = MAX_TOLD_ENTRIES;
    for (const { draftId, length, about } of open) {
      const firstIndex = known.get(draftId) ?? 0;
      if (about === undefined || length <= firstIndex || room === 0) continue;
      const row = await store.draft(workspaceId, draftId);
      const entries = row === undefined ? NO_ENTRIES : decodeManifest(row.manifest).slice(firstIndex, firstIndex + room);
      if (entries.length === 0) continue;
      room -= entries.length;
      count(counters, "draftChunksTold", entries.length);
      found.push({ workspaceId, replicaId, draftId, grown: { about: decode(draftAboutCodec, about), firstIndex, entries } });
    }
    return found.slice(0, MAX_KNOWN_DRAFTS);
  }

  return { grow, news };
}

function removal({ draftId }: Pick<DraftRequest, "draftId">): HubRow {
  return { table: "draft-removed", draftId };
}
