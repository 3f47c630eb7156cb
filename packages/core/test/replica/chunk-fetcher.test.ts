import { createCipheriv, createHash } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import {
  type ChunkId,
  createLoopbackTransport,
  type DownloadRequest,
  type Frame,
  giveBackFrameRoom,
  type Sha256,
  takeFrameRoom,
  type Transport,
} from "@twinfold/core";
import { fetchChunks } from "../../src/replica/download/chunk-fetcher.js";
import { HubLink } from "../../src/replica/hub-link.js";
import { openWorld, principal } from "../hub/hub-world.js";

const sha256: Sha256 = (bytes) => new Uint8Array(createHash("sha256").update(bytes).digest());

/** Bytes without repetition, from a seed. */
function noise(seed: number, sizeBytes: number): Uint8Array {
  const cipher = createCipheriv("aes-128-ctr", Buffer.alloc(16, seed), Buffer.alloc(16));
  return new Uint8Array(cipher.update(Buffer.alloc(sizeBytes)));
}

function frameOf(payload: Uint8Array): Frame {
  return { chunkId: Buffer.from(sha256(payload)).toString("hex") as ChunkId, codec: "plain", plainBytes: payload.length, payload };
}

/** A hub with these chunks, and how to fetch them all over `wrap`. */
async function fetching(frames: readonly Frame[], { wrap = (transport: Transport): Transport => transport, offers = ["unverified"] } = {}) {
  const { hub, env, blobs, workspaceId, session } = await openWorld();
  for (const frame of frames) await session.upload({ workspaceId, frames: [frame] });
  const link = new HubLink();
  link.hello = { ...(await session.hello()), features: offers };
  const asked: DownloadRequest[] = [];
  const inner = wrap(createLoopbackTransport(hub, principal(1)));
  const transport: Transport = {
    ...inner,
    download(request, options) {
      asked.push(request);
      return inner.download(request, options);
    },
  };
  const wanted = frames.map(({ chunkId, plainBytes }) => ({ chunkId, lengthBytes: plainBytes }));
  const fetch = () => fetchChunks({ transport, workspaceId, env: { ...env, sha256 }, link }, wanted, { signal: undefined });
  return { hub, blobs, asked, fetch };
}

async function collected(chunks: AsyncIterable<Uint8Array | undefined>): Promise<ReadonlyArray<Uint8Array | undefined>> {
  const all: Array<Uint8Array | undefined> = [];
  for await (const chunk of chunks) all.push(chunk?.slice());
  return all;
}

describe("fetched chunks", () => {
  it("are good until the next one is asked for, whatever comes meanwhile, and their memory is used again", async () => {
    const frames = Array.from({ length: 24 }, (_, n) => frameOf(noise(n, 1_300_000)));
    const { fetch } = await fetching(frames);
    const rooms = new Set<ArrayBufferLike>();
    const seen: boolean[] = [];
    for await (const chunk of fetch()) {
      for (let n = 0; n < 100; n++) await turn(); // whatever is under way gets as far as it can
      const others = takeFrameRoom(4 * 2 ** 20).fill(255);
      rooms.add((chunk as Uint8Array).buffer);
      seen.push(Buffer.compare(chunk as Uint8Array, (frames[seen.length] as Frame).payload) === 0);
      giveBackFrameRoom(others);
    }
    expect(seen).toEqual(frames.map(() => true));
    expect(rooms.size).toBeLessThan(8); // of eight answers
  });

  it("are checked here, and not at a hub that leaves it to others", async () => {
    const { asked, fetch } = await fetching([frameOf(noise(1, 1000))]);
    await collected(fetch());
    expect(asked.map(({ accepts }) => accepts?.unverified)).toEqual([true]);
    const plain = await fetching([frameOf(noise(1, 1000))], { offers: [] });
    await collected(plain.fetch());
    expect(plain.asked.map(({ accepts }) => accepts)).toEqual([undefined]);
  });

  it("are asked for once more, verified, when they were damaged on their way", async () => {
    const frames = [1, 2, 3].map((seed) => frameOf(noise(seed, 1000)));
    let damages = 1;
    const wrap = (transport: Transport): Transport => ({
      ...transport,
      async *download(request, options) {
        for await (const frame of transport.download(request, options)) {
          const isHit = frame.chunkId === frames[1]?.chunkId && damages-- > 0;
          yield isHit ? { ...frame, payload: frame.payload.map((byte) => byte ^ 1) } : frame;
        }
      },
    });
    const { asked, fetch, hub } = await fetching(frames, { wrap });
    expect(await collected(fetch())).toEqual(frames.map(({ payload }) => payload));
    expect(asked.map(({ chunkIds, accepts }) => [chunkIds.length, accepts])).toEqual([
      [3, { deflate: false, bases: [], basesOf: [], unverified: true }],
      [1, undefined],
    ]);
    expect(hub.counters.chunksDamaged).toBe(0);
  });

  it("are absent when the hub's own copy is damaged, which it then knows", async () => {
    const frames = [1, 2].map((seed) => frameOf(noise(seed, 1000)));
    const { fetch, hub, blobs } = await fetching(frames);
    const [name, bytes] = [...blobs.snapshot()].find(([, pack]) => Buffer.from(pack).includes(Buffer.from((frames[0] as Frame).payload))) ?? [
      "",
      new Uint8Array(),
    ];
    await blobs.put(name, bytes.slice().fill(255, 60, 70));
    expect(await collected(fetch())).toEqual([undefined, frames[1]?.payload]);
    expect(hub.counters.chunksDamaged).toBe(1);
  });
});
