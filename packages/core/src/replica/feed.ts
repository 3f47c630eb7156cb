import { bytesToHex } from "../codec/hex.js";
import { type Commit, encodeCommit } from "../commit.js";
import type { Env } from "../env.js";
import { TwinfoldError } from "../errors.js";
import { type NodeId, randomId, type ReplicaId, type WorkspaceId } from "../ids.js";
import type { Cursor } from "../journal.js";
import { manifestIdOf } from "../manifest.js";
import { type Head, samePlace } from "../node.js";
import { isLive, type NodeRecord, syncedWith } from "../reconcile/node-record.js";
import { helloHash } from "../transport/messages.js";
import type { ChangesAnswer, CommitOutcome, Transport } from "../transport/transport.js";
import { compareVersions } from "../version-vector.js";
import type { HubLink } from "./hub-link.js";
import { type CommitEffect, commitsInDoubt, settleCommit } from "./upload/outbox.js";
import type { ReplicaParts } from "./replica-parts.js";
import type { Trees } from "./trees/trees.js";

/**
 * Writes what the hub says into the remote tree.
 *
 * The outcome of every commit in doubt is asked for in the same call, and settled before a row is read: otherwise this device's
 * own commit could come back to it as if it were foreign, and an older file win over a newer one.
 */
export class Feed {
  readonly #transport: Transport;
  readonly #trees: Trees;
  readonly #env: Env;
  readonly #workspaceId: WorkspaceId;
  readonly #onSettled: (effect: CommitEffect) => Promise<void>;
  readonly #link: HubLink;

  constructor(options: ReplicaParts & { readonly onSettled: (effect: CommitEffect) => Promise<void> }) {
    this.#transport = options.transport;
    this.#trees = options.trees;
    this.#env = options.env;
    this.#workspaceId = options.workspaceId;
    this.#link = options.link;
    this.#onSettled = options.onSettled;
  }

