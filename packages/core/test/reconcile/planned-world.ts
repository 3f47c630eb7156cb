import { createHash } from "node:crypto";
import {
  advance,
  type Away,
  type Content,
  decide,
  EMPTY_VECTOR,
  type Head,
  type LocalStat,
  type LocalState,
  type ManifestId,
  type NodeId,
  type NodeName,
  type NodeRecord,
  nameKey,
  type Place,
  type ReplicaId,
  reconcile,
  type Step,
  type TreesView,
} from "@twinfold/core";
import { isDirty, isLive, settled, syncedWith } from "../../src/reconcile/node-record.js";

const ROOT = "0".repeat(32) as NodeId;
const HERE = "1".repeat(32) as ReplicaId;
const ELSEWHERE = "2".repeat(32) as ReplicaId;

/** One thing that a person does to one tree. Numbers choose among what is there. */
export interface Edit {
  readonly kind: "file" | "directory" | "edit" | "move" | "delete";
  readonly which: number;
  readonly where: number;
  readonly name: number;
  readonly value: number;
}

const NAMES = ["a", "b", "c", "d"] as NodeName[];

/** Three trees without a disk, a hub or a network: steps succeed at once, as long as a disk or a hub could carry them out. */
export class PlannedWorld {
  readonly #records = new Map<NodeId, NodeRecord>();
  /** What the disk has of excluded nodes, unseen. */
  readonly #unseen = new Map<NodeId, LocalState>();
  #made = 0;
  #seq = 0;

  editLocal(edit: Edit): void {
    const nodes = this.#all().filter((record) => record.local !== undefined);
    const directories = [ROOT, ...nodes.filter((record) => record.local?.content.kind === "directory").map((record) => record.nodeId)];
    const target = nodes[edit.which % Math.max(1, nodes.length)];
    const parentId = directories[edit.where % directories.length] as NodeId;
    const place: Place = { parentId, name: NAMES[edit.name % NAMES.length] as NodeName };
    const free = this.#childrenOf("local", parentId).every((child) => child.local?.place.name !== place.name);
    if (edit.kind === "file" || edit.kind === "directory") {
      const content = edit.kind === "file" ? fileOf(edit.value) : ({ kind: "directory" } as const);
      if (free) this.#put({ nodeId: this.#newId(), local: localOf(place, content) });
    } else if (target?.local === undefined) return;
    else if (edit.kind === "edit" && target.local.content.kind === "file")
      this.#put({ ...target, local: localOf(target.local.place, fileOf(edit.value)) });
    else if (edit.kind === "move" && free && !this.#isWithin("local", parentId, target.nodeId))
      this.#put({ ...target, local: localOf(place, target.local.content) });
    else if (edit.kind === "delete") this.#removeLocal(target.nodeId);
  }

  editRemote(edit: Edit): void {
    const nodes = this.#all().filter((record) => isLive(record.remote));
    const directories = [ROOT, ...nodes.filter((record) => record.remote?.content.kind === "directory").map((record) => record.nodeId)];
    const target = nodes[edit.which % Math.max(1, nodes.length)];
    const parentId = directories[edit.where % directories.length] as NodeId;
    const place: Place = { parentId, name: NAMES[edit.name % NAMES.length] as NodeName };
    const free = this.#childrenOf("remote", parentId).every((child) => child.remote?.place.name !== place.name);
    if (edit.kind === "file" || edit.kind === "directory") {
      const content = edit.kind === "file" ? fileOf(edit.value) : ({ kind: "directory" } as const);
      if (!free) return;
      const nodeId = this.#newId();
      const head: Head = {
        nodeId,
        place,
        placeVector: bump(EMPTY_VECTOR),
        content,
        contentVector: bump(EMPTY_VECTOR),
        deleted: false,
        revision: 1,
        seq: ++this.#seq,
      };
      this.#put({ nodeId, remote: head });
    } else if (target === undefined || !isLive(target.remote)) return;
    else if (edit.kind === "edit" && target.remote.content.kind === "file") {
      this.#put({
        ...target,
        remote: { ...target.remote, content: fileOf(edit.value), contentVector: bump(target.remote.contentVector), seq: ++this.#seq },
      });
    } else if (edit.kind === "move" && free && !this.#isWithin("remote", parentId, target.nodeId)) {
      this.#put({ ...target, remote: { ...target.remote, place, placeVector: bump(target.remote.placeVector), seq: ++this.#seq } });
    } else if (edit.kind === "delete") this.#removeRemote(target.nodeId);
  }

