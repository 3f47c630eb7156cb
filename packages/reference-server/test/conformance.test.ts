import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "@twinfold/reference-server";
import { transportConformance } from "@twinfold/testing";
import { createHttpTransport } from "@twinfold/transport-http";
import { describe, it } from "vitest";
import { signUp, withWorkspace } from "./running-server.js";

transportConformance(
  { describe, it },
  {
    async open() {
      const dataDir = await mkdtemp(join(tmpdir(), "twinfold-server-"));
      const server = await createServer({ dataDir, listen: "127.0.0.1:0", logLevel: "silent" });
      const { transport, token, workspaceId } = await withWorkspace(server.url);
      const stranger = await signUp(server.url, "eve@example.org");
      const { workspaceId: foreignWorkspaceId } = await stranger.api.createWorkspace({ name: "home" });
      const close = async (): Promise<void> => {
        await server.close();
        await rm(dataDir, { recursive: true });
      };
      return { transport, workspaceId, foreignWorkspaceId, connect: async () => createHttpTransport({ url: server.url, token }), close };
    },
  },
);
