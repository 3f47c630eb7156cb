import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  answerCodecs,
  bytesToHex,
  type ChunkId,
  type Codec,
  commitAnswerCodec,
  commitCodec,
  contentCodec,
  cursorCodec,
  decode,
  decodeDelta,
  decodeFrameHeader,
  decodeFrames,
  decodeManifest,
  type Delta,
  encode,
  encodeDelta,
  encodeFrameHeader,
  encodeFrames,
  encodeManifest,
  fflateCompression,
  type Frame,
  headCodec,
  hexToBytes,
  journalRowCodec,
  requestCodecs,
  versionVectorCodec,
} from "../src/index.js";
import { int64 as int64Codec, varint } from "../src/codec/codec.js";
import { manifestRunCodec } from "../src/manifest.js";
import * as arbitrary from "./arbitraries.js";

interface Format {
  readonly values: fc.Arbitrary<unknown>;
  readonly encode: (value: never) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => unknown;
}

function format<T>(codec: Codec<T>, values: fc.Arbitrary<T>): Format {
  return { values, encode: (value: T) => encode(codec, value), decode: (bytes) => decode(codec, bytes) };
}

const lengthBytes = fc.nat(4 * 2 ** 20);
const frameHeader = fc.oneof(
  fc.record({ chunkId: arbitrary.chunkId, codec: fc.constant("plain" as const), lengthBytes }).map(({ lengthBytes: length, ...frame }) => ({
    ...frame,
    plainBytes: length,
    payloadBytes: length,
  })),
  fc.record({
    chunkId: arbitrary.chunkId,
    codec: fc.constantFrom("deflate" as const, "delta" as const),
    plainBytes: lengthBytes,
    payloadBytes: lengthBytes,
  }),
  fc.record({ chunkId: arbitrary.chunkId, codec: fc.constant("absent" as const), plainBytes: lengthBytes, payloadBytes: fc.constant(0) }),
);

const delta: fc.Arbitrary<Delta> = fc
  .tuple(
    fc.uniqueArray(arbitrary.chunkId, { minLength: 1, maxLength: 3 }),
    fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant("insert" as const), bytes: fc.uint8Array({ minLength: 1, maxLength: 50 }) }),
        fc.record({ kind: fc.constant("copy" as const), base: fc.nat(2), offsetBytes: fc.nat(), lengthBytes: fc.integer({ min: 1, max: 9999 }) }),
      ),
    ),
  )
  .map(([bases, operations]) => ({
    bases,
    operations: operations.map((one) => (one.kind === "copy" ? { ...one, base: one.base % bases.length } : one)),
  }));

function messages(kind: string, codecs: Readonly<Record<string, unknown>>, values: Readonly<Record<string, fc.Arbitrary<unknown>>>) {
  return Object.entries(codecs).map(([name, codec]): [string, Format] => {
    const arbitraryOfIt = values[name];
    if (arbitraryOfIt === undefined) throw new Error(`no arbitrary for the ${kind} of ${name}`);
    return [`the ${kind} of ${name}`, format(codec as Codec<unknown>, arbitraryOfIt)];
  });
}

const FORMATS: ReadonlyArray<readonly [string, Format]> = [
  ["a varint", format(varint, arbitrary.integer)],
  ["a 64-bit integer", format(int64Codec, arbitrary.int64)],
  ["a version vector", format(versionVectorCodec, arbitrary.versionVector)],
  ["a manifest", { values: arbitrary.manifest, encode: encodeManifest, decode: decodeManifest }],
  ["a manifest run", format(manifestRunCodec, arbitrary.manifestRun)],
  ["a content", format(contentCodec, arbitrary.content)],
  ["a head", format(headCodec, arbitrary.head)],
  ["a journal row", format(journalRowCodec, arbitrary.journalRow)],
  ["a cursor", format(cursorCodec, arbitrary.cursor)],
  ["a commit", format(commitCodec, arbitrary.commit)],
  ["an answer to a commit", format(commitAnswerCodec, arbitrary.commitAnswer)],
  ["a delta", { values: delta, encode: (value: Delta) => encodeDelta(value), decode: (bytes) => decodeDelta(bytes, fflateCompression) }],
  [
    "a delta with compressed inserts",
    { values: delta, encode: (value: Delta) => encodeDelta(value, fflateCompression), decode: (bytes) => decodeDelta(bytes, fflateCompression) },
  ],
  [
    "a frame header",
    {
      values: frameHeader,
      encode: ({ payloadBytes, ...frame }: Omit<Frame, "payload"> & { payloadBytes: number }) => encodeFrameHeader(frame, payloadBytes),
      decode: decodeFrameHeader,
    },
  ],
  ...messages("request", requestCodecs, arbitrary.requests),
  ...messages("answer", answerCodecs, arbitrary.answers),
];

