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
      let devices = 0;
      const connect = async () => createLoopbackTransport(hub, principal(++devices, 1));
      return { transport: await connect(), workspaceId, foreignWorkspaceId, connect, close: () => hub.close() };
    },
  },
);
