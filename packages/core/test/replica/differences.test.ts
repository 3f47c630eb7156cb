import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { DownloadRequest, Frame, FrameCodec, Transport } from "@twinfold/core";
import { createTwins, type Device } from "./twins.js";

/** Bytes without repetition, from a seed. */
function noise(seed: number, sizeBytes: number): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(sizeBytes / 32) }, (_, i) => createHash("sha256").update(`${seed}:${i}`).digest());
  return new Uint8Array(Buffer.concat(blocks).subarray(0, sizeBytes));
}

const OLD = noise(1, 500_000);
/** One line is put into the middle. */
const NEW = new Uint8Array(Buffer.concat([OLD.subarray(0, 250_000), Buffer.from("a new line\n"), OLD.subarray(250_000)]));

interface Seen {
  readonly up: Frame[];
  readonly down: Frame[];
  readonly asked: DownloadRequest[];
  sketches: number;
}

/** A laptop that has edited a file which the phone has too, and what crosses when both sync. */
async function edited(tamper: (transport: Transport) => Partial<Transport> = () => ({}), after: Uint8Array = NEW, before: Uint8Array = OLD) {
  const seen: Seen = { up: [], down: [], asked: [], sketches: 0 };
  const wrapTransport = (inner: Transport): Transport => {
    const transport = { ...inner, ...tamper(inner) };
    return {
      ...transport,
      sketches: (request, options) => {
        seen.sketches += 1;
        return transport.sketches(request, options);
      },
      upload: (request, options) => {
        seen.up.push(...request.frames);
        return transport.upload(request, options);
      },
      async *download(request, options) {
        seen.asked.push(request);
        for await (const frame of transport.download(request, options)) {
          seen.down.push(frame);
          yield frame;
        }
      },
    };
  };
  const twins = await createTwins(["laptop", "phone"], { wrapTransport });
  const [laptop, phone] = twins.devices as [Device, Device];
  laptop.tree.write("file", before);
  await twins.settle();
  for (const list of [seen.up, seen.down, seen.asked]) list.length = 0;
  seen.sketches = 0;
  laptop.tree.write("file", after);
  const sent = await laptop.sync();
  const received = await phone.sync();
  expect([sent.inSync, received.inSync]).toEqual([true, true]);
  const entry = phone.tree.files().get("file");
  expect(entry?.kind === "file" && Buffer.compare(entry.bytes, after)).toBe(0);
  return { seen, sent, received, twins };
}

const codecs = (frames: readonly Frame[]): readonly FrameCodec[] => frames.map(({ codec }) => codec);
const payloadBytes = (frames: readonly Frame[]): number => frames.reduce((sum, { payload }) => sum + payload.length, 0);
/** Changes what it passes on: the same frames with one byte of each difference another. */
const damaged = (frame: Frame, at: number): Frame =>
  frame.codec === "delta" ? { ...frame, payload: frame.payload.map((byte, i) => (i === at ? byte ^ 255 : byte)) } : frame;

describe("an edit of a file that both sides have", () => {
  it("goes up as a difference to what the hub has, and down as one to what the device has", async () => {
    const { seen, sent, received, twins } = await edited();
    expect(codecs(seen.up)).toEqual(["delta"]);
    expect(codecs(seen.down)).toEqual(["delta"]);
    expect(seen.sketches).toBe(1);
    expect(payloadBytes(seen.up)).toBeLessThan(4_200); // the longest piece of a sketch, and some
    expect(payloadBytes(seen.down)).toBeLessThan(100);
    const [frame] = seen.up as [Frame];
    expect(sent).toMatchObject({ deltaFrames: 1, bytesSaved: frame.plainBytes - frame.payload.length, chunksUploaded: 1 });
    expect(received).toMatchObject({ deltaFrames: 1, bytesSaved: frame.plainBytes - payloadBytes(seen.down), chunksDownloaded: 1 });
    expect(twins.hub.counters).toMatchObject({ deltaFramesReceived: 1, deltaFramesServed: 1, framesAskedAgain: 0 });
    expect(twins.hub.counters.bytesSaved).toBe(sent.bytesSaved + received.bytesSaved);
  });

  it("sends the text that it brings compressed", async () => {
    const text = Buffer.from("a line that is put in again and again\n".repeat(2_000));
    const after = new Uint8Array(Buffer.concat([OLD.subarray(0, 250_000), text, OLD.subarray(250_000)]));
    const { seen } = await edited(undefined, after);
    expect(payloadBytes(seen.up)).toBeLessThan(text.length); // with as much again of what lies around it
  });

  it("asks for no pieces when nothing is to be gained: a file that is new, and one that is small", async () => {
    const { seen } = await edited(undefined, noise(2, 4_000), noise(3, 4_000));
    expect(seen.sketches).toBe(0);
    expect(codecs(seen.up)).toEqual(["plain"]);
  });

  it("goes plain to and from a hub that offers nothing else, which is asked nothing that it does not know", async () => {
    const withoutFeatures: (transport: Transport) => Partial<Transport> = (transport) => ({
      changes: async (request, options) => {
        const { hello, workspaces } = await transport.changes(request, options);
        return { hello: hello && { ...hello, features: [] }, workspaces };
      },
    });
    const { seen } = await edited(withoutFeatures, new Uint8Array(Buffer.from("text ".repeat(100_000))));
    expect(seen.sketches).toBe(0);
    expect(new Set([...codecs(seen.up), ...codecs(seen.down)])).toEqual(new Set(["plain"]));
    expect(seen.asked.map(({ accepts }) => accepts)).toEqual(seen.asked.map(() => undefined));
  });

  it("goes plain after all when the pieces that the hub told are not those of its chunk", async () => {
    const { seen, sent, twins } = await edited((transport) => ({
      async sketches(request, options) {
        const told = await transport.sketches(request, options);
        return told.map((sketch) => sketch.map((piece, at) => ({ ...piece, fingerprint: sketch[(at + 1) % sketch.length]?.fingerprint ?? "" })));
      },
    }));
    expect(codecs(seen.up)).toContain("plain");
    expect(sent.chunksUploaded).toBe(1);
    expect(twins.hub.counters.deltaFramesReceived).toBe(0);
  });

  it.each([
    ["its bytes are not the chunk's", -1],
    ["it is malformed", 0],
  ])("goes plain after all when the difference was damaged on its way up, so that %s", async (_what, place) => {
    const { seen, sent } = await edited((transport) => ({
      upload: (request, options) =>
        transport.upload(
          { ...request, frames: request.frames.map((frame) => damaged(frame, place < 0 ? frame.payload.length - 1 : place)) },
          options,
        ),
    }));
    expect(codecs(seen.up)).toEqual(["delta", "plain"]);
    expect(sent).toMatchObject({ chunksUploaded: 1, deltaFrames: 0, bytesSaved: 0 });
  });

  it.each([
    ["its bytes are not the chunk's", -1],
    ["it is malformed", 0],
    ["it names a base that was not named to the hub", 5],
  ])("is asked for plain when the difference was damaged on its way down, so that %s", async (_what, place) => {
    const { seen, received } = await edited((transport) => ({
      async *download(request, options) {
        for await (const frame of transport.download(request, options)) yield damaged(frame, place < 0 ? frame.payload.length - 1 : place);
      },
    }));
    expect(codecs(seen.down)).toEqual(["delta", "plain"]);
    expect(seen.asked.map(({ accepts }) => accepts === undefined)).toEqual([false, true]);
    expect(received).toMatchObject({ deltaFrames: 0, bytesSaved: 0, chunksDownloaded: 1 });
  });
});
