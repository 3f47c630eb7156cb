import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { sharedServer } from "./s3.js";

/** What happens to one request on its way to the server, or to the answer on its way back. */
export type Fault =
  /** The server never sees it; this is the answer. */
  | { readonly kind: "answer"; readonly status: number; readonly body?: string }
  /** The server does it; the answer is lost. */
  | { readonly kind: "lose-answer" }
  /** The answer ends after so many bytes of its body. */
  | { readonly kind: "cut-answer"; readonly afterBytes: number }
  /** One bit of the body is another. */
  | { readonly kind: "damage"; readonly what: "request" | "answer" }
  /** Nothing comes back. */
  | { readonly kind: "silence" };

export interface FaultyGateway {
  readonly endpoint: string;
  /** `METHOD key?query` of each request so far. */
  readonly requests: readonly string[];
}

/** A network between a store and the real server that goes wrong where `faultOf` says. */
export async function faultyGateway(faultOf: (line: string, count: number) => Fault | undefined): Promise<FaultyGateway> {
  const target = new URL(sharedServer().endpoint);
  const requests: string[] = [];
  const server = createServer((incoming, outgoing) => {
    const line = `${incoming.method} ${incoming.url}`;
    requests.push(line);
    void bodyOf(incoming).then((body) => forward(target, incoming, body, outgoing, faultOf(line, requests.length)));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

async function bodyOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  try {
    for await (const piece of stream) pieces.push(piece);
  } catch {
    // the client has gone: what it sent is all there is
  }
  return Buffer.concat(pieces);
}

/** Headers pass as they are: the signature covers the host that the client named. */
async function forward(target: URL, incoming: IncomingMessage, body: Buffer, outgoing: ServerResponse, fault: Fault | undefined): Promise<void> {
  if (fault?.kind === "silence") return;
  if (fault?.kind === "answer") {
    outgoing.writeHead(fault.status, { "content-type": "application/xml" }).end(fault.body ?? "");
    return;
  }
  if (fault?.kind === "damage" && fault.what === "request") flipBit(body);
  const { method, url, headers } = incoming;
  const answer = await new Promise<IncomingMessage | undefined>((resolve) => {
    const asking = request({ host: target.hostname, port: target.port, method, path: url, headers }, resolve);
    asking.on("error", () => resolve(undefined));
    asking.end(body);
  });
  const bytes = answer && (await bodyOf(answer));
  if (answer === undefined || bytes === undefined || fault?.kind === "lose-answer") {
    outgoing.destroy();
    return;
  }
  if (fault?.kind === "damage" && fault.what === "answer") flipBit(bytes);
  outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
  if (fault?.kind === "cut-answer") outgoing.write(bytes.subarray(0, fault.afterBytes), () => outgoing.destroy());
  else outgoing.end(bytes);
}

function flipBit(bytes: Buffer): void {
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
}
