import { createNodeEnv } from "@twinfold/adapter-fs";
import {
  type AccountId,
  createHub,
  createMemoryBlobStore,
  createMemoryHubStore,
  createMemoryLocalTree,
  createMemoryReplicaStore,
  createReplica,
  type DeviceId,
  type Replica,
  randomId,
} from "@twinfold/core";
import { describe, expect, it } from "vitest";
import { createTodoApp, type TodoApp } from "../src/todo-app.js";

/** As many devices as are named, with a hub between them, all in memory: nothing to install, nothing to clean up. */
async function devices(...names: readonly string[]) {
  const env = createNodeEnv();
  const hub = createHub({ blobs: createMemoryBlobStore(), store: createMemoryHubStore(), env });
  const accountId = randomId<AccountId>(env);
  const workspaceId = await hub.createWorkspace(accountId);
  const all: Array<{ readonly app: TodoApp; readonly replica: Replica }> = [];
  for (const deviceName of names) {
    const tree = createMemoryLocalTree({ env });
    const transport = hub.session({ accountId, deviceId: randomId<DeviceId>(env), deviceName });
    const replica = await createReplica({ workspaceId, tree, store: createMemoryReplicaStore(), transport, env, deviceName });
    all.push({ app: createTodoApp(tree), replica });
  }
  const sync = async () => {
    for (const { replica } of [...all, ...all]) await replica.sync();
  };
  return { apps: all.map(({ app }) => app), sync };
}

describe("the to-do app on two devices", () => {
  it("shows on each what was added on either", async () => {
    const { apps, sync } = await devices("laptop", "phone");
    apps[0]?.add("water the plants");
    apps[1]?.add("write to Ada");
    await sync();
    for (const app of apps) expect(app.list("open").sort()).toEqual(["water the plants", "write to Ada"]);
  });

  it("shows a task as done that both have finished", async () => {
    const { apps, sync } = await devices("laptop", "phone");
    apps[0]?.add("water the plants");
    await sync();
    for (const app of apps) app.finish("water the plants");
    await sync();
    for (const app of apps) {
      expect(app.list("open")).toEqual([]);
      expect(app.list("done")).toEqual(["water the plants"]);
    }
  });
});
