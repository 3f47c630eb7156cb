import type { RequestListener } from "node:http";
import { gzipSync } from "node:zlib";
import { answerCodecs, type ChunkId, encode, encodeFrames, type Frame, type WorkspaceId } from "@twinfold/core";
import { createApiClient, createHttpTransport } from "@twinfold/transport-http";
import { describe, expect, it } from "vitest";
import { answering } from "./answering.js";
import { CLIENTS } from "./clients.js";

const BINARY = { "content-type": "application/vnd.twinfold" };
const TOKEN = "t".repeat(43);
const workspaceId = "0".repeat(32) as WorkspaceId;

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const got: T[] = [];
  for await (const item of items) got.push(item);
  return got;
}

describe.each(CLIENTS)("createHttpTransport over $name", ({ createClient }) => {
  const transportAt = (url: string) => createHttpTransport({ url, token: TOKEN, client: createClient() });
  const transportTo = async (listener: RequestListener) => transportAt(await answering(listener));

  it.each([
    [401, "ERR_UNAUTHENTICATED"],
    [413, "ERR_TOO_LARGE"],
    [429, "ERR_RATE_LIMITED"],
    [500, "ERR_SERVER_FAILED"],
    [502, "ERR_SERVER_FAILED"],
    [507, "ERR_NO_SPACE"],
    [418, "ERR_PROTOCOL"],
  ])("takes status %i without a problem document for %s", async (status, code) => {
    const transport = await transportTo((_request, response) => response.writeHead(status, { "content-type": "text/html" }).end("<h1>proxy</h1>"));
    await expect(transport.hello()).rejects.toMatchObject({ code });
  });

  it("takes the code that the problem document names, and the status of one that it does not know", async () => {
    const problems = [
      { code: "ERR_INTEGRITY", detail: "chunk 5 is damaged" },
      { code: "ERR_OF_THE_FUTURE", detail: "x" },
    ];
    const transport = await transportTo((_request, response) => response.writeHead(507).end(JSON.stringify(problems.shift())));
    await expect(transport.hello()).rejects.toMatchObject({ code: "ERR_INTEGRITY", message: expect.stringContaining("chunk 5 is damaged") });
    await expect(transport.hello()).rejects.toMatchObject({ code: "ERR_NO_SPACE" });
  });

  it("does not carry the token to where a redirect points", async () => {
    let asked = 0;
    const elsewhere = await answering((_request, response) => {
      asked += 1;
      response.end();
    });
    const transport = await transportTo((_request, response) => response.writeHead(307, { location: elsewhere }).end());
    await expect(transport.hello()).rejects.toMatchObject({ code: "ERR_PROTOCOL", message: expect.stringContaining("redirect") });
    expect(asked).toBe(0);
  });

  it("refuses a login page, and an answer that is not a message", async () => {
    const page = await transportTo((_request, response) => response.writeHead(200, { "content-type": "text/html" }).end("<form>"));
    await expect(page.hello()).rejects.toMatchObject({ code: "ERR_PROTOCOL", message: expect.stringContaining("text/html") });
    const garbage = await transportTo((_request, response) => response.writeHead(200, BINARY).end("garbage"));
    await expect(garbage.hello()).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
  });

  it("inc-05 refuses an answer of status 200 that ends after any of its bytes but the last", async () => {
    const chunkIds = ["a", "b", "c"].map((digit) => digit.repeat(64) as ChunkId);
    const whole = Buffer.from(encode(answerCodecs.missing, chunkIds));
    let length = 0;
    const transport = await transportTo((_request, response) => response.writeHead(200, BINARY).end(whole.subarray(0, length)));
    for (; length < whole.length; length++) {
      await expect(transport.missing({ workspaceId, chunkIds }), `${length} bytes`).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
    }
    expect(await transport.missing({ workspaceId, chunkIds })).toEqual(chunkIds);
  });

  it("inc-69 reads no more than the bound of an answer that unpacks to a gigabyte", async () => {
    const unpacked = 64 * 1024 * 1024;
    const packed = gzipSync(Buffer.alloc(unpacked));
    const transport = await transportTo((_request, response) =>
      response.writeHead(200, { ...BINARY, "content-encoding": "gzip" }).end(Buffer.concat(Array.from({ length: 16 }, () => packed))),
    );
    await expect(transport.hello()).rejects.toMatchObject({ code: "ERR_PROTOCOL", message: expect.stringMatching(/more than|gzip/) });
  });

  it("stops reading an answer that has no end", async () => {
    const piece = Buffer.alloc(1024 * 1024);
    const transport = await transportTo((_request, response) => {
      response.writeHead(200, BINARY);
      const more = (): void => {
        while (!response.destroyed && response.write(piece));
      };
      response.on("drain", more);
      more();
    });
    await expect(transport.hello()).rejects.toMatchObject({ code: "ERR_PROTOCOL", message: expect.stringContaining("more than") });
  });

  it("says which server it cannot reach, and keeps the cause", async () => {
    const url = await answering((request) => request.socket.destroy());
    const failing = transportAt(url).hello();
    await expect(failing).rejects.toMatchObject({ code: "ERR_UNREACHABLE", retryable: true, cause: expect.any(Error) });
    await expect(failing).rejects.toThrow(url);
  });

  it("takes an answer that is cut off for an unreachable server", async () => {
    const transport = await transportTo((_request, response) => {
      response.writeHead(200, { ...BINARY, "content-length": 100 });
      response.write("x", () => response.destroy());
    });
    await expect(transport.hello()).rejects.toMatchObject({ code: "ERR_UNREACHABLE" });
  });

  it("rejects with the caller's own reason, before, during and after the first byte", async () => {
    const reason = { why: "enough" };
    const silent = await transportTo(() => stopping.abort(reason));
    const stopping = new AbortController();
    await expect(silent.hello({ signal: stopping.signal })).rejects.toBe(reason);
    await expect(silent.hello({ signal: stopping.signal })).rejects.toBe(reason);
    const stopHalfWay = new AbortController();
    const halfWay = await transportTo((_request, response) => {
      response.writeHead(200, BINARY);
      response.write("x", () => stopHalfWay.abort(reason));
    });
    await expect(halfWay.hello({ signal: stopHalfWay.signal })).rejects.toBe(reason);
  });

  it("yields frames while the rest is still on its way", async () => {
    const frame = (digit: string): Frame => ({
      chunkId: digit.repeat(64) as ChunkId,
      codec: "plain",
      plainBytes: 3,
      payload: Uint8Array.of(1, 2, 3),
    });
    let sendRest = (): void => {};
    const transport = await transportTo((_request, response) => {
      response.writeHead(200, BINARY);
      response.write(Buffer.concat([...encodeFrames([frame("a")])]));
      sendRest = () => response.end(Buffer.concat([...encodeFrames([frame("b")])]));
    });
    const got: string[] = [];
    for await (const { chunkId } of transport.download({ workspaceId, chunkIds: [frame("a").chunkId, frame("b").chunkId] })) {
      got.push(chunkId);
      sendRest();
    }
    expect(got).toEqual([frame("a").chunkId, frame("b").chunkId]);
  });

  it("holds a server to the chunks that were asked for, in their order", async () => {
    const absent = (digit: string): Frame => ({ chunkId: digit.repeat(64) as ChunkId, codec: "absent", plainBytes: 0, payload: new Uint8Array() });
    const chunkIds = [absent("a").chunkId, absent("b").chunkId];
    for (const sent of [["a"], ["b", "a"], ["a", "b", "c"], ["a", "a"]]) {
      const transport = await transportTo((_request, response) =>
        response.writeHead(200, BINARY).end(Buffer.concat([...encodeFrames(sent.map(absent))])),
      );
      await expect(all(transport.download({ workspaceId, chunkIds })), sent.join()).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
    }
  });

  it("uploads frames of all lengths just as they are", async () => {
    const frames = [0, 1, 100, 20_000, 70_000, 300_000, 5].map((length, at): Frame => {
      return { chunkId: `${at}`.repeat(64) as ChunkId, codec: "plain", plainBytes: length, payload: new Uint8Array(length).fill(at + 1) };
    });
    const received: Buffer[] = [];
    const transport = await transportTo((request, response) => {
      request.on("data", (piece: Buffer) => received.push(piece));
      request.on("end", () => response.writeHead(200, BINARY).end(encode(answerCodecs.upload, { stored: [], sendPlain: [] })));
    });
    await transport.upload({ workspaceId, frames });
    expect(Buffer.concat(received).equals(Buffer.concat([...encodeFrames(frames)]))).toBe(true);
  });
});

