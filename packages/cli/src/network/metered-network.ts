import type { Socket } from "node:net";
import { Agent, buildConnector, fetch as undiciFetch } from "undici";

export interface Usage {
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly requests: number;
}

export interface MeteredNetwork {
  readonly fetch: typeof fetch;
  /** Everything that has crossed its sockets so far, HTTP headers included. */
  usage(): Usage;
  /** Ends its connections, requests under way too. */
  close(): Promise<void>;
}

/** How long a connection is kept for the next request. Under the 5 s after which a Node server closes it. */
const KEEP_ALIVE_MS = 4_000;

/** A `fetch` with connections of its own, whose bytes are counted at the sockets. */
export function createMeteredNetwork(): MeteredNetwork {
  const openSockets = new Set<Socket>();
  let requests = 0;
  let sentOnClosed = 0;
  let receivedOnClosed = 0;

  const connect = buildConnector({});
  const agent = new Agent({
    keepAliveTimeout: KEEP_ALIVE_MS,
    connect(options, callback) {
      connect(options, (...outcome) => {
        const [failure, socket] = outcome;
        if (failure === null) {
          openSockets.add(socket);
          socket.once("close", () => {
            openSockets.delete(socket);
            sentOnClosed += socket.bytesWritten;
            receivedOnClosed += socket.bytesRead;
          });
        }
        callback(...outcome);
      });
    },
  });

  return {
    // undici's types and Node's own describe the same functions apart from each other.
    fetch: ((input, init) => {
      requests += 1;
      return undiciFetch(input as Parameters<typeof undiciFetch>[0], { ...init, dispatcher: agent } as Parameters<typeof undiciFetch>[1]);
    }) as typeof fetch,
    usage() {
      let bytesSent = sentOnClosed;
      let bytesReceived = receivedOnClosed;
      for (const socket of openSockets) {
        bytesSent += socket.bytesWritten;
        bytesReceived += socket.bytesRead;
      }
      return { bytesSent, bytesReceived, requests };
    },
    close: () => agent.destroy(),
  };
}

export const NO_USAGE: Usage = { bytesSent: 0, bytesReceived: 0, requests: 0 };

export function usageSum(a: Usage, b: Usage): Usage {
  return { bytesSent: a.bytesSent + b.bytesSent, bytesReceived: a.bytesReceived + b.bytesReceived, requests: a.requests + b.requests };
}

export function usageSince(before: Usage, now: Usage): Usage {
  return {
    bytesSent: now.bytesSent - before.bytesSent,
    bytesReceived: now.bytesReceived - before.bytesReceived,
    requests: now.requests - before.requests,
  };
}
