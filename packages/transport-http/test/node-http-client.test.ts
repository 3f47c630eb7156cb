import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type Socket } from "node:net";
import { answerCodecs, encode } from "@twinfold/core";
import { createApiClient, createHttpTransport } from "@twinfold/transport-http";
import { createNodeHttpClient } from "@twinfold/transport-http/node";
import { describe, expect, it, onTestFinished } from "vitest";
import { answering, listening } from "./answering.js";

const BINARY = { "content-type": "application/vnd.twinfold" };
const TOKEN = "t".repeat(43);
const HELLO = { features: [], maxFileBytes: 1, maxBatchBytes: 2, maxCommitChanges: 3 };
const hello = encode(answerCodecs.hello, HELLO);

function clientWithSockets() {
  const sockets: Socket[] = [];
  const client = createNodeHttpClient({ onConnection: (socket) => sockets.push(socket) });
  onTestFinished(() => client.close());
  return { client, sockets };
}

/** A server that answers the first request of each connection, and closes it when the second one comes. */
async function closingOnSecond(answer: (response: ServerResponse) => void) {
  const seen = new WeakSet<Socket>();
  const refused: IncomingMessage[] = [];
  const url = await answering((request, response) => {
    if (!seen.has(request.socket)) {
      seen.add(request.socket);
      answer(response);
      return;
    }
    refused.push(request);
    request.socket.destroy();
  });
  return { url, refused };
}

describe("createNodeHttpClient", () => {
  it("keeps its connection for the next request", async () => {
    const { client, sockets } = clientWithSockets();
    const url = await answering((_request, response) => response.writeHead(200, BINARY).end(hello));
    const transport = createHttpTransport({ url, token: TOKEN, client });
    for (let call = 0; call < 5; call++) expect(await transport.hello()).toEqual(HELLO);
    expect(sockets.length).toBe(1);
  });

  it("sends again what met a kept connection that was closed, when nothing is done twice by it", async () => {
    const { client, sockets } = clientWithSockets();
    const { url, refused } = await closingOnSecond((response) => response.writeHead(200, BINARY).end(hello));
    const transport = createHttpTransport({ url, token: TOKEN, client });
    for (let call = 0; call < 3; call++) expect(await transport.hello()).toEqual(HELLO);
    expect(refused.length).toBe(2);
    expect(sockets.length).toBe(3);
  });

  it("does not send a second time what may have been done", async () => {
    const { client, sockets } = clientWithSockets();
    const workspace = { workspaceId: "0".repeat(32), name: "home", createdAtMs: 1 };
    const { url, refused } = await closingOnSecond((response) =>
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(workspace)),
    );
    const api = createApiClient({ url, token: TOKEN, client });
    expect(await api.createWorkspace({ name: "home" })).toEqual(workspace);
    await expect(api.createWorkspace({ name: "home" })).rejects.toMatchObject({ code: "ERR_UNREACHABLE" });
    expect([refused.length, sockets.length]).toEqual([1, 1]);
  });

  it("does not send again when the answer had begun, nor on a new connection", async () => {
    const { client } = clientWithSockets();
    let connections = 0;
    const port = await listening(
      createTcpServer((socket) => {
        connections += 1;
        socket.on("error", () => {});
        let requests = 0;
        socket.on("data", () => {
          requests += 1;
          const whole = `HTTP/1.1 200 OK\r\ncontent-type: application/vnd.twinfold\r\ncontent-length: ${hello.length}\r\n\r\n`;
          if (requests === 1) socket.write(Buffer.concat([Buffer.from(whole), hello]));
          else socket.write("HTTP/1.1 200", () => socket.destroy());
        });
      }),
    );
    const transport = createHttpTransport({ url: `http://127.0.0.1:${port}`, token: TOKEN, client });
    expect(await transport.hello()).toEqual(HELLO);
    await expect(transport.hello()).rejects.toMatchObject({ code: "ERR_UNREACHABLE" });
    expect(connections).toBe(1);

    const silent = await answering((request) => request.socket.destroy());
    await expect(createHttpTransport({ url: silent, token: TOKEN, client }).hello()).rejects.toMatchObject({ code: "ERR_UNREACHABLE" });
  });

  it.each([
    ["a port that nobody listens on", async () => await closedPort("http"), /ECONNREFUSED/],
    ["a name that is nobody's", async () => "https://nobody.invalid", /ENOTFOUND|EAI_AGAIN/],
    ["a server without TLS", async () => await plainAsTls(), /SSL|TLS|packet|EPROTO/i],
  ])("says what is wrong with %s", async (_what, address, reason) => {
    const { client } = clientWithSockets();
    const url = await address();
    const failing = createHttpTransport({ url, token: TOKEN, client }).hello();
    await expect(failing).rejects.toMatchObject({ code: "ERR_UNREACHABLE", message: expect.stringMatching(reason), cause: expect.any(Error) });
  });

  it("ends the requests under way when it is closed", async () => {
    const { client, sockets } = clientWithSockets();
    const url = await answering(() => client.close());
    await expect(createHttpTransport({ url, token: TOKEN, client }).hello()).rejects.toMatchObject({ code: "ERR_UNREACHABLE" });
    expect(sockets.every((socket) => socket.destroyed)).toBe(true);
  });

  it("counts every byte of a request and its answer at the socket", async () => {
    const { client, sockets } = clientWithSockets();
    let heard = 0;
    let told = 0;
    const server = createServer((request, response) => {
      request.resume().once("end", () => {
        response.writeHead(200, BINARY).end(hello, () => {
          heard = request.socket.bytesRead;
          told = request.socket.bytesWritten;
        });
      });
    });
    const url = `http://127.0.0.1:${await listening(server)}`;
    await createHttpTransport({ url, token: TOKEN, client }).hello();
    expect(sockets.map(({ bytesWritten, bytesRead }) => [bytesWritten, bytesRead])).toEqual([[heard, told]]);
    expect(heard).toBeLessThan(250);
  });
});

async function closedPort(scheme: string): Promise<string> {
  const server = createTcpServer();
  const port = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  return `${scheme}://127.0.0.1:${port}`;
}

async function plainAsTls(): Promise<string> {
  return (await answering((_request, response) => response.end())).replace("http:", "https:");
}