  /** This device stops holding a node, with all below it, or a file alone until it is asked for; or it holds again what it did not. */
  editAway({ which, value }: Edit): void {
    const away: Away = value % 2 === 0 ? "excluded" : "elsewhere";
    const nodes = this.#all();
    const target = nodes[which % Math.max(1, nodes.length)];
    if (target === undefined) return;
    if (target.away !== undefined) this.#include(target.nodeId);
    else if (away === "elsewhere" && target.local?.content.kind === "file" && decide(target).kind === "in-sync") this.#putAway(target, away);
    else if (away === "excluded") this.#exclude(target.nodeId);
  }

  #exclude(nodeId: NodeId): void {
    for (const child of this.#childrenOf("local", nodeId)) this.#exclude(child.nodeId);
    const record = this.#records.get(nodeId);
    if (record?.local !== undefined) this.#unseen.set(nodeId, record.local);
    if (record?.local !== undefined && record.remote === undefined) this.#records.delete(nodeId);
    else if (record?.local !== undefined || (record !== undefined && decide(record).kind === "merge")) this.#putAway(record, "excluded");
  }

  #putAway({ local: _unseen, ...record }: NodeRecord, away: Away): void {
    this.#put({ ...record, away });
  }

  /** With all that is away above and below it. What the disk has is seen again, if its directory is there; the rest comes from the hub. */
  #include(nodeId: NodeId): void {
    const parentId = this.#records.get(nodeId)?.remote?.place.parentId;
    if (parentId !== undefined && this.#records.get(parentId)?.away !== undefined) this.#include(parentId);
    const record = this.#records.get(nodeId);
    if (record?.away === undefined) return;
    const unseen = this.#unseen.get(nodeId);
    this.#unseen.delete(nodeId);
    const isThere =
      unseen !== undefined &&
      (unseen.place.parentId === ROOT || this.#records.get(unseen.place.parentId)?.local !== undefined) &&
      !this.#isWithin("local", unseen.place.parentId, nodeId) &&
      this.#childrenOf("local", unseen.place.parentId).every((child) => child.local?.place.name !== unseen.place.name);
    this.#put(isThere ? { ...record, local: unseen } : { nodeId, remote: record.remote });
    for (const child of this.#childrenOf("remote", nodeId)) this.#include(child.nodeId);
  }

  /** What the disk lacks and would be where this device holds nothing is not held either. */
  #excludeArrivals(): void {
    for (const record of this.#all()) {
      if (record.local !== undefined || record.away !== undefined || !isLive(record.remote)) continue;
      if (this.#records.get(record.remote.place.parentId)?.away === undefined) continue;
      this.#putAway(record, "excluded");
      this.#excludeArrivals();
      return;
    }
  }

  /** Plans and carries out until nothing is dirty; gives the count of rounds. */
  settle(pageOf: (dirty: readonly NodeId[]) => readonly NodeId[]): number {
    for (let round = 0; round <= 200; round++) {
      this.#excludeArrivals();
      const dirty = this.#all()
        .filter(isDirty)
        .map((record) => record.nodeId);
      if (dirty.length === 0) return round;
      const pushes: Step[] = [];
      for (const step of reconcile(this.#view(), pageOf(dirty))) {
        if (step.kind === "push" || step.kind === "delete-there") pushes.push(step);
        else this.#onDisk(step);
      }
      this.#atHub(pushes);
    }
    throw new Error(`not settled after 200 rounds:\n${this.describe()}`);
  }

  /** A tree as sorted lines of path and value. */
  tree(side: "local" | "remote", which: "all" | "held" = "all"): string {
    return this.#all()
      .filter((record) => (side === "local" ? record.local !== undefined : isLive(record.remote)))
      .filter((record) => which === "all" || record.away === undefined)
      .map((record) => {
        const content = (side === "local" ? record.local : record.remote)?.content as Content;
        return `${this.#path(side, record.nodeId)} ${content.kind === "file" ? content.manifestId.slice(0, 8) : content.kind}`;
      })
      .sort()
      .join("\n");
  }

  describe(): string {
    return JSON.stringify(
      this.#all().map((record) => ({ ...record, decision: decide(record) })),
      (_, value) => (value instanceof Map ? [...value] : typeof value === "bigint" ? value.toString() : value),
      1,
    );
  }

  /** Contents of files, on one side. */
  values(side: "local" | "remote"): readonly string[] {
    return this.#all().flatMap((record) => {
      const content = side === "local" ? record.local?.content : isLive(record.remote) ? record.remote.content : undefined;
      return content?.kind === "file" ? [content.manifestId] : [];
    });
  }

  #onDisk(step: Exclude<Step, { kind: "push" | "delete-there" }>): void {
    const record = this.#records.get(step.nodeId);
    if (record === undefined) return;
    switch (step.kind) {
      case "adopt": {
        const ours = this.#records.get(step.from);
        if (ours?.local === undefined || record.local !== undefined) return;
        for (const child of this.#childrenOf("local", step.from)) {
          if (child.local) this.#put({ ...child, local: localOf({ ...child.local.place, parentId: step.nodeId }, child.local.content) });
        }
        this.#records.delete(step.from);
        this.#put({ ...record, local: ours.local });
        return;
      }
      case "conflict": {
        if (record.local === undefined) return;
        const { local, synced: _base, ...rest } = record;
        this.#put({ nodeId: this.#newId(), local: localOf(this.#freePlace(local.place), local.content) });
        this.#put(rest);
        return;
      }
      case "step-aside":
        if (record.local !== undefined) this.#put({ ...record, local: localOf(this.#freePlace(record.local.place), record.local.content) });
        return;
      case "pull": {
        const { remote } = record;
        if (!isLive(remote)) return;
        const place = step.place || record.local === undefined ? remote.place : record.local.place;
        if (place.parentId !== ROOT && this.#records.get(place.parentId)?.local === undefined) return;
        if (record.local !== undefined && this.#isWithin("local", place.parentId, step.nodeId)) return;
        const moves = record.local === undefined || record.local.place.parentId !== place.parentId || record.local.place.name !== place.name;
        for (const occupant of moves ? this.#childrenOf("local", place.parentId) : []) {
          if (occupant.nodeId === step.nodeId || occupant.local?.place.name !== place.name) continue;
          const decision = decide(occupant);
          if (decision.kind !== "delete-here" && !(decision.kind === "merge" && decision.place === "pull")) return;
          this.#put({ ...occupant, local: localOf(this.#freePlace(occupant.local.place), occupant.local.content) });
        }
        const current = this.#records.get(step.nodeId) as NodeRecord;
        const content = step.content || current.local === undefined ? remote.content : current.local.content;
        const agreed = syncedWith(remote);
        const synced =
          current.synced === undefined
            ? step.content || current.local === undefined
              ? agreed
              : undefined
            : {
                ...current.synced,
                ...(step.content ? { content: agreed.content, contentVector: agreed.contentVector } : {}),
                ...(step.place ? { place: agreed.place, placeVector: agreed.placeVector } : {}),
              };
        this.#put({ ...current, local: localOf(place, content), synced });
        return;
      }
      case "delete-here": {
        if (isLive(record.remote) || this.#childrenOf("local", step.nodeId).length > 0) return;
        const { local: _gone, synced: _agreed, ...rest } = record;
        this.#put(rest);
        return;
      }
      case "let-go":
        this.#letGo(step.nodeId);
        return;
      case "skip":
        throw new Error(`skipped: ${step.reason}`);
    }
  }

  /** The planner may have undone a move of the node itself; of what is in it no move may wait. */
  #letGo(nodeId: NodeId, mayBeMoved = true): void {
    for (const child of this.#childrenOf("local", nodeId)) this.#letGo(child.nodeId, false);
    const record = this.#records.get(nodeId) as NodeRecord;
    const decision = decide(record);
    const isHeldThere =
      decision.kind === "in-sync" ||
      decision.kind === "agree" ||
      (decision.kind === "merge" && ["keep", "pull"].includes(decision.content) && (mayBeMoved || decision.place !== "push"));
    if (isHeldThere && this.#childrenOf("local", nodeId).length === 0) this.#putAway(record, "excluded");
  }

  /** The hub's judgement of one commit, in its simplest form: all, or all but the last that breaks a rule. */
  #atHub(pushes: readonly Step[]): void {
    let kept = [...pushes];
    for (;;) {
      const after = new Map([...this.#records].map(([nodeId, record]) => [nodeId, record.remote] as const));
      for (const step of kept) after.set(step.nodeId, this.#headAfter(step));
      const broken = kept.findLast((step) => breaksARule(step.nodeId, after));
      if (broken === undefined) {
        for (const step of kept) {
          const record = this.#records.get(step.nodeId) as NodeRecord;
          const remote = after.get(step.nodeId);
          if (remote === undefined) continue;
          if (step.kind === "delete-there") this.#put({ nodeId: step.nodeId, remote });
          else this.#put({ ...record, remote, synced: this.#syncedAfter(record, step, remote) });
        }
        return;
      }
      kept = kept.filter((step) => step !== broken);
    }
  }

  #syncedAfter(record: NodeRecord, step: Step, remote: Head) {
    const now = syncedWith(remote);
    if (record.synced === undefined || step.kind !== "push") return now;
    return {
      ...record.synced,
      ...(step.place ? { place: now.place, placeVector: now.placeVector } : {}),
      ...(step.content ? { content: now.content, contentVector: now.contentVector } : {}),
    };
  }

  #headAfter(step: Step): Head | undefined {
    const record = this.#records.get(step.nodeId);
    if (record === undefined) return undefined;
    const { remote, local } = record;
    this.#seq += 1;
    if (step.kind === "delete-there")
      return remote && { ...remote, deleted: true, placeVector: bump(remote.placeVector), contentVector: bump(remote.contentVector), seq: this.#seq };
    if (step.kind !== "push" || local === undefined) return remote;
    const place = step.place || !isLive(remote) ? { place: local.place, placeVector: advance(remote?.placeVector ?? EMPTY_VECTOR, HERE) } : undefined;
    const content =
      step.content || !isLive(remote) ? { content: local.content, contentVector: advance(remote?.contentVector ?? EMPTY_VECTOR, HERE) } : undefined;
    if (remote === undefined) return place && content && { nodeId: step.nodeId, ...place, ...content, deleted: false, revision: 1, seq: this.#seq };
    return { ...remote, ...place, ...content, deleted: false, seq: this.#seq };
  }

  #view(): TreesView {
    return {
      rootNodeId: ROOT,
      record: (nodeId) => this.#records.get(nodeId),
      localAt: (parentId, key) => this.#childrenOf("local", parentId).filter((child) => child.local && nameKey(child.local.place.name) === key),
      remoteAt: (parentId, key) => this.#childrenOf("remote", parentId).filter((child) => child.remote && nameKey(child.remote.place.name) === key),
      localChildren: (parentId) => this.#childrenOf("local", parentId),
      remoteChildren: (parentId) => this.#childrenOf("remote", parentId),
      aliases: new Map(),
      slot: ({ parentId, name }) => `${parentId}/${nameKey(name)}`,
    };
  }

  #childrenOf(side: "local" | "remote", parentId: NodeId): NodeRecord[] {
    return this.#all().filter(
      (record) => (side === "local" ? record.local?.place.parentId : isLive(record.remote) ? record.remote.place.parentId : undefined) === parentId,
    );
  }

  #isWithin(side: "local" | "remote", nodeId: NodeId, ancestor: NodeId): boolean {
    for (
      let at: NodeId | undefined = nodeId;
      at !== undefined && at !== ROOT;
      at = (side === "local" ? this.#records.get(at)?.local : this.#records.get(at)?.remote)?.place.parentId
    ) {
      if (at === ancestor) return true;
    }
    return false;
  }

  #path(side: "local" | "remote", nodeId: NodeId): string {
    const names: string[] = [];
    for (let at = nodeId; at !== ROOT; ) {
      const place = (side === "local" ? this.#records.get(at)?.local : this.#records.get(at)?.remote)?.place;
      if (place === undefined) return `?/${names.reverse().join("/")}`;
      names.push(place.name);
      at = place.parentId;
      if (names.length > 100) throw new Error("a cycle");
    }
    return names.reverse().join("/");
  }

  #freePlace(place: Place): Place {
    for (let number = 1; ; number++) {
      const name = `${place.name} ${number}` as NodeName;
      if (this.#childrenOf("local", place.parentId).every((child) => child.local?.place.name !== name)) return { ...place, name };
    }
  }

  #removeLocal(nodeId: NodeId): void {
    for (const child of this.#childrenOf("local", nodeId)) this.#removeLocal(child.nodeId);
    const record = this.#records.get(nodeId);
    if (record === undefined) return;
    const { local: _gone, ...rest } = record;
    if (rest.remote === undefined && rest.synced === undefined) this.#records.delete(nodeId);
    else this.#put(rest);
  }

  #removeRemote(nodeId: NodeId): void {
    for (const child of this.#childrenOf("remote", nodeId)) this.#removeRemote(child.nodeId);
    const record = this.#records.get(nodeId);
    if (!record || !isLive(record.remote)) return;
    const { remote } = record;
    this.#put({
      ...record,
      remote: { ...remote, deleted: true, placeVector: bump(remote.placeVector), contentVector: bump(remote.contentVector), seq: ++this.#seq },
    });
  }

  #put(record: NodeRecord): void {
    this.#records.set(record.nodeId, settled(record));
  }

  #all(): NodeRecord[] {
    return [...this.#records.values()];
  }

  #newId(): NodeId {
    return createHash("sha256")
      .update(`node ${this.#made++}`)
      .digest("hex")
      .slice(0, 32) as NodeId;
  }
}

