import { type ChangesQuery, multiplexed, type ReplicaId, type WorkspaceId } from "@twinfold/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { answerFor, createScriptedHub } from "./scripted-hub.js";

const known = fc.integer({ min: 0, max: 999 }).map((n) => String(n).padStart(32, "0") as WorkspaceId);
const unknown = known.map((id) => `f${id.slice(1)}` as WorkspaceId);
const query = (workspaceId: WorkspaceId): ChangesQuery => ({ workspaceId, replicaId: "1".repeat(32) as ReplicaId, inDoubt: [] });
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("multiplexed changes", () => {
  it("gives each caller the answers of its own workspaces, in one request for each hello", async () => {
    const call = fc.record({ helloHash: fc.constantFrom("a", "b"), ids: fc.array(known, { maxLength: 5 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 20 }), async (calls) => {
        const hub = createScriptedHub();
        const { changes } = multiplexed(hub.transport);
        const answers = await Promise.all(calls.map(({ helloHash, ids }) => changes({ helloHash, workspaces: ids.map(query) })));
        expect(answers.map(({ workspaces }) => workspaces)).toEqual(calls.map(({ ids }) => ids.map(answerFor)));
        expect(hub.asked.length).toBe(new Set(calls.map(({ helloHash }) => helloHash)).size);
      }),
    );
  });

  it("fails only the callers whose own workspaces are refused", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(known, unknown), { minLength: 1, maxLength: 10 }), async (ids) => {
        const { changes } = multiplexed(createScriptedHub().transport);
        const outcomes = await Promise.allSettled(ids.map((id) => changes({ workspaces: [query(id)] })));
        expect(outcomes.map(({ status }) => status)).toEqual(ids.map((id) => (id.startsWith("f") ? "rejected" : "fulfilled")));
      }),
    );
  });

  it("never asks for more workspaces at once than a request may hold", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 8 }), async (sizes) => {
        const hub = createScriptedHub();
        const { changes } = multiplexed(hub.transport);
        const workspaceId = "0".repeat(32) as WorkspaceId;
        await Promise.all(sizes.map((size) => changes({ workspaces: Array.from({ length: size }, () => query(workspaceId)) })));
        expect(Math.max(...hub.asked)).toBeLessThanOrEqual(1000);
        expect(hub.asked.reduce((sum, count) => sum + count, 0)).toBe(sizes.reduce((sum, size) => sum + size, 0));
      }),
      { numRuns: 20 },
    );
  });

  it("joins calls made while it gathers", async () => {
    const hub = createScriptedHub();
    const { changes } = multiplexed(hub.transport, { gather: settled });
    const early = changes({ workspaces: [] });
    await Promise.resolve();
    await Promise.all([early, changes({ workspaces: [] })]);
    expect(hub.asked).toEqual([0]);
  });
});

describe("multiplexed wait", () => {
  const action = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant("join" as const), id: known, afterSeq: fc.nat(9), timeoutMs: fc.integer({ min: 1, max: 99 }) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("abort" as const), pick: fc.nat(19) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("move" as const), picks: fc.array(fc.nat(19), { minLength: 1, maxLength: 3 }) }) },
    { weight: 1, arbitrary: fc.constant({ kind: "time" as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: "fail" as const }) },
  );

  it("holds one poll that covers exactly the callers who wait, whoever comes, goes or is woken, and wakes those whose workspaces moved", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 30 }), async (actions) => {
        const hub = createScriptedHub();
        const { wait } = multiplexed(hub.transport);
        const waiting = new Map<AbortController, { readonly id: WorkspaceId; readonly afterSeq: number; readonly timeoutMs: number }>();
        const outcomes = new Map<AbortController, unknown>();
        for (const step of actions) {
          const before = [...waiting.keys()];
          if (step.kind === "join") {
            const abort = new AbortController();
            waiting.set(abort, step);
            wait({ workspaces: [{ workspaceId: step.id, afterSeq: step.afterSeq }], timeoutMs: step.timeoutMs }, { signal: abort.signal }).then(
              (moved) => outcomes.set(abort, moved),
              (error) => outcomes.set(abort, error),
            );
          } else if (step.kind === "abort") {
            const abort = before[step.pick % before.length];
            abort?.abort(step);
            await settled();
            if (abort !== undefined) expect(outcomes.get(abort)).toBe(step);
            if (abort !== undefined) waiting.delete(abort);
          } else if (step.kind === "move") {
            const all = [...waiting.values()];
            const moved = step.picks.flatMap((pick) => all[pick % all.length]?.id ?? []);
            hub.polls[0]?.end(undefined, moved);
            await settled();
            for (const abort of before) {
              const id = waiting.get(abort)?.id as WorkspaceId;
              expect(outcomes.get(abort)).toEqual(moved.includes(id) ? [id] : undefined);
              if (moved.includes(id)) waiting.delete(abort);
            }
          } else {
            const failure = step.kind === "fail" ? step : undefined;
            hub.polls[0]?.end(failure);
            await settled();
            for (const abort of before) expect(outcomes.get(abort)).toEqual(failure ?? []);
            waiting.clear();
          }
          await settled();
          expect(hub.polls.length).toBe(waiting.size === 0 ? 0 : 1);
          for (const { id, afterSeq, timeoutMs } of waiting.values()) {
            expect(hub.polls[0]?.workspaces.find(({ workspaceId }) => workspaceId === id)?.afterSeq).toBeLessThanOrEqual(afterSeq);
            expect(hub.polls[0]?.timeoutMs).toBeLessThanOrEqual(timeoutMs);
          }
        }
      }),
    );
  });

  it("lets the others wait on when one workspace is refused", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(known, { minLength: 1, maxLength: 5 }), unknown, async (ids, gone) => {
        const hub = createScriptedHub();
        const { wait } = multiplexed(hub.transport);
        const waits = ids.map((workspaceId) => wait({ workspaces: [{ workspaceId, afterSeq: 0 }], timeoutMs: 9 }));
        await expect(wait({ workspaces: [{ workspaceId: gone, afterSeq: 0 }], timeoutMs: 9 })).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });
        await settled();
        expect(hub.polls.length).toBe(ids.length);
        for (const poll of [...hub.polls]) poll.end();
        await Promise.all(waits);
      }),
    );
  });
});
