import { ANY_NAME, EMPTY_VECTOR, type NodeId, type NodeName, type NodeRecord } from "@twinfold/core";
import { expect, it } from "vitest";
import { createRowDecoder } from "../../src/replica/trees/decoded-rows.js";
import { recordToRow } from "../../src/replica/trees/record-codec.js";

function recordOf(number: number, name = "notes"): NodeRecord {
  const place = { parentId: "0".repeat(32) as NodeId, name: name as NodeName };
  const nodeId = number.toString(16).padStart(32, "0") as NodeId;
  return { nodeId, synced: { place, placeVector: EMPTY_VECTOR, content: { kind: "directory" }, contentVector: EMPTY_VECTOR } };
}

const rowOf = (record: NodeRecord) => recordToRow(record, ANY_NAME);

it("decodes a row again when its bytes are others, and only then", () => {
  const decoded = createRowDecoder();
  const first = decoded(rowOf(recordOf(1)));

  expect(first).toEqual(recordOf(1));
  expect(decoded(rowOf(recordOf(1)))).toBe(first);
  expect(decoded(rowOf(recordOf(1, "notas")))).toEqual(recordOf(1, "notas"));
  expect(decoded(rowOf(recordOf(1)))).toEqual(recordOf(1));
});

it("keeps no more than its bound, however many rows it is given", () => {
  const decoded = createRowDecoder();
  const first = decoded(rowOf(recordOf(0)));
  for (let number = 1; number <= 5_000; number++) decoded(rowOf(recordOf(number)));

  expect(decoded(rowOf(recordOf(0)))).not.toBe(first);
  expect(decoded(rowOf(recordOf(0)))).toEqual(first);
});
