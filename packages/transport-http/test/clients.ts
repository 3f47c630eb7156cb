import { createFetchClient, type HttpClient } from "@twinfold/transport-http";
import { createNodeHttpClient } from "@twinfold/transport-http/node";
import { onTestFinished } from "vitest";

/** Every client that a transport may be given. */
export const CLIENTS: ReadonlyArray<{ readonly name: string; readonly createClient: () => HttpClient }> = [
  { name: "fetch", createClient: () => createFetchClient(fetch) },
  {
    name: "node:http",
    createClient() {
      const client = createNodeHttpClient();
      onTestFinished(() => client.close());
      return client;
    },
  },
];
