import type { LocalState, NodeName, NodeRecord, SyncedState } from "@twinfold/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decode, encode } from "../../src/codec/codec.js";
import { recordCodec } from "../../src/replica/trees/record-codec.js";
import * as arbitrary from "../arbitraries.js";

const stat: fc.Arbitrary<LocalState["stat"]> = fc.record({
  kind: fc.constantFrom("file" as const, "directory" as const, "symlink" as const, "other" as const),
  sizeBytes: arbitrary.integer,
  mtimeNs: arbitrary.int64,
  ctimeNs: arbitrary.int64,
  inode: fc.string({ maxLength: 20 }),
  executable: fc.boolean(),
  links: fc.nat(300),
});

/** Records whose states take each part from one of two heads, one of which is the hub's. */
const records: fc.Arbitrary<NodeRecord> = fc
  .tuple(arbitrary.head, arbitrary.head, fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }), stat, fc.nat(15), fc.boolean())
  .map(([remote, other, ofRemote, itsStat, present, aliased]) => {
    const from = (index: number) => (ofRemote[index] ? remote : other);
    const { mtimeNs } = itsStat;
    const touched = (content: LocalState["content"]) => (ofRemote[7] && content.kind === "file" ? { ...content, mtimeNs } : content);
    const local: LocalState = {
      place: { ...from(0).place },
      content: touched({ ...from(1).content }),
      stat: itsStat,
      suspect: ofRemote[6] ?? false,
      ...(aliased && { alias: "other name" as NodeName }),
    };
    const synced = (at: number): SyncedState => ({
      place: { ...from(at).place },
      placeVector: new Map([...from(at + 1).placeVector].reverse()),
      content: { ...from(at).content },
      contentVector: new Map(from(at + 1).contentVector),
    });
    return {
      nodeId: remote.nodeId,
      ...(present & 1 && { local }),
      ...(present & 2 && { synced: synced(2) }),
      ...(present & 4 && { remote }),
      ...(present & 8 && { former: synced(4) }),
    };
  });

describe("a replica's record", () => {
  it("comes back as it was, in whatever its trees are alike, with the order of its vectors", () => {
    fc.assert(
      fc.property(records, (record) => {
        const again = decode(recordCodec, encode(recordCodec, record));
        expect(again).toEqual(record);
        expect([...(again.synced?.placeVector ?? [])]).toEqual([...(record.synced?.placeVector ?? [])]);
      }),
    );
  });

  it("takes no more bytes for what all trees hold alike than for its head and its stat", () => {
    fc.assert(
      fc.property(arbitrary.head, stat, ({ nodeId, ...remote }, itsStat) => {
        const alone = encode(recordCodec, { nodeId, remote: { nodeId, ...remote } });
        const { place, placeVector, content, contentVector } = remote;
        const local: LocalState = { place, content, stat: itsStat, suspect: false };
        const everywhere = encode(recordCodec, {
          nodeId,
          local,
          synced: { place, placeVector, content, contentVector },
          remote: { nodeId, ...remote },
        });
        // Two times 8 bytes of times, three varints of 8 bytes at most, three single bytes, and the inode with its length.
        expect(everywhere.length - alone.length).toBeLessThanOrEqual(16 + 24 + 3 + 61);
      }),
    );
  });

  it("is refused where it says to be as a head that is not there", () => {
    const nodeId = "d4".repeat(16);
    const bytes = Uint8Array.from([...Buffer.from(nodeId, "hex"), 0, 7, 0, 0, 0]);
    expect(() => decode(recordCodec, bytes)).toThrow(/a head that is not there/);
  });
});
