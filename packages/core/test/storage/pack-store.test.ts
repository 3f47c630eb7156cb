import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type BlobStore,
  type ChunkId,
  createMemoryBlobStore,
  createMemoryHubStore,
  createPackStore,
  decodeFrames,
  encodeFrames,
  type Frame,
  giveBackFrameRoom,
  type Sha256,
  takeFrameRoom,
} from "../../src/index.js";

const sha256: Sha256 = (bytes) => new Uint8Array(createHash("sha256").update(bytes).digest());
const frameOf = (payload: Uint8Array): Frame => ({
  chunkId: Buffer.from(sha256(payload)).toString("hex") as ChunkId,
  codec: "plain",
  plainBytes: payload.length,
  payload,
});
const frames = fc
  .uniqueArray(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 6, selector: String })
  .map((payloads) => payloads.map(frameOf));

async function openPacks() {
  const written: Uint8Array[] = [];
  const inner = createMemoryBlobStore();
  const blobs: BlobStore = {
    ...inner,
    async put(name, bytes, options) {
      written.push(bytes);
      await inner.put(name, bytes, options);
    },
  };
  let ids = 0;
  const packs = createPackStore({
    blobs,
    store: createMemoryHubStore(),
    env: { sha256, randomBytes: (length) => new Uint8Array(length).fill(++ids) },
  });
  return { packs, written };
}

async function received(sent: readonly Frame[], into: Uint8Array): Promise<readonly Frame[]> {
  const arrived: Frame[] = [];
  async function* body() {
    yield* encodeFrames(sent);
  }
  for await (const frame of decodeFrames(body(), { into })) arrived.push(frame);
  return arrived;
}

const chunksOf = (arrived: readonly Frame[]) => arrived.map(({ chunkId, payload }) => ({ chunkId, bytes: payload }));

describe("a pack", () => {
  it("is the same wherever its chunks lie, and is written from the room that its frames came into", async () => {
    await fc.assert(
      fc.asyncProperty(frames, async (sent) => {
        const [scattered, inPlace] = [await openPacks(), await openPacks()];
        await scattered.packs.put(chunksOf(sent));
        const room = takeFrameRoom(4096);
        await inPlace.packs.put(chunksOf(await received(sent, room)));
        expect(inPlace.written[0]).toEqual(scattered.written[0]);
        expect(inPlace.written[0]?.buffer).toBe(room.buffer);
        expect(Buffer.from(inPlace.written[0] ?? []).subarray(8)).toEqual(Buffer.concat([...encodeFrames(sent)]));
      }),
    );
  });

  it("holds only the chunks that are new, each once, also when more came into the room", async () => {
    await fc.assert(
      fc.asyncProperty(frames, frames, async (before, sent) => {
        const { packs, written } = await openPacks();
        await packs.put(chunksOf(before));
        const known = new Set(before.map(({ chunkId }) => chunkId));
        const fresh = sent.filter(({ chunkId }) => !known.has(chunkId));
        await packs.put(chunksOf(await received([...sent, ...sent.slice(0, 1)], takeFrameRoom(4096))));
        expect(Buffer.concat(written.slice(1).map((pack) => pack.subarray(8)))).toEqual(Buffer.concat([...encodeFrames(fresh)]));
        const asked = sent.map(({ chunkId }) => chunkId);
        const read: unknown[] = [];
        for await (const chunk of packs.read(asked)) read.push(chunk);
        expect(read).toEqual(chunksOf(sent));
      }),
    );
  });

  it("gives chunks that lie side by side in it as they travel: to send them on copies nothing", async () => {
    const { packs } = await openPacks();
    const sent = [1, 2, 3].map((fill) => frameOf(new Uint8Array(1000).fill(fill)));
    await packs.put(chunksOf(sent));
    const read: Frame[] = [];
    for await (const chunk of packs.read(sent.map(({ chunkId }) => chunkId))) {
      if (chunk !== undefined && "bytes" in chunk) read.push({ chunkId: chunk.chunkId, codec: "plain", plainBytes: 1000, payload: chunk.bytes });
    }
    expect([...encodeFrames(read)]).toHaveLength(1);
  });
});

describe("a room for frames", () => {
  it("is at least as long as was asked for, and is given to the next one when it was given back", () => {
    const [small, large] = [takeFrameRoom(100), takeFrameRoom(4 * 2 ** 20)];
    expect(small.length).toBe(100);
    expect(large.length).toBeGreaterThanOrEqual(4 * 2 ** 20);
    large[0] = 7;
    const other = takeFrameRoom(4 * 2 ** 20);
    expect(other.buffer).not.toBe(large.buffer);
    giveBackFrameRoom(large);
    const again = takeFrameRoom(4 * 2 ** 20);
    expect(again.buffer).toBe(large.buffer);
    expect(again[0]).toBe(7);
  });
});
