import type { HttpClient } from "./http-client.js";
import { joined } from "./joined.js";

/** An {@link HttpClient} over `fetch`: for browsers, workers and Node. */
export function createFetchClient(fetch: typeof globalThis.fetch): HttpClient {
  return {
    async send({ method, url, headers, body, signal, onSending }) {
      onSending();
      const response = await fetch(url, {
        method,
        headers,
        ...(body === undefined ? {} : { body: joined(body) }),
        redirect: "manual",
        credentials: "omit",
        signal,
      });
      return {
        status: response.type === "opaqueredirect" ? 302 : response.status,
        contentType: response.headers.get("content-type") ?? undefined,
        body: response.body === null ? none() : pieces(response.body as ReadableStream<Uint8Array>),
      };
    },
  };
}

async function* none(): AsyncGenerator<Uint8Array, void, undefined> {}

/** By its reader: not every browser can iterate a stream. */
async function* pieces(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}