function breaksARule(nodeId: NodeId, heads: ReadonlyMap<NodeId, Head | undefined>): boolean {
  const head = heads.get(nodeId);
  if (head === undefined) return true;
  const live = [...heads.values()].filter((other) => isLive(other));
  if (!isLive(head)) return live.some((other) => other.place.parentId === nodeId);
  const seen = new Set<NodeId>([nodeId]);
  for (let at = head.place.parentId; at !== ROOT; ) {
    const parent = heads.get(at);
    if (!isLive(parent) || parent.content.kind !== "directory" || seen.has(at)) return true;
    seen.add(at);
    at = parent.place.parentId;
  }
  return live.some(
    (other) => other.nodeId !== nodeId && other.place.parentId === head.place.parentId && nameKey(other.place.name) === nameKey(head.place.name),
  );
}

function bump(vector: Head["placeVector"]) {
  return advance(vector, ELSEWHERE);
}

function fileOf(value: number): Content {
  return {
    kind: "file",
    manifestId: createHash("sha256").update(`value ${value}`).digest("hex") as ManifestId,
    sizeBytes: 1,
    executable: false,
    mtimeNs: 0n,
  };
}

function localOf(place: Place, content: Content) {
  const stat: LocalStat = {
    kind: content.kind === "mount" ? "other" : content.kind,
    sizeBytes: 1,
    mtimeNs: 0n,
    ctimeNs: 0n,
    inode: "0:0",
    executable: false,
    links: 1,
  };
  return { place, content, stat, suspect: false };
}
