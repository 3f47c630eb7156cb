import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { diffChunk, fflateCompression, type Frame, type FrameCodec, sketchChunk, nobleSha256, type Transport } from "@twinfold/core";
import { bytesOf, frameOf, openWorld, principal } from "./hub-world.js";

function noise(seed: number, sizeBytes: number): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(sizeBytes / 32) }, (_, i) => createHash("sha256").update(`${seed}:${i}`).digest());
  return new Uint8Array(Buffer.concat(blocks).subarray(0, sizeBytes));
}

const OLD = frameOf(noise(1, 40_000));
const NEW = frameOf(OLD.payload.slice().fill(0, 20_000, 20_050));
const TEXT = frameOf(bytesOf("text that is stored as it came ".repeat(2_000)));

const differenceTo = (target: Frame, base: Frame): Frame => ({
  ...target,
  codec: "delta",
  payload: diffChunk(target.payload, [{ chunkId: base.chunkId, bytes: base.payload }], fflateCompression) as Uint8Array,
});
const deflated = (frame: Frame): Frame => ({ ...frame, codec: "deflate", payload: fflateCompression.deflate(frame.payload) });

async function fetched(session: Transport, request: Parameters<Transport["download"]>[0]): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const frame of session.download(request)) frames.push(frame);
  return frames;
}
const codecs = (frames: readonly Frame[]): readonly FrameCodec[] => frames.map(({ codec }) => codec);

describe("a hub that has a chunk for another workspace only", () => {
  it("takes no difference to it, serves none, and tells none of its pieces", async () => {
    const { hub, workspaceId: theirs, session } = await openWorld();
    const mallory = principal(2);
    const workspaceId = await hub.createWorkspace(mallory.accountId);
    const own = hub.session(mallory);
    await session.upload({ workspaceId: theirs, frames: [OLD] });

    expect(await own.upload({ workspaceId, frames: [differenceTo(NEW, OLD)] })).toEqual({ stored: [], sendPlain: [NEW.chunkId] });
    expect(await own.sketches({ workspaceId, chunkIds: [OLD.chunkId], averageBytes: 1024 })).toEqual([[]]);
    await own.upload({ workspaceId, frames: [NEW] });
    const asked = { workspaceId, chunkIds: [NEW.chunkId], accepts: { deflate: false, bases: [OLD.chunkId], basesOf: [[0]] } };
    expect(codecs(await fetched(own, asked))).toEqual(["plain"]);

    await own.upload({ workspaceId, frames: [OLD] });
    expect(codecs(await fetched(own, asked))).toEqual(["delta"]);
    expect(await own.sketches({ workspaceId, chunkIds: [OLD.chunkId], averageBytes: 1024 })).toEqual([sketchChunk(OLD.payload, 1024, nobleSha256)]);
  });
});

describe("a chunk that came compressed", () => {
  it("rests so, and is served so to who takes it, and plain to who does not", async () => {
    const { hub, session, workspaceId, blobs, store } = await openWorld();
    const frame = deflated(TEXT);
    await session.upload({ workspaceId, frames: [frame] });
    const stored = [...blobs.snapshot().values()].reduce((sum, bytes) => sum + bytes.length, 0);
    expect(stored).toBeLessThan(frame.payload.length + 100);
    expect(await store.chunks([TEXT.chunkId])).toMatchObject([{ codec: "deflate", storedBytes: frame.payload.length, plainBytes: TEXT.plainBytes }]);
    const accepts = { deflate: true, bases: [], basesOf: [] };
    expect(await fetched(session, { workspaceId, chunkIds: [TEXT.chunkId], accepts })).toEqual([frame]);
    expect(await fetched(session, { workspaceId, chunkIds: [TEXT.chunkId] })).toEqual([TEXT]);
    expect(hub.counters).toMatchObject({
      deflateFramesReceived: 1,
      deflateFramesServed: 1,
      bytesSaved: 2 * (TEXT.plainBytes - frame.payload.length),
    });
  });

  it("is a base like any other", async () => {
    const { session, workspaceId } = await openWorld();
    await session.upload({ workspaceId, frames: [deflated(TEXT)] });
    const edited = frameOf(TEXT.payload.slice().fill(0, 100, 110));
    expect(await session.upload({ workspaceId, frames: [differenceTo(edited, TEXT)] })).toEqual({ stored: [edited.chunkId], sendPlain: [] });
    expect(await fetched(session, { workspaceId, chunkIds: [edited.chunkId] })).toEqual([edited]);
  });

  it("comes with its damage to an asker that checks alone, and is reported when that one asks once more", async () => {
    const { session, workspaceId, blobs, hub } = await openWorld();
    await session.upload({ workspaceId, frames: [TEXT] });
    for (const [name, bytes] of blobs.snapshot()) await blobs.put(name, bytes.slice().fill(255, 60, 70));
    const asked = { workspaceId, chunkIds: [TEXT.chunkId] };
    const accepts = { deflate: false, bases: [], basesOf: [], unverified: true };
    const [frame] = await fetched(session, { ...asked, accepts });
    expect(frame).toMatchObject({ codec: "plain", plainBytes: TEXT.plainBytes });
    expect(frame?.payload).not.toEqual(TEXT.payload);
    expect(hub.counters.chunksDamaged).toBe(0);
    expect(codecs(await fetched(session, asked))).toEqual(["absent"]);
    expect(hub.counters.chunksDamaged).toBe(1);
  });

  it("is answered as absent, and reported, when its stored bytes are damaged", async () => {
    const { session, workspaceId, blobs, hub } = await openWorld();
    await session.upload({ workspaceId, frames: [deflated(TEXT)] });
    for (const [name, bytes] of blobs.snapshot()) await blobs.put(name, bytes.slice().fill(255, 60, 70));
    expect(codecs(await fetched(session, { workspaceId, chunkIds: [TEXT.chunkId] }))).toEqual(["absent"]);
    expect(hub.counters.chunksDamaged).toBe(1);
    expect(await session.sketches({ workspaceId, chunkIds: [TEXT.chunkId], averageBytes: 1024 })).toEqual([[]]);
  });
});

describe("the bases of one request", () => {
  it("are bounded: what is beyond 64 MiB of them is answered plain, and asked for plain", async () => {
    const { session, workspaceId } = await openWorld();
    const bases = [1, 2].map((seed) => frameOf(noise(seed, 4 * 2 ** 20)));
    for (const frame of bases) await session.upload({ workspaceId, frames: [frame] });
    const baseIds = bases.map(({ chunkId }) => chunkId);
    const targets = Array.from({ length: 10 }, (_, n) => frameOf((bases[0] as Frame).payload.slice(n * 9_000, n * 9_000 + 8_000)));
    const both = bases.map(({ chunkId, payload }) => ({ chunkId, bytes: payload }));
    const differences = targets.map((target): Frame => {
      const payload = diffChunk(target.payload, both) as Uint8Array;
      return { ...target, codec: "delta", payload };
    });
    // Each difference names the 4 MiB that it copies from: sixteen of them fit.
    expect((await session.upload({ workspaceId, frames: differences })).sendPlain).toEqual([]);
    const accepts = { deflate: false, bases: baseIds, basesOf: targets.map(() => [0, 1]) };
    const served = await fetched(session, { workspaceId, chunkIds: targets.map(({ chunkId }) => chunkId), accepts });
    // Of two bases, 8 MiB, eight times.
    expect(codecs(served)).toEqual([...Array<FrameCodec>(8).fill("delta"), "plain", "plain"]);
  }, 60_000);
});
