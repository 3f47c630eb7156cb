import { INTERNAL_NAME, type LocalPath, type NodeId, parsePath, type Replica, type Revision } from "@twinfold/core";
import { type Folder, ROOT } from "./folder.js";
import type { Ledger, Payload } from "./ledger.js";
import type { Life } from "./life.js";
import type { SimDisk } from "./sim-disk.js";
import type { AskedKind, DeviceSpec, Op } from "./world-plan.js";

export interface EngineUserParts {
  readonly spec: DeviceSpec;
  readonly folder: Folder;
  readonly disk: SimDisk;
  readonly ledger: Ledger;
  /** What is durable at the hub of a file, newest first, whatever became of the network. */
  readonly revisions: (nodeId: NodeId) => Promise<readonly Revision[]>;
  /** What the disk had left of a file then went to the trash, from where it may be brought back. */
  readonly hasLostPower: () => boolean;
}

/** What a person at one device asks of the engine, beside what they do in the folder; the ledger hears what became of it. */
export class EngineUser {
  readonly #parts: EngineUserParts;

  constructor(parts: EngineUserParts) {
    this.#parts = parts;
  }

  /** Says what was done; `undefined` when there was nothing to do it to, or the process died. Throws what the engine throws. */
  async ask({ kind, path = "", count = 0 }: Op & { readonly kind: AskedKind }, replica: Replica, life: Life): Promise<string | undefined> {
    const at = parsePath(path);
    this.#parts.ledger.removals += 2; // at most, and with what a crash leaves
    switch (kind) {
      case "get":
        if (!this.#isOnDemand) return undefined;
        return (await life.outcome(replica.get(at))) && `get ${path}`;
      case "free":
        return this.#isOnDemand ? await this.#free(at, replica, life) : undefined;
      case "resolve":
        return await this.#resolve(count, replica, life);
      case "restore-revision":
        return await this.#restoreRevision(at, count, replica, life);
      case "trash-restore":
        return await this.#restoreFromTrash(replica, life);
    }
  }

  get #isOnDemand(): boolean {
    return this.#parts.spec.onDemandAboveBytes !== undefined;
  }

