import type { Socket } from "node:net";
import type { HttpClient } from "@twinfold/transport-http";
import { createNodeHttpClient, type NodeHttpClientOptions } from "@twinfold/transport-http/node";

export interface Usage {
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly requests: number;
  /** For how long a limit held something back: of all networks that share the bandwidth. */
  readonly throttledMs: number;
}

export interface MeteredNetwork {
  readonly client: HttpClient;
  /** Everything that has crossed its sockets so far, HTTP headers included. */
  usage(): Usage;
  /** Ends its connections, requests under way too. */
  close(): void;
}

/** Connections of its own, whose bytes are counted at the sockets. */
export function createMeteredNetwork({ bandwidth }: Pick<NodeHttpClientOptions, "bandwidth"> = {}): MeteredNetwork {
  const openSockets = new Set<Socket>();
  let requests = 0;
  let sentOnClosed = 0;
  let receivedOnClosed = 0;

  const client = createNodeHttpClient({
    bandwidth,
    onConnection(socket) {
      openSockets.add(socket);
      socket.once("close", () => {
        openSockets.delete(socket);
        sentOnClosed += socket.bytesWritten;
        receivedOnClosed += socket.bytesRead;
      });
    },
  });

  return {
    client: {
      send(request) {
        requests += 1;
        return client.send(request);
      },
    },
    usage() {
      let bytesSent = sentOnClosed;
      let bytesReceived = receivedOnClosed;
      for (const socket of openSockets) {
        bytesSent += socket.bytesWritten;
        bytesReceived += socket.bytesRead;
      }
      return { bytesSent, bytesReceived, requests, throttledMs: Math.round(bandwidth?.throttledMs ?? 0) };
    },
    close: () => client.close(),
  };
}

export const NO_USAGE: Usage = { bytesSent: 0, bytesReceived: 0, requests: 0, throttledMs: 0 };

export function usageSum(a: Usage, b: Usage): Usage {
  return {
    bytesSent: a.bytesSent + b.bytesSent,
    bytesReceived: a.bytesReceived + b.bytesReceived,
    requests: a.requests + b.requests,
    throttledMs: a.throttledMs + b.throttledMs,
  };
}

export function usageSince(before: Usage, now: Usage): Usage {
  return {
    bytesSent: now.bytesSent - before.bytesSent,
    bytesReceived: now.bytesReceived - before.bytesReceived,
    requests: now.requests - before.requests,
    throttledMs: now.throttledMs - before.throttledMs,
  };
}
