import { bytes, decode, encode, id, list, string, struct, trailing, union, varint } from "../codec/codec.js";
import { bytesToHex } from "../codec/hex.js";
import { type Commit, type CommitAnswer, commitAnswerCodec, commitCodec, MAX_COMMIT_BYTES } from "../commit.js";
import type { Bus } from "../bus/bus.js";
import type { Env } from "../env.js";
import { TwinfoldError } from "../errors.js";
import type { AccountId, DeviceId, ReplicaId, WorkspaceId } from "../ids.js";
import { type Cursor, cursorAt, cursorCodec, MAX_DEVICE_NAME_BYTES } from "../journal.js";
import type { HubStore, ReplicaMark, Role, WorkspaceRow } from "../metadata/hub-store.js";
import { outcomesCodec } from "../transport/messages.js";
import type { CommitOutcome } from "../transport/transport.js";
import { createAccess, mayWrite, noSuchWorkspace } from "./access.js";
import { commitRows } from "./commit-rows.js";
import { loadCommitView } from "./commit-view.js";
import type { Principal } from "./hub.js";
import { count, type HubCounters } from "./hub-counters.js";
import { judgeCommit } from "./judge-commit.js";
import { keptDone } from "./kept-answers.js";
import { fenced, knownAnswer, markRow, outcomeOf, replicaCommits, withAnswer } from "./replica-commits.js";

/** What waits in the request queue of a workspace. */
export type WorkRequest =
  | { readonly kind: "commit"; readonly principal: Principal; readonly commit: Uint8Array; readonly cursor?: Cursor | undefined }
  | { readonly kind: "outcomes"; readonly principal: Principal; readonly replicaId: ReplicaId; readonly counters: readonly number[] };

const principal = struct<Principal>({
  accountId: id<AccountId>(16),
  deviceId: id<DeviceId>(16),
  deviceName: string(MAX_DEVICE_NAME_BYTES),
});

export const workRequestCodec = union<WorkRequest>({
  commit: { tag: 1, fields: struct({ principal, commit: bytes(MAX_COMMIT_BYTES), cursor: trailing(cursorCodec) }) },
  outcomes: { tag: 2, fields: struct({ principal, replicaId: id<ReplicaId>(16), counters: list(varint, 64) }) },
});

export interface CommitWorkerOptions {
  readonly store: HubStore;
  readonly bus: Bus;
  readonly env: Env;
  readonly maxFileBytes: number;
  readonly counters: HubCounters;
}

