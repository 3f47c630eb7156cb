import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Change,
  type CommitAnswer,
  encodeJournalRow,
  firstChain,
  type Head,
  isTwinfoldError,
  nextChain,
  type NodeId,
  nobleSha256,
} from "@twinfold/core";
import {
  commit,
  create,
  createDirectory,
  DIRECTORY,
  edit,
  EMPTY,
  EMPTY_FILE,
  fileOf,
  move,
  nodeId,
  openWorld,
  remove,
  replicaId,
} from "./hub-world.js";

const NODES = 7;
const NAMES = ["a", "b", "é", "e\u0301"];
const target = fc.nat(NODES - 1);
const parent = fc.integer({ min: -1, max: NODES - 1 });
const name = fc.constantFrom(...NAMES);

/** A change as it is wished for; its bases are those of the state that the device has seen when it is made. */
type Wish =
  | { readonly kind: "directory" | "file" | "move" | "back"; readonly node: number; readonly parent: number; readonly name: string }
  | { readonly kind: "delete" | "empty" | "fill"; readonly node: number };

const wish: fc.Arbitrary<Wish> = fc.oneof(
  fc.record({ kind: fc.constantFrom("directory", "file", "move", "back"), node: target, parent, name }) as fc.Arbitrary<Wish>,
  fc.record({ kind: fc.constantFrom("delete", "empty", "fill"), node: target }) as fc.Arbitrary<Wish>,
);
const wishes = fc.array(fc.array(wish, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 12 });

function changeOf(asked: Wish, heads: ReadonlyMap<NodeId, Head>, root: NodeId): Change {
  const id = nodeId(asked.node);
  const head = heads.get(id);
  const placeBase = head?.placeVector ?? EMPTY;
  const contentBase = head?.contentVector ?? EMPTY;
  if (!("parent" in asked)) {
    if (asked.kind === "delete") return remove(id, placeBase, contentBase);
    return edit(id, asked.kind === "empty" ? EMPTY_FILE : { content: DIRECTORY }, contentBase);
  }
  const parentId = asked.parent < 0 ? root : nodeId(asked.parent);
  if (asked.kind === "move") return move(id, parentId, asked.name, placeBase);
  const made = asked.kind === "directory" ? createDirectory(id, parentId, asked.name) : create(id, parentId, asked.name, fileOf());
  if (asked.kind !== "back") return made;
  return { ...made, place: { ...made.place, base: placeBase }, content: { ...made.content, base: contentBase } };
}

/** Runs the wishes as one device after another, and gives what it takes to look at the result. */
async function run(batches: ReadonlyArray<readonly Wish[]>) {
  const world = await openWorld();
  const { session, workspaceId, root } = world;
  const begin = (await session.heads({ workspaceId, afterSeq: 0 })).cursor;
  const headsNow = async () => new Map((await session.heads({ workspaceId, afterSeq: 0 })).heads.map(({ head }) => [head.nodeId, head]));
  const sent: Array<{ readonly changes: readonly Change[]; readonly answer: CommitAnswer; readonly before: ReadonlyMap<NodeId, Head> }> = [];
  for (const [index, batch] of batches.entries()) {
    const before = await headsNow();
    const changes = batch.map((asked) => changeOf(asked, before, root));
    sent.push({ changes, before, answer: await commit(session, workspaceId, replicaId(1), index + 1, changes) });
  }
  return { ...world, begin, sent, heads: await headsNow(), headsNow };
}

function expectTree(heads: ReadonlyMap<NodeId, Head>, root: NodeId): void {
  const names = new Set<string>();
  for (const head of heads.values()) {
    if (head.deleted) continue;
    const slot = `${head.place.parentId}/${head.place.name.normalize("NFC")}`;
    expect(names.has(slot), `two nodes at ${slot}`).toBe(false);
    names.add(slot);
    let at = head.place.parentId;
    for (let steps = 0; at !== root; steps++) {
      const above = heads.get(at);
      expect(above !== undefined && !above.deleted && above.content.kind === "directory", `${head.nodeId} hangs on ${at}`).toBe(true);
      expect(steps, `${head.nodeId} is in a cycle`).toBeLessThan(NODES);
      at = above?.place.parentId ?? root;
    }
  }
}

