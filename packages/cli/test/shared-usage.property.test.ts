import type { ChangeRow, ChangesAnswer, ReplicaId, Transport, WorkspaceId } from "@twinfold/core";
import fc from "fast-check";
import { expect, it } from "vitest";
import { NO_USAGE, type Usage, usageSum } from "../src/network/metered-network.js";
import { createSharedUsage } from "../src/network/shared-usage.js";

const ids = Array.from({ length: 6 }, (_, index) => String(index).padStart(32, "0") as WorkspaceId);
/** Of a call: the rows that each workspace is told, what crosses, and whether it fails. */
const call = fc.record({
  rows: fc.dictionary(fc.constantFrom(...ids), fc.nat(5), { minKeys: 1, noNullPrototype: true }),
  bytesSent: fc.nat(10_000),
  bytesReceived: fc.nat(10_000),
  fails: fc.boolean(),
});

function rowsAnswer(count: number): ChangesAnswer {
  if (count === 0) return { kind: "unchanged", outcomes: [] };
  return { kind: "rows", outcomes: [], rows: Array<ChangeRow>(count).fill({} as ChangeRow), cursor: {} as never, more: false };
}

it("shares of a network add up to what crossed it, and nobody has less for more rows", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(call, { maxLength: 8 }), async (calls) => {
      let crossed: Usage = NO_USAGE;
      const usage = (): Usage => crossed;
      for (const { rows, bytesSent, bytesReceived, fails } of calls) {
        const asked = Object.keys(rows) as WorkspaceId[];
        const transport = {
          async changes({ workspaces }) {
            crossed = usageSum(crossed, { bytesSent, bytesReceived, requests: 1, throttledMs: 0 });
            if (fails) throw new Error("the line is dead");
            return { workspaces: workspaces.map(({ workspaceId }) => rowsAnswer(rows[workspaceId] ?? 0)) };
          },
        } satisfies Pick<Transport, "changes">;
        const shared = createSharedUsage({ usage }, transport);
        const workspaces = asked.map((workspaceId) => ({ workspaceId, replicaId: "1".repeat(32) as ReplicaId, inDoubt: [] }));
        await shared.changes({ workspaces }).catch(() => {});
        const shares = asked.map((workspaceId) => shared.of(workspaceId));
        expect(shares.reduce(usageSum, NO_USAGE)).toEqual({ bytesSent, bytesReceived, requests: 1, throttledMs: 0 });
        const [, ...others] = asked.map((workspaceId, index) => ({ count: fails ? 0 : (rows[workspaceId] ?? 0), share: shares[index] as Usage }));
        for (const one of others)
          for (const other of others) if (one.count >= other.count) expect(one.share.bytesReceived).toBeGreaterThanOrEqual(other.share.bytesReceived);
      }
    }),
  );
});
