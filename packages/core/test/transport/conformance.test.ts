import { createLoopbackTransport } from "@twinfold/core";
import { transportConformance } from "@twinfold/testing";
import { describe, it } from "vitest";
import { openWorld, principal } from "../hub/hub-world.js";

transportConformance(
  { describe, it },
  {
    async open() {
      const { hub, workspaceId } = await openWorld();
      const foreignWorkspaceId = await hub.createWorkspace(principal(2).accountId);
      return { transport: createLoopbackTransport(hub, principal(1)), workspaceId, foreignWorkspaceId, close: () => hub.close() };
    },
  },
);