/** Ways in which bytes go wrong on their way: cut off, changed, added to, or none of ours at all. */
function damaged({ values, encode: write }: Format): fc.Arbitrary<Uint8Array> {
  const valid = values.map((value) => write(value as never));
  return fc.oneof(
    fc.tuple(valid, fc.nat(2000)).map(([bytes, length]) => bytes.slice(0, length % (bytes.length + 1))),
    fc.tuple(valid, fc.array(fc.tuple(fc.nat(2000), fc.nat(255)), { minLength: 1, maxLength: 3 })).map(([bytes, changes]) => {
      for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
      return bytes;
    }),
    fc.tuple(valid, fc.uint8Array({ minLength: 1, maxLength: 3 })).map(([bytes, tail]) => Uint8Array.from([...bytes, ...tail])),
    fc.uint8Array({ maxLength: 200 }),
  );
}

describe.each(FORMATS)("%s", (_name, one) => {
  it("is decoded to what was encoded", () => {
    fc.assert(
      fc.property(one.values, (value) => {
        expect(one.decode(one.encode(value as never))).toEqual(value);
      }),
    );
  });

  it("when damaged is refused with ERR_PROTOCOL, or is another value's only encoding", () => {
    fc.assert(
      fc.property(damaged(one), (bytes) => {
        let value: unknown;
        try {
          value = one.decode(bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: "ERR_PROTOCOL" });
          return;
        }
        expect(bytesToHex(one.encode(value as never))).toBe(bytesToHex(bytes));
      }),
      { numRuns: 300 },
    );
  });
});

describe("what has another encoding, or none", () => {
  const a1 = "a1".repeat(16);

  it.each<[string, Codec<unknown>, string]>([
    ["an integer with a byte too many", varint, "8000"],
    ["an integer with two bytes too many", varint, "ff8000"],
    ["2^53", varint, "8080808080808010"],
    ["an integer of nine bytes", varint, "ffffffffffffffff01"],
    ["an integer that does not end", varint, "80"],
    ["a vector with a count of 0", versionVectorCodec, `01${a1}00`],
    ["a vector that names a replica twice", versionVectorCodec, `02${a1}01${a1}02`],
    ["a vector of 18 replicas", versionVectorCodec, `12${Array.from({ length: 18 }, (_, i) => `${(i + 10).toString().repeat(16)}01`).join("")}`],
    ["a list that claims more than there is", requestCodecs.missing as Codec<unknown>, `${a1}ff3f`],
    ["a yes that is 2", answerCodecs.draft as Codec<unknown>, "0002"],
    ["an unknown choice", commitAnswerCodec as Codec<unknown>, "06"],
    ["a directory with meta", contentCodec as Codec<unknown>, "020100"],
    ["a symlink to what is not UTF-8", contentCodec as Codec<unknown>, "030201ff"],
    ["a byte after the end", cursorCodec as Codec<unknown>, `${a1}00${"00".repeat(9)}`],
  ])("is refused: %s", (_what, codec, hex) => {
    expect(() => decode(codec, hexToBytes(hex))).toThrow(expect.objectContaining({ code: "ERR_PROTOCOL" }));
  });

  it.each([
    ["a manifest of a chunk without bytes", `010001${"0a".repeat(32)}00`],
    ["a manifest of a chunk over 4 MiB", `010001${"0a".repeat(32)}81808002`],
    ["a manifest of a later format", "020000"],
    ["a manifest with flags", "010100"],
  ])("is refused: %s", (_what, hex) => {
    expect(() => decodeManifest(hexToBytes(hex))).toThrow(expect.objectContaining({ code: "ERR_PROTOCOL" }));
  });

  it("is not written: what no reader would take", () => {
    const refusal = expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" });
    const replicaId = a1 as never;
    const changes = Array(1001).fill({ kind: "put", nodeId: a1 });
    expect(() => encode(commitCodec, { replicaId, counter: 1, changes })).toThrow(refusal);
    expect(() => encode(commitCodec, { replicaId, counter: -1, changes: [] })).toThrow(refusal);
    expect(() => encode(cursorCodec, { epoch: a1, seq: 0, chain: "00" })).toThrow(refusal);
    expect(() => encode(contentCodec, { kind: "symlink", target: "x".repeat(4097) })).toThrow(refusal);
  });
});