/** Executes the queued requests of workspaces. Several may work at once: each decision is appended only on the state that it was made from. */
export function createCommitWorker({ store, bus, env, maxFileBytes, counters }: CommitWorkerOptions) {
  async function read(workspaceId: WorkspaceId, who: Principal, replicaId: ReplicaId) {
    // The stamp first: whatever changes while the rest is read makes the append stale.
    const workspace = await store.workspace(workspaceId);
    const [role, mark] = await Promise.all([createAccess(store, who.accountId).role(workspaceId), store.mark(workspaceId, replicaId)]);
    if (workspace === undefined || role === undefined) throw noSuchWorkspace(workspaceId);
    const isForeign = mark !== undefined && mark.accountId !== who.accountId;
    return { workspace, role, mark, isForeign };
  }

  async function commit(workspaceId: WorkspaceId, who: Principal, body: Uint8Array, cursor: Cursor | undefined): Promise<CommitAnswer> {
    const decoded = decode(commitCodec, body);
    if (decoded.counter === 0 || decoded.changes.length === 0) {
      throw new TwinfoldError("ERR_PROTOCOL", `a commit has a counter from 1 and at least one change; got counter ${decoded.counter}`);
    }
    const commitHash = bytesToHex(env.sha256(body));
    for (;;) {
      const { workspace, role, mark, isForeign } = await read(workspaceId, who, decoded.replicaId);
      if (isForeign) return { kind: "cloned" };
      const known = knownAnswer(replicaCommits(mark), decoded.counter, commitHash);
      if (known !== undefined) return known;
      if (cursor !== undefined && hasGoneBack(workspace, cursor)) return { kind: "reset" };
      const answer = await execute(workspace, { role, mark, who, commit: decoded, commitHash });
      if (answer !== undefined) return answer;
    }
  }

  /** `undefined` when the workspace moved on meanwhile, and nothing was changed. */
  async function execute(
    workspace: WorkspaceRow,
    given: {
      readonly role: Role;
      readonly mark: ReplicaMark | undefined;
      readonly who: Principal;
      readonly commit: Commit;
      readonly commitHash: string;
    },
  ): Promise<CommitAnswer | undefined> {
    const { workspaceId, stamp } = workspace;
    const view = await loadCommitView(store, workspace, given.commit);
    const limits = { mayWrite: mayWrite(given.role), maxFileBytes, sha256: env.sha256 };
    const { verdicts, accepted } = judgeCommit(given.commit, view, limits);
    const { rows, firstSeq, place } = commitRows(workspace, given.commit, accepted, { principal: given.who, atMs: env.nowMs(), sha256: env.sha256 });
    const answer = { kind: "done" as const, verdicts, firstSeq, place };

    const { replicaId, counter } = given.commit;
    const commits = withAnswer(replicaCommits(given.mark), keptDone(counter, given.commitHash, answer));
    const mark = { table: "mark" as const, row: markRow(commits, given.mark, replicaId, given.who.accountId) };
    const [result] = await store.append([{ workspaceId, expectedStamp: stamp, rows: [...rows, mark] }]);
    if (result !== "appended") {
      count(counters, "appendsStale");
      return undefined;
    }
    count(counters, "commits");
    count(counters, "changesAccepted", accepted.length);
    count(counters, "changesRefused", verdicts.length - accepted.length);
    if (place !== undefined) bus.publish(workspaceId, place.seq);
    return answer;
  }

  async function outcomes(
    workspaceId: WorkspaceId,
    who: Principal,
    replicaId: ReplicaId,
    asked: readonly number[],
  ): Promise<readonly CommitOutcome[]> {
    if (asked.includes(0)) throw new TwinfoldError("ERR_PROTOCOL", "the counters of commits begin at 1; the outcome of 0 was asked for");
    for (;;) {
      const { workspace, mark, isForeign } = await read(workspaceId, who, replicaId);
      if (isForeign) return asked.map((counter) => ({ counter, answer: { kind: "cloned" } }));
      const before = replicaCommits(mark);
      const after = [...asked].sort((a, b) => a - b).reduce(fenced, before);
      if (after !== before) {
        const row = { table: "mark" as const, row: markRow(after, mark, replicaId, who.accountId) };
        const [result] = await store.append([{ workspaceId, expectedStamp: workspace.stamp, rows: [row] }]);
        if (result !== "appended") {
          count(counters, "appendsStale");
          continue;
        }
      }
      return asked.map((counter) => outcomeOf(after, counter));
    }
  }

  /** A `commit` is answered by its `CommitAnswer`, `outcomes` by theirs. */
  return async (workspaceId: WorkspaceId, payload: Uint8Array): Promise<Uint8Array> => {
    const request = decode(workRequestCodec, payload);
    if (request.kind === "commit") return encode(commitAnswerCodec, await commit(workspaceId, request.principal, request.commit, request.cursor));
    return encode(outcomesCodec, await outcomes(workspaceId, request.principal, request.replicaId, request.counters));
  };
}

/**
 * True when the journal ends before the place, or there in another history: a replica whose cursor is there would take the rows of its commit for all
 * that it does not know. A place further back costs a look at the journal, and the next `changes` takes it.
 */
function hasGoneBack({ epoch, headSeq, chain }: WorkspaceRow, place: Cursor): boolean {
  if (place.epoch !== epoch || place.seq > headSeq) return true;
  return place.seq === headSeq && place.chain !== cursorAt(epoch, headSeq, chain).chain;
}
