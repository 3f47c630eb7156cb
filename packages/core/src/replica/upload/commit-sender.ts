import { type Change, type Commit, encodeCommit } from "../../commit.js";
import { TwinfoldError } from "../../errors.js";
import type { FileContent, Head } from "../../node.js";
import { type CommitEffect, settleCommit } from "./outbox.js";
import type { ReplicaParts } from "../replica-parts.js";
import type { Turns } from "../turns.js";

export type CommitSenderParts = Pick<ReplicaParts, "trees" | "transport" | "workspaceId"> & { readonly turns: Turns };

/** Sends commits, one at a time: the hub takes each only after the one before. */
export class CommitSender {
  readonly #parts: CommitSenderParts;

  constructor(parts: CommitSenderParts) {
    this.#parts = parts;
  }

  /**
   * The commit and its counter are durable before it is sent; the answer and what follows from it are one write. `undefined`: what became of it is
   * not known, or it was not taken, and nothing may be sent after it before the next look at the hub's changes.
   */
  async commit(changes: readonly Change[], signal: AbortSignal | undefined): Promise<CommitEffect | undefined> {
    const { trees, transport, workspaceId, turns } = this.#parts;
    const noted = await turns.run(async () => {
      const present = turns.areHeld ? await this.#stillHere(changes) : changes;
      return present.length === 0 ? undefined : await this.#note(present);
    });
    if (noted === undefined) return { accepted: [], outdated: [], refused: [] };
    const { commit, body, cursor } = noted;
    const answer = await transport.commit({ workspaceId, commit: body, cursor }, { signal });
    return await turns.run(async () => {
      // Another device uses this replica id. The outcome of that counter is the other one's, so it is not asked for: a reset takes a new id.
      if (answer.kind === "cloned") await trees.write({ state: { resetting: true } });
      // Any other answer leaves the commit in doubt: the next look at the hub's changes settles it, or resets.
      return answer.kind === "done" ? await settleCommit(trees, commit, answer) : undefined;
    });
  }

  /** Makes content that the workspace has had before the newest of its node. The synced tree stays as it is: the change comes to this disk like any other. */
  async commitRevision(head: Head, content: FileContent, signal: AbortSignal | undefined): Promise<void> {
    const { trees, transport, workspaceId } = this.#parts;
    const place = head.deleted ? { place: head.place, base: head.placeVector } : undefined;
    const { replicaId, nextCounter } = trees.state;
    const change: Change = { kind: "put", nodeId: head.nodeId, place, content: { content, base: head.contentVector } };
    await trees.write({ state: { nextCounter: nextCounter + 1 } });
    const commit = encodeCommit({ replicaId, counter: nextCounter, changes: [change] });
    const answer = await transport.commit({ workspaceId, commit }, { signal });
    const verdict = answer.kind === "done" ? answer.verdicts[0]?.content : answer.kind;
    if (verdict !== "accepted" && verdict !== "unchanged") {
      throw new TwinfoldError(
        "ERR_LOCAL_CHANGED",
        `the server did not take the older revision (${verdict}): the file changed meanwhile; look at its revisions and try again`,
      );
    }
  }

  async #note(changes: readonly Change[]) {
    const { trees } = this.#parts;
    const { replicaId, nextCounter: counter, cursor } = trees.state;
    const commit: Commit = { replicaId, counter, changes };
    const body = encodeCommit(commit);
    await trees.write({ outboxPut: [{ counter, body }], state: { nextCounter: counter + 1 } });
    return { commit, body, cursor };
  }

  /** Without what the look that goes on meanwhile has taken out of the local tree since it was prepared. */
  async #stillHere(changes: readonly Change[]): Promise<readonly Change[]> {
    const records = await this.#parts.trees.records(changes.map(({ nodeId }) => nodeId));
    return changes.filter(({ kind }, index) => kind === "delete" || records[index]?.local !== undefined);
  }
}
