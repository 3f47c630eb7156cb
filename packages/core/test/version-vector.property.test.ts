import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  advance,
  compareVersions,
  EMPTY_VECTOR,
  HUB_REPLICA_ID,
  MAX_VECTOR_REPLICAS,
  merge,
  type Ordering,
  orderAtHub,
  type ReplicaId,
  sameVersion,
  type VersionVector,
} from "../src/index.js";
import { knownReplica, replicaId, versionVector } from "./arbitraries.js";

/** Two vectors that often have replicas in common. */
const pair = fc.oneof(
  fc.tuple(versionVector, versionVector),
  fc.tuple(versionVector, fc.array(knownReplica)).map(([a, changes]): [VersionVector, VersionVector] => [a, changes.reduce(advance, a)]),
);
const CONVERSE: Readonly<Record<Ordering, Ordering>> = { equal: "equal", before: "after", after: "before", concurrent: "concurrent" };

/** `a` has seen nothing that `b` has not: the definition, entry by entry. */
function isCovered(a: VersionVector, b: VersionVector): boolean {
  return [...a].every(([replica, count]) => count <= (b.get(replica) ?? 0));
}

describe("compareVersions", () => {
  it("answers by who has seen whom", () => {
    fc.assert(
      fc.property(pair, ([a, b]) => {
        const expected = isCovered(a, b) ? (isCovered(b, a) ? "equal" : "before") : isCovered(b, a) ? "after" : "concurrent";
        expect(compareVersions(a, b)).toBe(expected);
        expect(compareVersions(b, a)).toBe(CONVERSE[expected]);
        expect(sameVersion(a, b)).toBe(expected === "equal");
      }),
    );
  });

  it("counts a missing replica as 0, and not the order of the entries", () => {
    fc.assert(
      fc.property(versionVector, replicaId, (vector, other) => {
        const reversed = new Map([...vector].reverse());
        expect(compareVersions(vector, reversed)).toBe("equal");
        if (!vector.has(other)) expect(compareVersions(vector, new Map(vector).set(other, 0))).toBe("equal");
      }),
    );
  });
});

describe("merge", () => {
  it("is the least vector that has seen both, whichever comes first", () => {
    fc.assert(
      fc.property(pair, versionVector, ([a, b], c) => {
        const merged = merge(a, b);
        expect(isCovered(a, merged) && isCovered(b, merged)).toBe(true);
        expect(isCovered(merged, merge(merge(a, c), b))).toBe(true);
        expect(sameVersion(merged, merge(b, a))).toBe(true);
        expect(sameVersion(merge(merged, c), merge(a, merge(b, c)))).toBe(true);
        expect(sameVersion(merge(a, a), a)).toBe(true);
        for (const [replica, count] of merged) expect([a.get(replica), b.get(replica)]).toContain(count);
      }),
    );
  });
});

describe("advance", () => {
  it("makes a later version that is current nowhere before, and leaves its base as it was", () => {
    fc.assert(
      fc.property(fc.array(knownReplica, { maxLength: 10 }), knownReplica, (history, replica) => {
        const base = history.reduce(advance, EMPTY_VECTOR);
        const before = [...base];
        const next = advance(base, replica);
        expect([...base]).toEqual(before);
        expect(compareVersions(base, next)).toBe("before");
        expect(orderAtHub(next, next)).toBe("current");
        expect(orderAtHub(base, next)).toBe("outdated");
        expect(orderAtHub(next, base)).toBe("reset");
      }),
    );
  });

  it("keeps the hub and the replicas that changed last, in the order of their last change", () => {
    const many = fc.array(
      fc.nat(40).map((n) => String(n + 1).padStart(32, "0") as ReplicaId),
      { maxLength: 80 },
    );
    fc.assert(
      fc.property(many, (history) => {
        const vector = history.reduce(advance, EMPTY_VECTOR);
        const latest = [...new Set([...history].reverse())].slice(0, MAX_VECTOR_REPLICAS).reverse();
        expect([...vector.keys()].filter((replica) => replica !== HUB_REPLICA_ID)).toEqual(latest);
        expect(vector.get(HUB_REPLICA_ID) ?? 0).toBe(history.length);
      }),
    );
  });

  it("makes different versions of the same base for different replicas, which the hub tells apart", () => {
    fc.assert(
      fc.property(fc.array(knownReplica, { maxLength: 30 }), fc.uniqueArray(replicaId, { minLength: 2, maxLength: 2 }), (history, [one, other]) => {
        const base = history.reduce(advance, EMPTY_VECTOR);
        const [mine, theirs] = [advance(base, one as ReplicaId), advance(base, other as ReplicaId)];
        expect(compareVersions(mine, theirs)).toBe("concurrent");
        expect(orderAtHub(mine, theirs)).toBe("reset");
      }),
    );
  });
});