describe("the judgement of commits", () => {
  it("leaves a tree after every commit: live parents, one node for a name, no cycles", async () => {
    await fc.assert(
      fc.asyncProperty(wishes, async (batches) => {
        const { sent, heads, root } = await run(batches);
        for (const { before } of sent) expectTree(before, root);
        expectTree(heads, root);
      }),
      { numRuns: 150 },
    );
  });

  it("makes exactly the accepted parts true, under gapless seqs and one hash chain", async () => {
    await fc.assert(
      fc.asyncProperty(wishes, async (batches) => {
        const { session, workspaceId, begin, sent, heads } = await run(batches);
        const query = { workspaceId, replicaId: replicaId(1), cursor: begin, inDoubt: [] };
        const [answer] = (await session.changes({ workspaces: [query] })).workspaces;
        const isKnown = answer?.kind === "rows" || answer?.kind === "unchanged";
        if (!isKnown) throw new Error("the cursor of the beginning is known");
        const { rows, cursor } = answer.kind === "rows" ? answer : { rows: [], cursor: begin };
        const accepted = sent.flatMap(({ changes, answer: { ...given } }, index) => {
          if (given.kind !== "done") throw new Error(`answered ${given.kind}`);
          const verdicts = given.verdicts.map(({ place, content }) => [place === "accepted", content === "accepted"] as const);
          return changes.flatMap((change, at) => (verdicts[at]?.includes(true) ? [[index + 1, change.nodeId, ...(verdicts[at] ?? [])]] : []));
        });
        expect(rows.map(({ row }) => [row.commitCounter, row.head.nodeId, row.placeChanged, row.contentChanged])).toEqual(accepted);
        expect(rows.map(({ row }) => row.head.seq)).toEqual(accepted.map((_, index) => index + 1));

        const last = new Map(rows.map(({ row }) => [row.head.nodeId, row.head]));
        expect(last).toEqual(heads.size === 0 ? new Map() : new Map([...last.keys()].map((id) => [id, heads.get(id)])));
        expect(last.size).toBe(heads.size);
        let chain = firstChain(begin.epoch, nobleSha256);
        for (const { row } of rows) chain = nextChain(chain, encodeJournalRow(row), nobleSha256);
        expect(cursor.chain).toBe(Buffer.from(chain.subarray(0, 8)).toString("hex"));
      }),
      { numRuns: 100 },
    );
  });

  it("executes a commit once, however often and in whatever order it is repeated", async () => {
    await fc.assert(
      fc.asyncProperty(wishes, fc.array(fc.nat(11), { maxLength: 20 }), async (batches, repeats) => {
        const { session, workspaceId, sent, heads, headsNow } = await run(batches);
        for (const repeat of repeats) {
          const index = repeat % sent.length;
          const again = await commit(session, workspaceId, replicaId(1), index + 1, sent[index]?.changes ?? []);
          expect(again).toEqual(sent[index]?.answer);
        }
        expect(await headsNow()).toEqual(heads);
      }),
      { numRuns: 60 },
    );
  });

  it("accepts any renaming of siblings among themselves as one commit", async () => {
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6 }), async (order) => {
        const { session, workspaceId, root } = await openWorld();
        await commit(
          session,
          workspaceId,
          replicaId(1),
          1,
          order.map((_, n) => create(nodeId(n), root, `n${n}`)),
        );
        const bases = (await session.heads({ workspaceId, afterSeq: 0 })).heads.map(({ head }) => head.placeVector);
        const moves = order.map((to, n) => move(nodeId(n), root, `n${to}`, bases[n] ?? EMPTY));
        const answer = await commit(session, workspaceId, replicaId(1), 2, moves);
        expect(answer.kind === "done" && answer.verdicts.every(({ place }) => place === "accepted")).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it("answers bytes that are no commit with ERR_PROTOCOL, and survives them", async () => {
    const { session, workspaceId } = await openWorld();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        const error = await session.commit({ workspaceId, commit: bytes }).catch((thrown: unknown) => thrown);
        expect(isTwinfoldError(error) && error.code).toBe("ERR_PROTOCOL");
      }),
      { numRuns: 500 },
    );
  });
});