describe("frames", () => {
  const frames = fc.array(
    fc.tuple(frameHeader, arbitrary.smallBytes).map(([{ payloadBytes: _, ...header }, bytes]): Frame => {
      if (header.codec === "absent") return { ...header, payload: new Uint8Array(0) };
      return header.codec === "plain" ? { ...header, plainBytes: bytes.length, payload: bytes } : { ...header, payload: bytes };
    }),
    { maxLength: 5 },
  );

  async function* inPieces(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
    const ends = [...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length].sort((a, b) => a - b);
    for (const [i, end] of ends.entries()) yield bytes.subarray(ends[i - 1] ?? 0, end);
  }

  it("are read whole from a stream cut anywhere", async () => {
    await fc.assert(
      fc.asyncProperty(frames, fc.array(fc.nat(800)), async (sent, cuts) => {
        const bytes = Buffer.concat([...encodeFrames(sent)]);
        const read: Frame[] = [];
        for await (const frame of decodeFrames(inPieces(bytes, cuts))) read.push({ ...frame, payload: Uint8Array.from(frame.payload) });
        expect(read).toEqual(sent);
      }),
    );
  });

  it("are views of the room that they are put into, where they lie as they travel: to send them on copies nothing", async () => {
    await fc.assert(
      fc.asyncProperty(frames, fc.array(fc.nat(800)), fc.nat(9), async (sent, cuts, spare) => {
        const bytes = Buffer.concat([...encodeFrames(sent)]);
        const into = new Uint8Array(bytes.length + spare);
        const read: Frame[] = [];
        for await (const frame of decodeFrames(inPieces(bytes, cuts), { into })) read.push(frame);
        expect(read).toEqual(sent);
        expect(Buffer.compare(into.subarray(0, bytes.length), bytes)).toBe(0);
        const again = [...encodeFrames(read)];
        expect(Buffer.compare(Buffer.concat(again), bytes)).toBe(0);
        // A frame without a payload says not where it lay.
        if (read.every(({ payload }) => payload.length > 0))
          expect(again.map(({ buffer }) => buffer)).toEqual(sent.length === 0 ? [] : [into.buffer]);
        into.fill(0);
        expect(read.every(({ payload }) => payload.every((byte) => byte === 0))).toBe(true);
      }),
    );
  });

  it("are refused when more come than the room holds", async () => {
    const sent = [1, 2].map(
      (byte): Frame => ({ chunkId: "0a".repeat(32) as ChunkId, codec: "plain", plainBytes: 3, payload: new Uint8Array(3).fill(byte) }),
    );
    const read: Frame[] = [];
    const reading = async (): Promise<void> => {
      for await (const frame of decodeFrames(inPieces(Buffer.concat([...encodeFrames(sent)]), []), { into: new Uint8Array(87) })) read.push(frame);
    };
    await expect(reading()).rejects.toMatchObject({ code: "ERR_TOO_LARGE" });
    expect(read).toEqual(sent.slice(0, 1));
  });

  it("before the place where a stream breaks off are read, and the break is ERR_PROTOCOL", async () => {
    await fc.assert(
      fc.asyncProperty(frames, fc.nat(800), fc.array(fc.nat(800)), async (sent, cut, cuts) => {
        const bytes = Buffer.concat([...encodeFrames(sent)]);
        const length = cut % (bytes.length + 1);
        const ends: number[] = [];
        for (const { payload } of sent) ends.push((ends.at(-1) ?? 0) + 41 + payload.length);
        const whole = ends.filter((end) => end <= length).length;
        const isClean = length === 0 || ends.includes(length);
        const read: Frame[] = [];
        let failure: unknown;
        try {
          for await (const frame of decodeFrames(inPieces(bytes.subarray(0, length), cuts))) read.push(frame);
        } catch (error) {
          failure = error;
        }
        expect(read.length).toBe(whole);
        if (isClean) expect(failure).toBeUndefined();
        else expect(failure).toMatchObject({ code: "ERR_PROTOCOL" });
      }),
    );
  });
});

describe("hex", () => {
  it("is two lower-case digits for each byte, and stands for the same bytes again, in either case", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const text = bytesToHex(bytes);
        expect(text).toBe(Buffer.from(bytes).toString("hex"));
        expect(hexToBytes(text)).toEqual(bytes);
        expect(hexToBytes(text.toUpperCase())).toEqual(bytes);
      }),
    );
  });

  it.each(["0", "0g", "é0", " 00 ", "0x00"])("refuses %j", (text) => {
    expect(() => hexToBytes(text)).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
  });
});
