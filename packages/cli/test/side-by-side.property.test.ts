import type { ChangesQuery, Env, ReplicaId, Transport, WorkspaceId } from "@twinfold/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSideBySide, type SideBySide } from "../src/daemon/side-by-side.js";

/** A turn of the event loop: all that can go on without the outside has gone on. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const failure = new Error("no such folder");

function queryOf(index: number): ChangesQuery {
  return { workspaceId: String(index).padStart(32, "0") as WorkspaceId, replicaId: "1".repeat(32) as ReplicaId, inDoubt: [] };
}

/** Passes beside each other, before a hub that notes what it was asked at once, and under a clock that the test moves. */
function opened() {
  const asked: Array<readonly number[]> = [];
  const alarms: Array<() => void> = [];
  const transport = {
    async changes({ workspaces }) {
      asked.push(workspaces.map(({ workspaceId }) => Number(workspaceId)));
      return { workspaces: workspaces.map(() => ({ kind: "unchanged", outcomes: [] })) };
    },
  } satisfies Pick<Transport, "changes">;
  const env = { sleep: () => new Promise<void>((resolve) => alarms.push(resolve)) } satisfies Pick<Env, "sleep">;
  const sideBySide = createSideBySide({ transport: transport as unknown as Transport, env: env as unknown as Env });
  const timeIsUp = (): void => {
    for (const ring of alarms.splice(0)) ring();
  };
  return { sideBySide, asked, timeIsUp };
}

const look = async ({ changes }: SideBySide, index: number): Promise<void> => void (await changes({ workspaces: [queryOf(index)] }));

/** What a pass does before it looks at the hub, in turns of the event loop, and whether it comes to look at all. */
const passes = fc.array(fc.record({ turns: fc.nat(5), ends: fc.constantFrom("looks", "looks twice", "fails", "has nothing to ask") }), {
  minLength: 1,
  maxLength: 12,
});

describe("passes side by side", () => {
  it("look at the hub in one call, whichever come later and whichever fail, and give what each came to in their order", async () => {
    await fc.assert(
      fc.asyncProperty(passes, async (plans) => {
        const { sideBySide, asked } = opened();
        const outcomes = await sideBySide.run(
          plans.map(({ turns, ends }, index) => async () => {
            for (let at = 0; at < turns; at++) await turn();
            if (ends === "fails") return failure;
            if (ends.startsWith("looks")) await look(sideBySide, index);
            if (ends === "looks twice") await look(sideBySide, index);
            return index;
          }),
        );
        expect(outcomes).toEqual(plans.map(({ ends }, index) => (ends === "fails" ? failure : index)));
        const first = plans.flatMap(({ ends }, index) => (ends.startsWith("looks") ? [index] : []));
        expect([...(asked[0] ?? [])].sort((a, b) => a - b)).toEqual(first);
        expect(
          asked
            .slice(1)
            .flat()
            .sort((a, b) => a - b),
        ).toEqual(plans.flatMap(({ ends }, index) => (ends === "looks twice" ? [index] : [])));
      }),
    );
  });

  it("go on from their looks four at a time", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(4), { minLength: 1, maxLength: 15 }), async (turnsOfEach) => {
        const { sideBySide } = opened();
        let atWork = 0;
        let most = 0;
        await sideBySide.run(
          turnsOfEach.map((turns, index) => async () => {
            await look(sideBySide, index);
            atWork += 1;
            most = Math.max(most, atWork);
            for (let at = 0; at < turns; at++) await turn();
            await look(sideBySide, index);
            atWork -= 1;
          }),
        );
        expect(most).toBe(Math.min(4, turnsOfEach.length));
      }),
    );
  });

  it("do not wait for a pass that does not come to look: when the time is up the others do", async () => {
    const { sideBySide, asked, timeIsUp } = opened();
    let open = (): void => {};
    const slow = new Promise<void>((resolve) => {
      open = resolve;
    });
    const running = sideBySide.run([
      () => look(sideBySide, 0),
      async () => {
        await slow;
        await look(sideBySide, 1);
      },
    ]);
    await turn();
    expect(asked).toEqual([]);
    timeIsUp();
    await turn();
    expect(asked).toEqual([[0]]);
    open();
    await running;
    expect(asked).toEqual([[0], [1]]);
  });

  it("end all before the first failure is told", async () => {
    const { sideBySide } = opened();
    let ended = false;
    const running = sideBySide.run([
      () => Promise.reject(failure),
      async () => {
        await turn();
        ended = true;
      },
    ]);
    await expect(running).rejects.toBe(failure);
    expect(ended).toBe(true);
  });
});
