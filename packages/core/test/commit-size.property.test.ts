import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Change, encodeCommit, HUB_REPLICA_ID, MAX_COMMIT_BYTES, MAX_COMMIT_CHANGES, type NodeName, type ReplicaId } from "@twinfold/core";
import { maxChangeBytes } from "../src/commit.js";
import { inlineManifestMaxBytes } from "../src/manifest.js";
import { change, nodeId } from "./arbitraries.js";

/** What a commit of these changes takes, but for its own header. */
function bytesOf(changes: readonly Change[]): number {
  const header = { replicaId: HUB_REPLICA_ID, counter: 1 };
  return encodeCommit({ ...header, changes }).length - encodeCommit({ ...header, changes: [] }).length;
}

/** A vector and a name that take as many bytes as any. */
const longest = {
  vector: new Map(
    [HUB_REPLICA_ID, ...Array.from({ length: 16 }, (_, at) => `${at + 10}`.repeat(16) as ReplicaId)].map((id) => [id, Number.MAX_SAFE_INTEGER]),
  ),
  name: "\u{10ffff}".repeat(63) as NodeName,
};

function longestFile(id: typeof nodeId extends fc.Arbitrary<infer T> ? T : never): Change {
  const content = { kind: "file", manifestId: "f".repeat(64), sizeBytes: Number.MAX_SAFE_INTEGER, executable: true, mtimeNs: -(2n ** 63n) } as const;
  return {
    kind: "put",
    nodeId: id,
    place: { place: { parentId: id, name: longest.name }, base: longest.vector },
    content: { content: content as never, base: longest.vector, manifest: new Uint8Array(inlineManifestMaxBytes) },
  };
}

describe("maxChangeBytes", () => {
  it("is no less than any change takes in a commit", () => {
    fc.assert(
      fc.property(change, (one) => {
        expect(maxChangeBytes(one)).toBeGreaterThanOrEqual(bytesOf([one]));
      }),
    );
  });

  it("is no less than the longest changes take, and not much more", () => {
    fc.assert(
      fc.property(nodeId, fc.integer({ min: 1, max: 1_365 }), (id, length) => {
        const file = longestFile(id);
        const base = longest.vector;
        const content = { kind: "symlink", target: "\uffff".repeat(length) } as const;
        const link: Change = { kind: "put", nodeId: id, place: { place: { parentId: id, name: longest.name }, base }, content: { content, base } };
        for (const one of [file, link, { kind: "delete", nodeId: id, placeBase: base, contentBase: base } satisfies Change]) {
          expect(maxChangeBytes(one)).toBeGreaterThanOrEqual(bytesOf([one]));
          if (one.kind === "put") expect(maxChangeBytes(one)).toBeLessThan(bytesOf([one]) + 100);
        }
      }),
    );
  });

  it("lets a commit hold as many changes of files as any may", () => {
    fc.assert(
      fc.property(nodeId, (id) => {
        expect(MAX_COMMIT_CHANGES * maxChangeBytes(longestFile(id)) + 64).toBeLessThanOrEqual(MAX_COMMIT_BYTES);
      }),
    );
  });
});
