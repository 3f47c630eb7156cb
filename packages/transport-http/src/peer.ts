import { createFetchClient } from "./fetch-client.js";
import type { HttpClient } from "./http-client.js";
import { parseServerAddress } from "./server-address.js";

/** What every client of a server is told. */
export interface PeerOptions {
  /** The server's address. */
  readonly url: string;
  /** The device's token, from signing up or logging in. */
  readonly token?: string | undefined;
  /** What sends the requests: `createNodeHttpClient` of `@twinfold/transport-http/node` is the quicker one in Node. @default one over `fetch` */
  readonly client?: HttpClient | undefined;
  /** Which `fetch`, where no `client` is given. @default the platform's own */
  readonly fetch?: typeof fetch | undefined;
  /** Allows http:// to another machine. @default false */
  readonly insecure?: boolean | undefined;
}

/** Where to, and how. Common to all requests of one client. */
export interface Peer {
  /** Without a trailing slash. */
  readonly url: string;
  readonly client: HttpClient;
  readonly token: string | undefined;
}

/** @throws {TwinfoldError} `ERR_INVALID_ARGUMENT` when the address is not one, or would carry secrets unencrypted over a network. */
export function peerOf({ url, token, client, fetch = globalThis.fetch.bind(globalThis), insecure = false }: PeerOptions): Peer {
  return { url: parseServerAddress(url, insecure), client: client ?? createFetchClient(fetch), token };
}