describe("createHttpTransport", () => {
  it("uses the fetch that it is given", async () => {
    const hello = { features: ["x"], maxFileBytes: 1, maxBatchBytes: 2, maxCommitChanges: 3 };
    const asked: unknown[] = [];
    const transport = createHttpTransport({
      url: "https://twinfold.example/base/",
      token: TOKEN,
      fetch: async (url) => {
        asked.push(url);
        return new Response(encode(answerCodecs.hello, hello).slice(), { headers: BINARY });
      },
    });
    expect(await transport.hello()).toEqual(hello);
    expect(asked).toEqual(["https://twinfold.example/base/v1/sync/hello"]);
  });

  it.each(["ftp://x", "x", "https://ada:pw@x", "https://x?token=1", "http://twinfold.example", "http://127.0.0.1.evil.example"])(
    "refuses the address %s",
    (url) => {
      expect(() => createHttpTransport({ url, token: TOKEN })).toThrowError(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
      expect(() => createApiClient({ url })).toThrowError(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
    },
  );

  it("carries a token unencrypted over a network only when told to", () => {
    expect(() => createHttpTransport({ url: "http://twinfold.example", token: TOKEN, insecure: true })).not.toThrow();
    expect(() => createHttpTransport({ url: "http://localhost:4747", token: TOKEN })).not.toThrow();
  });
});

describe("createApiClient", () => {
  it.each(["[]", "{}", '{"account":{"accountId":"x","email":"","plan":""}}', "not JSON"])("refuses the answer %s", async (answer) => {
    const url = await answering((_request, response) => response.writeHead(200, { "content-type": "application/json" }).end(answer));
    await expect(createApiClient({ url, token: TOKEN }).me()).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
  });
});