  async #free(path: LocalPath, replica: Replica, life: Life): Promise<string | undefined> {
    const before = this.#payloads();
    try {
      const freed = await life.outcome(replica.free(path));
      return freed && `free ${path}: ${freed.files} files`;
    } finally {
      const after = this.#payloads();
      for (const payload of before) if (!after.has(payload)) payload.isFreed = true;
    }
  }

  /** What the engine takes to the trash meanwhile is what the person gave up. */
  async #resolve(count: number, replica: Replica, life: Life): Promise<string | undefined> {
    const conflicts = (await life.outcome(replica.conflicts())) ?? [];
    const conflict = conflicts[count % Math.max(1, conflicts.length)];
    if (conflict === undefined) return undefined;
    const { spec } = this.#parts;
    const keep = (["mine", "theirs", "both"] as const)[count % 3] ?? "both";
    const pair = [conflict.path, conflict.copy].flatMap((path) => this.#payloadAt(path) ?? []);
    for (const payload of pair) payload.touchedBy.add(spec.name);
    const trashed = new Set(this.#trash().values());
    let isDone = false;
    try {
      isDone = (await life.outcome(replica.resolveConflict(conflict.copy, keep))) !== undefined;
      return isDone ? `resolve ${conflict.copy}: ${keep}` : undefined;
    } finally {
      const here = this.#payloads();
      for (const payload of this.#trash().values()) {
        if (trashed.has(payload) || here.has(payload)) continue;
        payload.supersededBy.add(spec.name);
      }
      // What did not come to its end may leave the same bytes twice.
      if (!isDone) for (const payload of pair) payload.copies += 1;
    }
  }

  async #restoreRevision(path: LocalPath, count: number, replica: Replica, life: Life): Promise<string | undefined> {
    const { ledger, spec } = this.#parts;
    const [newest, ...older] = (await life.outcome(replica.revisions(path))) ?? [];
    const wanted = older[count % Math.max(1, older.length)];
    if (newest === undefined || wanted === undefined) return undefined;
    const restored = ledger.identifyManifest(wanted.manifestId);
    const payloadsOf = (revisions: readonly Revision[]) => revisions.flatMap(({ manifestId }) => ledger.identifyManifest(manifestId) ?? []);
    let isDone = false;
    try {
      await life.outcome(replica.restore(path, wanted.revision));
      isDone = life.alive;
      return isDone ? `restore ${path} as of revision ${wanted.revision}` : undefined;
    } finally {
      const revisions = await this.#parts.revisions(newest.nodeId);
      const made = revisions.findIndex(({ seq, manifestId }) => seq > newest.seq && manifestId === wanted.manifestId);
      const [replaced] = made === -1 ? [] : payloadsOf(revisions.slice(made + 1, made + 2));
      if (isDone && made !== -1 && restored !== undefined) {
        if (replaced !== restored) replaced?.supersededBy.add(spec.name);
        bringBack(restored);
      } else if (!isDone) {
        // It may be carried out later, on top of whatever is the newest then.
        for (const payload of payloadsOf([wanted, newest, ...revisions.slice(0, 1)])) payload.isPassing = true;
      }
    }
  }

  async #restoreFromTrash(replica: Replica, life: Life): Promise<string | undefined> {
    const item = ((await life.outcome(replica.listTrash())) ?? []).at(-1);
    if (item === undefined) return undefined;
    if (this.#parts.hasLostPower()) {
      for (const [path, bytes] of this.#trashedFiles()) this.#parts.ledger.passing(this.#parts.spec.name, path, bytes);
    }
    const payload = this.#trash().get(item.trashId);
    let restoredAt: LocalPath | undefined;
    try {
      restoredAt = await life.outcome(replica.restoreFromTrash(item.trashId));
      return restoredAt && `bring ${restoredAt} back from the trash`;
    } finally {
      if (payload !== undefined) bringBack(payload);
      if (payload !== undefined && restoredAt === undefined) payload.isPassing = true;
      else if (restoredAt !== undefined) payload?.places.push({ device: this.#parts.spec.name, path: restoredAt });
    }
  }

  #payloadAt(path: string): Payload | undefined {
    const { folder, ledger } = this.#parts;
    const shown = folder.find(path);
    const entry = shown === undefined ? undefined : folder.entries().get(shown);
    return entry?.kind === "file" ? ledger.identify(entry.bytes) : undefined;
  }

  #payloads(): ReadonlySet<Payload> {
    const { folder, ledger } = this.#parts;
    folder.forget();
    return new Set([...folder.entries().values()].flatMap((entry) => (entry.kind === "file" ? (ledger.identify(entry.bytes) ?? []) : [])));
  }

  /** The payloads in the trash, by the name of their entry there. */
  #trash(): ReadonlyMap<string, Payload> {
    const found = new Map<string, Payload>();
    for (const [path, bytes] of this.#trashedFiles()) {
      const [, , trashId] = path.split("/");
      const payload = this.#parts.ledger.identify(bytes);
      if (payload !== undefined && trashId !== undefined) found.set(trashId, payload);
    }
    return found;
  }

  /** What is in the trash, without the note beside it of where it was. */
  *#trashedFiles(): Generator<readonly [path: string, bytes: Uint8Array]> {
    if (!this.#parts.folder.isThere) return;
    const files = new Map(this.#parts.disk.files(ROOT));
    for (const [path, entry] of files) {
      const isNote = path.endsWith(".json") && files.has(path.slice(0, -".json".length));
      if (path.startsWith(`${INTERNAL_NAME}/trash/`) && entry.kind === "file" && !isNote) yield [path, entry.bytes];
    }
  }
}

/** It may be there again, and where it was not gone once more. Who replaced or deleted it elsewhere before may do so to this one too: the bytes are the same. */
function bringBack(payload: Payload): void {
  payload.copies += 1;
  payload.isRestored = true;
}