  /** Takes in everything up to the journal's end. */
  async pull(signal?: AbortSignal): Promise<void> {
    if (this.#trees.state.resetting) await this.#reset(signal);
    for (;;) {
      const answer = await this.#ask(signal);
      if (answer.kind === "gone") {
        throw new TwinfoldError(
          "ERR_NOT_FOUND",
          "the server has no such workspace for this account: it was removed, or the account lost its access; unlink the folder or log in to the right account",
        );
      }
      await this.#settle(answer.outcomes);
      if (answer.kind === "reset" || (await commitsInDoubt(this.#trees)).length > 0) {
        await this.#reset(signal);
        continue;
      }
      if (answer.kind === "unchanged") return;
      await this.#take(answer);
      if (!answer.more) return;
    }
  }

  async #ask(signal: AbortSignal | undefined): Promise<ChangesAnswer> {
    const { replicaId, cursor, highest: known } = this.#trees.state;
    const highest = known && cursor && isSamePlace(known, cursor) ? undefined : known;
    const inDoubt = (await commitsInDoubt(this.#trees)).map((commit) => commit.counter);
    const { hello, workspaces } = await this.#transport.changes(
      {
        helloHash: this.#link.hello && helloHash(this.#link.hello, this.#env.sha256),
        workspaces: [{ workspaceId: this.#workspaceId, replicaId, cursor, highest, inDoubt }],
      },
      { signal },
    );
    if (hello !== undefined) this.#link.hello = hello;
    const [answer] = workspaces;
    if (answer === undefined || workspaces.length > 1) {
      throw new TwinfoldError("ERR_PROTOCOL", `the server told the changes of ${workspaces.length} workspaces, where one was asked about`);
    }
    return answer;
  }

  async #settle(outcomes: readonly CommitOutcome[]): Promise<void> {
    const inDoubt = new Map<number, Commit>((await commitsInDoubt(this.#trees)).map((commit) => [commit.counter, commit]));
    for (const { counter, commitHash, answer } of outcomes) {
      const commit = inDoubt.get(counter);
      if (commit === undefined) continue;
      // Of other changes than these: the metadata here are those of another time or device. The commit stays in doubt, and that resets.
      if (answer.kind === "done" && commitHash !== bytesToHex(this.#env.sha256(encodeCommit(commit)))) continue;
      if (answer.kind === "done") await this.#onSettled(await settleCommit(this.#trees, commit, answer));
      else if (answer.kind === "fenced") await this.#trees.write({ outboxRemove: [counter] });
    }
  }

  async #take(answer: Extract<ChangesAnswer, { kind: "rows" }>): Promise<void> {
    const known = await this.#trees.records(answer.rows.map(({ row }) => row.head.nodeId));
    const latest = new Map<NodeId, NodeRecord>();
    answer.rows.forEach(({ row: { head } }, index) => {
      const record = latest.get(head.nodeId) ?? known[index] ?? { nodeId: head.nodeId };
      // Equal too: of this device's own change only the part that it made is known until its row comes.
      if ((record.remote?.seq ?? 0) <= head.seq)
        latest.set(head.nodeId, isElsewhereNow(record, head) ? { nodeId: head.nodeId, remote: head } : { ...record, remote: head });
    });
    await this.#trees.write({
      put: [...latest.values()],
      manifests: this.#checked(answer.rows.map(({ row, manifest }) => ({ head: row.head, manifest }))),
      state: { cursor: answer.cursor, highest: furthest(this.#trees.state.highest, answer.cursor) },
    });
  }

  /** Inline manifests are kept only under the id that they really have. */
  #checked(rows: ReadonlyArray<{ readonly head: Head; readonly manifest?: Uint8Array | undefined }>) {
    return rows.flatMap(({ head, manifest }) => {
      if (manifest === undefined || head.content.kind !== "file") return [];
      if (manifestIdOf(manifest, this.#env.sha256) !== head.content.manifestId) {
        throw new TwinfoldError("ERR_INTEGRITY", `the manifest that the server sent for ${head.place.name} is not the one it names`);
      }
      return [{ manifestId: head.content.manifestId, body: manifest }];
    });
  }

  /**
   * Merges with the hub's heads as if nothing had ever been agreed on, except where a version vector proves it.
   *
   * Absence then deletes nothing. A node that was agreed on in a version that the hub's head descends from stays agreed on; where the
   * agreed version descends from the hub's head (the hub went back in time) the hub's becomes the base, and what is here is newer.
   * A new replica id is taken: the hub may know less of the old one's commits than this device does.
   */
  async #reset(signal: AbortSignal | undefined): Promise<void> {
    const outbox = await this.#trees.outbox();
    await this.#trees.write({
      outboxRemove: outbox.map((row) => row.counter),
      state: { resetting: true, cursor: undefined, highest: undefined, nextCounter: 1, replicaId: randomId<ReplicaId>(this.#env), intents: [] },
    });
    for await (const page of this.#trees.all()) {
      const cleared = page.map(({ nodeId, local, synced, former }) => ({ nodeId, local, former: synced ?? former }));
      await this.#trees.write({
        put: cleared.filter(({ local }) => local !== undefined),
        remove: cleared.filter(({ local }) => local === undefined).map(({ nodeId }) => nodeId),
      });
    }
    let cursor: Cursor | undefined;
    for (let afterSeq: number | undefined = 0; afterSeq !== undefined; ) {
      const page = await this.#transport.heads({ workspaceId: this.#workspaceId, afterSeq }, { signal });
      const known = await this.#trees.records(page.heads.map(({ head }) => head.nodeId));
      await this.#trees.write({
        put: page.heads.map(({ head }, index) => merged(known[index] ?? { nodeId: head.nodeId }, head)),
        manifests: this.#checked(page.heads),
        state: { rootNodeId: page.rootNodeId },
      });
      cursor ??= page.cursor;
      afterSeq = page.nextAfterSeq;
    }
    await this.#trees.write({ state: { resetting: false, afterReset: true, cursor, highest: cursor } });
  }
}

function merged(record: NodeRecord, head: Head): NodeRecord {
  const { nodeId, local } = record;
  const former = record.former ?? record.synced;
  if (local === undefined || former === undefined) return { nodeId, local, remote: head };
  const place = compareVersions(former.placeVector, head.placeVector);
  const content = compareVersions(former.contentVector, head.contentVector);
  if (place === "concurrent" || content === "concurrent") return { nodeId, local, remote: head };
  const now = syncedWith(head);
  return {
    nodeId,
    local,
    remote: head,
    synced: {
      place: place === "after" ? now.place : former.place,
      placeVector: place === "after" ? now.placeVector : former.placeVector,
      content: content === "after" ? now.content : former.content,
      contentVector: content === "after" ? now.contentVector : former.contentVector,
    },
  };
}

/** A node that this device does not hold came under another name, became another kind of thing, or was deleted and brought back: it is looked at as if it were new. */
function isElsewhereNow({ away, remote }: NodeRecord, head: Head): boolean {
  if (away === undefined || !isLive(head)) return false;
  if (!isLive(remote)) return true;
  return away === "excluded" ? !samePlace(remote.place, head.place) : head.content.kind !== "file";
}

function isSamePlace(a: Cursor, b: Cursor): boolean {
  return a.seq === b.seq && a.epoch === b.epoch && a.chain === b.chain;
}

function furthest(a: Cursor | undefined, b: Cursor): Cursor {
  return a === undefined || a.epoch !== b.epoch || a.seq < b.seq ? b : a;
}
