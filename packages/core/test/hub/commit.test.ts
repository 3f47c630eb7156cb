import { describe, expect, it } from "vitest";
import {
  advance,
  type Content,
  createHub,
  createLoopbackTransport,
  createMemoryBlobStore,
  createMemoryHubStore,
  MAX_COMMIT_CHANGES,
  type TwinfoldError,
} from "@twinfold/core";
import {
  bytesOf,
  commit,
  create,
  createDirectory,
  edit,
  EMPTY,
  EMPTY_FILE,
  fileOf,
  frameOf,
  move,
  nodeId,
  openWorld,
  principal,
  remove,
  replicaId,
  testEnv,
  verdictsOf,
} from "./hub-world.js";

const R = replicaId(1);
const FIRST = advance(EMPTY, R);
const SECOND = advance(FIRST, R);

describe("commit", () => {
  it("swaps two names in one commit", async () => {
    const { session, workspaceId, root } = await openWorld();
    await commit(session, workspaceId, R, 1, [create(nodeId(1), root, "a"), create(nodeId(2), root, "b")]);
    const answer = await commit(session, workspaceId, R, 2, [move(nodeId(1), root, "b", FIRST), move(nodeId(2), root, "a", FIRST)]);
    expect(verdictsOf(answer)).toEqual(["accepted/absent", "accepted/absent"]);
  });

  it("takes out the later of two new nodes with one name, and blocks what hangs on it", async () => {
    const { session, workspaceId, root } = await openWorld();
    const changes = [createDirectory(nodeId(1), root, "é"), createDirectory(nodeId(2), root, "e\u0301"), create(nodeId(3), nodeId(2), "x")];
    expect(verdictsOf(await commit(session, workspaceId, R, 1, changes))).toEqual(["accepted/accepted", "collision/collision", "blocked/blocked"]);
  });

  it("takes out the later of two moves that would make a cycle", async () => {
    const { session, workspaceId, root } = await openWorld();
    await commit(session, workspaceId, R, 1, [createDirectory(nodeId(1), root, "a"), createDirectory(nodeId(2), root, "b")]);
    const moves = [move(nodeId(1), nodeId(2), "a", FIRST), move(nodeId(2), nodeId(1), "b", FIRST)];
    expect(verdictsOf(await commit(session, workspaceId, R, 2, moves))).toEqual(["accepted/absent", "collision/absent"]);
  });

  it("keeps a directory whose deletion meets a child that stays, and deletes the other children", async () => {
    const { session, workspaceId, root } = await openWorld();
    const made = [createDirectory(nodeId(1), root, "d"), create(nodeId(2), nodeId(1), "x"), create(nodeId(3), nodeId(1), "y")];
    await commit(session, workspaceId, R, 1, made);
    const partly = await commit(session, workspaceId, R, 2, [remove(nodeId(2), FIRST), remove(nodeId(1), FIRST)]);
    expect(verdictsOf(partly)).toEqual(["accepted/accepted", "collision/collision"]);
    const wholly = await commit(session, workspaceId, R, 3, [remove(nodeId(1), FIRST), remove(nodeId(3), FIRST)]);
    expect(verdictsOf(wholly)).toEqual(["accepted/accepted", "accepted/accepted"]);
  });

  it("brings a deleted node back by a put of both parts", async () => {
    const { session, workspaceId, root } = await openWorld();
    await commit(session, workspaceId, R, 1, [create(nodeId(1), root, "a")]);
    await commit(session, workspaceId, R, 2, [remove(nodeId(1), FIRST)]);
    const outdated = create(nodeId(1), root, "a");
    expect(verdictsOf(await commit(session, workspaceId, R, 3, [outdated]))).toEqual(["conflict/conflict"]);
    const back = { ...outdated, place: { ...outdated.place, base: SECOND }, content: { ...outdated.content, base: SECOND } };
    expect(verdictsOf(await commit(session, workspaceId, R, 4, [back]))).toEqual(["accepted/accepted"]);
    expect((await session.heads({ workspaceId, afterSeq: 0 })).heads.map(({ head }) => [head.deleted, head.revision])).toEqual([[false, 2]]);
  });

  it("answers a base that this hub never made with reset, and an equal value with unchanged", async () => {
    const { session, workspaceId, root } = await openWorld();
    const file = fileOf();
    await commit(session, workspaceId, R, 1, [create(nodeId(1), root, "a", file)]);
    const answer = await commit(session, workspaceId, R, 2, [edit(nodeId(1), file, SECOND)]);
    expect(verdictsOf(answer)).toEqual(["absent/reset"]);
    expect(verdictsOf(await commit(session, workspaceId, replicaId(2), 1, [create(nodeId(1), root, "a", file)]))).toEqual(["unchanged/unchanged"]);
  });

  it("gives nothing for a hash alone", async () => {
    const { session, hub, workspaceId, root } = await openWorld();
    const secret = bytesOf("what somebody else stores");
    const other = principal(2);
    const theirs = await hub.createWorkspace(other.accountId);
    await hub.session(other).upload({ workspaceId: theirs, frames: [frameOf(secret)] });

    const { chunkId } = frameOf(secret);
    expect(await session.missing({ workspaceId, chunkIds: [chunkId] })).toEqual([chunkId]);
    expect(verdictsOf(await commit(session, workspaceId, R, 1, [create(nodeId(1), root, "a", fileOf(secret))]))).toEqual([
      "missing-chunks/missing-chunks",
    ]);
    const codecs = [];
    for await (const { codec } of session.download({ workspaceId, chunkIds: [chunkId] })) codecs.push(codec);
    expect(codecs).toEqual(["absent"]);
  });

  it("refuses a manifest that is malformed, not its id's, or not of the file's size, and accepts what stands beside it", async () => {
    const { session, workspaceId, root } = await openWorld();
    const bytes = bytesOf("content");
    await session.upload({ workspaceId, frames: [frameOf(bytes)] });
    const { content, manifest } = fileOf(bytes);
    const wrong = [
      { content, manifest: manifest.subarray(1) },
      { content, manifest: EMPTY_FILE.manifest },
      { content: { ...content, sizeBytes: bytes.length + 1 } as Content, manifest },
    ];
    const changes = [...wrong, { content, manifest }].map((file, at) => create(nodeId(at + 1), root, `${at}`, file));
    expect(verdictsOf(await commit(session, workspaceId, R, 1, changes))).toEqual([...wrong.map(() => "invalid/invalid"), "accepted/accepted"]);
  });

  it("repeats the answer of a repeated commit, and calls other bytes under its counter cloned", async () => {
    const { session, workspaceId, root } = await openWorld();
    const first = await commit(session, workspaceId, R, 1, [create(nodeId(1), root, "a")]);
    expect(await commit(session, workspaceId, R, 1, [create(nodeId(1), root, "a")])).toEqual(first);
    expect(await commit(session, workspaceId, R, 1, [create(nodeId(1), root, "b")])).toEqual({ kind: "cloned" });
    expect(await commit(session, workspaceId, R, 3, [create(nodeId(2), root, "b")])).toEqual({ kind: "ahead", watermark: 1 });
  });

  it("never executes a commit whose outcome was asked for first", async () => {
    const { session, workspaceId, root } = await openWorld();
    const asked = await session.outcomes({ workspaceId, replicaId: R, counters: [2, 1] });
    expect(asked.map(({ counter, answer }) => [counter, answer.kind])).toEqual([
      [2, "fenced"],
      [1, "fenced"],
    ]);
    expect(await commit(session, workspaceId, R, 2, [create(nodeId(1), root, "a")])).toEqual({ kind: "fenced" });
    expect(verdictsOf(await commit(session, workspaceId, R, 3, [create(nodeId(1), root, "a")]))).toEqual(["accepted/accepted"]);
  });

  it("keeps seqs gapless and loses nothing under 32 concurrent committers on two hubs of one store", async () => {
    const { session, hub, store, blobs, workspaceId, root } = await openWorld();
    const twin = createHub({ blobs, store, env: testEnv() });
    const sessions = [createLoopbackTransport(hub, principal(1)), createLoopbackTransport(twin, principal(1))] as const;
    const answers = await Promise.all(
      Array.from({ length: 32 }, async (_, n) => {
        const own = sessions[n % 2 === 0 ? 0 : 1];
        const one = await commit(own, workspaceId, replicaId(n), 1, [create(nodeId(2 * n), root, `a${n}`)]);
        const two = await commit(own, workspaceId, replicaId(n), 2, [create(nodeId(2 * n + 1), root, `b${n}`)]);
        return [one, two];
      }),
    );
    expect(
      answers
        .flat()
        .flatMap(verdictsOf)
        .every((verdict) => verdict === "accepted/accepted"),
    ).toBe(true);
    const { heads, cursor } = await session.heads({ workspaceId, afterSeq: 0 });
    expect(heads.map(({ head }) => head.seq)).toEqual(Array.from({ length: 64 }, (_, n) => n + 1));
    expect(cursor.seq).toBe(64);
  });

  it("tells replicas of a hub that went back to reset", async () => {
    const { session, store, blobs, workspaceId, root } = await openWorld();
    await commit(session, workspaceId, R, 1, [create(nodeId(1), root, "a")]);
    const older = store.snapshot();
    const answer = await commit(session, workspaceId, R, 2, [create(nodeId(2), root, "b")]);
    const cursor = answer.kind === "done" ? answer.place : undefined;

    const restored = createHub({ blobs, store: createMemoryHubStore({ from: older }), env: testEnv() }).session(principal(1));
    const ask = { workspaceId, replicaId: R, cursor, inDoubt: [] };
    expect((await restored.changes({ workspaces: [ask] })).workspaces.map(({ kind }) => kind)).toEqual(["reset"]);
    await commit(restored, workspaceId, replicaId(2), 1, [create(nodeId(3), root, "c"), create(nodeId(4), root, "d")]);
    expect((await restored.changes({ workspaces: [ask] })).workspaces.map(({ kind }) => kind)).toEqual(["reset"]);
    expect((await session.changes({ workspaces: [ask] })).workspaces.map(({ kind }) => kind)).toEqual(["unchanged"]);
  });

  it("judges a thousand changes that hang on one that collides", async () => {
    const { session, workspaceId, root } = await openWorld();
    await commit(session, workspaceId, R, 1, [createDirectory(nodeId(5_000), root, "d")]);
    const children = Array.from({ length: MAX_COMMIT_CHANGES - 1 }, (_, n) => create(nodeId(n), nodeId(4_000), `f${n}`));
    const verdicts = verdictsOf(await commit(session, workspaceId, R, 2, [createDirectory(nodeId(4_000), root, "d"), ...children]));
    expect(new Set(verdicts)).toEqual(new Set(["collision/collision", "blocked/blocked"]));
  });

  it("downloads what was uploaded, and names the pack of a chunk that rotted", async () => {
    const { hub, store, blobs, workspaceId, env } = await openWorld();
    const session = createLoopbackTransport(hub, principal(1));
    const chunks = ["one", "two", "three"].map(bytesOf);
    await session.upload({ workspaceId, frames: chunks.map(frameOf) });
    const chunkIds = chunks.map((chunk) => frameOf(chunk).chunkId);
    const got: string[] = [];
    for await (const { payload } of session.download({ workspaceId, chunkIds })) got.push(new TextDecoder().decode(payload));
    expect(got).toEqual(["one", "two", "three"]);

    const [[pack, bytes]] = [...blobs.snapshot()] as [[string, Uint8Array]];
    const rotten = createMemoryBlobStore({ from: new Map([[pack, bytes.with(bytes.length - 1, 0)]]) });
    const cutShort = createMemoryBlobStore({ from: new Map([[pack, bytes.slice(0, -1)]]) });
    for (const blobs of [rotten, cutShort]) {
      const damages: TwinfoldError[] = [];
      const damaged = createHub({ blobs, store, env, onDamage: (damage) => damages.push(damage) });
      const codecs: string[] = [];
      for await (const { codec } of damaged.session(principal(1)).download({ workspaceId, chunkIds })) codecs.push(codec);
      expect(codecs).toEqual(["plain", "plain", "absent"]);
      expect(damages).toMatchObject([{ code: "ERR_INTEGRITY", message: expect.stringContaining(`${chunkIds[2]}`) as string }]);
      expect(damages).toMatchObject([{ message: expect.stringContaining(pack) as string }]);
      expect(damaged.counters.chunksDamaged).toBe(1);
    }
  });

  it("wakes a wait by a commit, and by its own close", async () => {
    const { session, hub, workspaceId, root } = await openWorld();
    const woken = session.wait({ workspaces: [{ workspaceId, afterSeq: 0 }], timeoutMs: 1_000 });
    await commit(session, workspaceId, R, 1, [create(nodeId(1), root, "a")]);
    await woken;
    const closed = session.wait({ workspaces: [{ workspaceId, afterSeq: 1 }], timeoutMs: 1_000 });
    await hub.close();
    await closed;
    await expect(session.hello()).rejects.toMatchObject({ code: "ERR_CLOSED" });
  });
});
