import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "@twinfold/reference-server";
import { transportConformance } from "@twinfold/testing";
import { createFetchClient, createHttpTransport } from "@twinfold/transport-http";
import { createNodeHttpClient } from "@twinfold/transport-http/node";
import { describe, it } from "vitest";
import { signUp, withWorkspace } from "./running-server.js";

for (const [name, createClient] of [
  ["fetch", () => ({ ...createFetchClient(fetch), close: () => {} })],
  ["node:http", createNodeHttpClient],
] as const) {
  describe(`createHttpTransport over ${name}`, () => {
    transportConformance(
      { describe, it },
      {
        async open() {
          const dataDir = await mkdtemp(join(tmpdir(), "twinfold-server-"));
          const server = await createServer({ dataDir, listen: "127.0.0.1:0", logLevel: "silent" });
          const { token, workspaceId } = await withWorkspace(server.url);
          const stranger = await signUp(server.url, "eve@example.org");
          const { workspaceId: foreignWorkspaceId } = await stranger.api.createWorkspace({ name: "home" });
          const client = createClient();
          const open = () => createHttpTransport({ url: server.url, token, client });
          const close = async (): Promise<void> => {
            await server.close();
            client.close();
            await rm(dataDir, { recursive: true });
          };
          return { transport: open(), workspaceId, foreignWorkspaceId, connect: async () => open(), close };
        },
      },
    );
  });
}
