import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ChunkId, encodeFrames, type Frame, type Manifest, takeFrameRoom } from "@twinfold/core";
import { FrameBatch, type ReadRange } from "../../src/replica/upload/frame-batch.js";

/** A file, the chunks that it is cut into, how many of them are read together, and where its reader cuts what it gives. */
const files = fc
  .tuple(
    fc.array(fc.uint8Array({ minLength: 1, maxLength: 400 }), { minLength: 1, maxLength: 8 }),
    fc.array(fc.integer({ min: 1, max: 5 })),
    fc.integer({ min: 1, max: 500 }),
  )
  .map(([chunks, groups, pieceBytes]) => ({ chunks, groups, pieceBytes, bytes: new Uint8Array(Buffer.concat(chunks)) }));

const idOf = (chunk: Uint8Array): ChunkId => createHash("sha256").update(chunk).digest("hex") as ChunkId;
const entriesOf = (chunks: readonly Uint8Array[]): Manifest => chunks.map((chunk) => ({ chunkId: idOf(chunk), lengthBytes: chunk.length }));
const framesBytes = (chunks: readonly Uint8Array[]): number => chunks.reduce((sum, chunk) => sum + 41 + chunk.length, 0);

/** Reads as a tree does that puts its pieces in their places, or as one that gives its own. */
const reader = (bytes: Uint8Array, pieceBytes: number, inPlace: boolean): ReadRange =>
  async function* read({ offset, length, into }) {
    for (let at = 0; at < length && offset + at < bytes.length; at += pieceBytes) {
      const piece = bytes.subarray(offset + at, offset + Math.min(length, at + pieceBytes));
      if (inPlace) into.set(piece, at);
      yield inPlace ? into.subarray(at, at + piece.length) : piece;
    }
  };

describe("a batch of frames", () => {
  it("holds the chunks that were read, in one piece as they travel, however they were read", async () => {
    await fc.assert(
      fc.asyncProperty(files, fc.boolean(), async ({ chunks, groups, pieceBytes, bytes }, inPlace) => {
        const batch = new FrameBatch(framesBytes(chunks));
        let offset = 0;
        for (let at = 0, group = 0; at < chunks.length; group++) {
          const together = chunks.slice(at, at + (groups[group] ?? chunks.length));
          await batch.add(entriesOf(together), offset, reader(bytes, pieceBytes, inPlace));
          at += together.length;
          offset += together.reduce((sum, chunk) => sum + chunk.length, 0);
        }
        expect(batch.frames.map(({ payload }) => Buffer.from(payload))).toEqual(chunks.map((chunk) => Buffer.from(chunk)));
        const sent = batch.frames.map((frame) => ({ ...frame, payload: frame.payload.slice() }));
        const pieces = [...encodeFrames(batch.frames)];
        expect(pieces).toHaveLength(1);
        expect(Buffer.compare(Buffer.concat(pieces), Buffer.concat([...encodeFrames(sent)]))).toBe(0);
      }),
    );
  });

  it("takes as many as fit, and all that it said it takes", async () => {
    await fc.assert(
      fc.asyncProperty(files, fc.nat(4_000), fc.nat(4_000), async ({ chunks, bytes }, sizeBytes, mostBytes) => {
        const batch = new FrameBatch(sizeBytes);
        const count = batch.fitting(entriesOf(chunks), mostBytes);
        const most = Math.min(sizeBytes, mostBytes);
        expect(framesBytes(chunks.slice(0, count))).toBeLessThanOrEqual(most);
        if (count < chunks.length) expect(framesBytes(chunks.slice(0, count + 1))).toBeGreaterThan(most);
        if (count > 0) await batch.add(entriesOf(chunks.slice(0, count)), 0, reader(bytes, 100, true));
        expect(batch.frames).toHaveLength(count);
      }),
    );
  });

  it("is as it was when a file turns out to be shorter or longer, or cannot be read", async () => {
    const [kept, gone] = [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6)];
    const batch = new FrameBatch(200);
    await batch.add(entriesOf([kept]), 0, reader(kept, 2, false));
    await expect(batch.add(entriesOf([gone]), 0, reader(gone.subarray(1), 9, false))).rejects.toMatchObject({ code: "ERR_LOCAL_CHANGED" });
    const longer: ReadRange = async function* read() {
      yield new Uint8Array(4);
    };
    await expect(batch.add(entriesOf([gone]), 0, longer)).rejects.toMatchObject({ code: "ERR_LOCAL_CHANGED" });
    const reason = new Error("a disk that fails");
    const failing: ReadRange = async function* read({ into }) {
      yield into.subarray(0, 1).fill(9);
      throw reason;
    };
    await expect(batch.add(entriesOf([gone]), 0, failing)).rejects.toBe(reason);
    await batch.add(entriesOf([gone]), 0, reader(gone, 2, true));
    expect(batch.frames.map(({ payload }) => [...payload])).toEqual([[...kept], [...gone]]);
  });

  it("gives its room to the next one when nobody uses its frames", async () => {
    const batch = new FrameBatch(4 * 2 ** 20);
    await batch.add(entriesOf([Uint8Array.of(1)]), 0, reader(Uint8Array.of(1), 1, true));
    const [frame] = batch.frames as [Frame];
    const { buffer } = frame.payload;
    expect(takeFrameRoom(4 * 2 ** 20).buffer).not.toBe(buffer);
    batch.giveBack();
    expect(takeFrameRoom(4 * 2 ** 20).buffer).toBe(buffer);
  });
});
