import {
  type AccountId,
  createHub,
  createLoopbackTransport,
  createMemoryBlobStore,
  createMemoryHubStore,
  createMemoryLocalTree,
  createMemoryReplicaStore,
  createReplica,
  type DeviceId,
  type MemoryLocalTree,
  randomId,
  type ReplicaStore,
} from "@twinfold/core";
import { deleteDB } from "idb";
import { expect, it } from "vitest";
import { createBrowserEnv, createIdbBlobStore, createIdbReplicaStore } from "../src/index.js";
import { freshName } from "./fresh-name.js";

/** Path and text of every file. */
function textsOf(tree: MemoryLocalTree): Record<string, string> {
  const files = [...tree.files()].flatMap(([path, entry]) => (entry.kind === "file" ? [[path, new TextDecoder().decode(entry.bytes)] as const] : []));
  return Object.fromEntries(files);
}

it("a replica syncs through a hub whose blobs are in IndexedDB, is closed with it, and goes on where it was", async () => {
  const env = createBrowserEnv();
  const name = freshName();
  const hubStore = createMemoryHubStore();
  const openHub = async () => createHub({ blobs: await createIdbBlobStore({ name }), store: hubStore, env });
  let hub = await openHub();
  const accountId = randomId<AccountId>(env);
  const workspaceId = await hub.createWorkspace(accountId);
  const open = (tree: MemoryLocalTree, store: ReplicaStore, deviceName: string) => {
    const transport = createLoopbackTransport(hub, { accountId, deviceId: randomId<DeviceId>(env), deviceName });
    return createReplica({ workspaceId, tree, store, transport, env, deviceName });
  };

  const [page, laptop] = [createMemoryLocalTree({ env }), createMemoryLocalTree({ env })];
  const laptopStore = createMemoryReplicaStore();
  let pageStore = await createIdbReplicaStore({ name });
  let [pageReplica, laptopReplica] = [await open(page, pageStore, "page"), await open(laptop, laptopStore, "laptop")];
  page.write("notes/a.txt", "from the page");
  page.write("large.txt", "0123456789abcdef".repeat(40_000));
  await pageReplica.sync();
  await laptopReplica.sync();
  expect(textsOf(laptop)).toEqual(textsOf(page));

  await pageReplica.close();
  await laptopReplica.close();
  await pageStore.close();
  await hub.close();
  laptop.write("notes/a.txt", "from the laptop");
  laptop.rename("large.txt", "notes/large.txt");
  page.write("b.txt", "while nobody looked");

  hub = await openHub();
  pageStore = await createIdbReplicaStore({ name });
  [pageReplica, laptopReplica] = [await open(page, pageStore, "page"), await open(laptop, laptopStore, "laptop")];
  await laptopReplica.sync();
  const report = await pageReplica.sync();
  await laptopReplica.sync();
  expect(report).toMatchObject({ inSync: true, filesUploaded: 1, filesDownloaded: 1, conflicts: 0 });
  expect(textsOf(page)).toEqual({
    "notes/a.txt": "from the laptop",
    "notes/large.txt": "0123456789abcdef".repeat(40_000),
    "b.txt": "while nobody looked",
  });
  expect(textsOf(laptop)).toEqual(textsOf(page));
  expect(await pageStore.counts(workspaceId)).toMatchObject({ dirty: 0 });
  await pageReplica.close();
  await laptopReplica.close();
  await pageStore.close();
  await hub.close();
});

it("a page that lost its files, and forgets its rows for that, gets all of them again", async () => {
  const env = createBrowserEnv();
  const hub = createHub({ blobs: createMemoryBlobStore(), store: createMemoryHubStore(), env });
  const accountId = randomId<AccountId>(env);
  const workspaceId = await hub.createWorkspace(accountId);
  const transport = createLoopbackTransport(hub, { accountId, deviceId: randomId<DeviceId>(env), deviceName: "page" });
  const name = freshName();
  let store = await createIdbReplicaStore({ name });
  const tree = createMemoryLocalTree({ env });
  tree.write("a.txt", "kept by the hub");
  const replica = await createReplica({ workspaceId, tree, store, transport, env });
  await replica.sync();
  await replica.close();
  await store.close();

  store = await createIdbReplicaStore({ name });
  await store.removeWorkspace(workspaceId);
  const again = createMemoryLocalTree({ env });
  const anew = await createReplica({ workspaceId, tree: again, store, transport, env });
  expect(await anew.sync()).toMatchObject({ inSync: true, filesDeleted: 0 });
  expect(textsOf(again)).toEqual({ "a.txt": "kept by the hub" });
  await anew.close();
  await store.close();
  await hub.close();
});

it("inc-71 a page whose database was deleted merges: it removes nothing, and what it had not sent goes up", async () => {
  const env = createBrowserEnv();
  const hub = createHub({ blobs: createMemoryBlobStore(), store: createMemoryHubStore(), env });
  const accountId = randomId<AccountId>(env);
  const workspaceId = await hub.createWorkspace(accountId);
  const name = freshName();
  const open = (tree: MemoryLocalTree, store: ReplicaStore, deviceName: string) => {
    const transport = createLoopbackTransport(hub, { accountId, deviceId: randomId<DeviceId>(env), deviceName });
    return createReplica({ workspaceId, tree, store, transport, env, deviceName, settleMs: 1 });
  };
  const [page, laptop] = [createMemoryLocalTree({ env }), createMemoryLocalTree({ env })];
  const laptopReplica = await open(laptop, createMemoryReplicaStore(), "laptop");
  for (const text of ["kept", "edited on the page", "edited on the laptop"]) page.write(`${text}.txt`, "at first");
  // While it is open, and while it is not: what was begun ends with an error, and the next one begins anew.
  for (const isOpen of [true, false]) {
    let store = await createIdbReplicaStore({ name });
    const replica = await open(page, store, "page");
    await replica.sync();
    await laptopReplica.sync();
    page.write("edited on the page.txt", `not sent, ${isOpen}`);
    page.write(`new on the page, ${isOpen}.txt`, "not sent");
    laptop.write("edited on the laptop.txt", `of the laptop, ${isOpen}`);
    await laptopReplica.sync();
    if (!isOpen) await replica.close();
    if (!isOpen) await store.close();
    await deleteDB(`twinfold-replica:${name}`);
    if (isOpen) await expect(replica.sync()).rejects.toMatchObject({ code: "ERR_STORE_FAILED" });

    store = await createIdbReplicaStore({ name });
    const anew = await open(page, store, "page");
    expect(await anew.sync()).toMatchObject({ inSync: true, filesDeleted: 0 });
    expect(await laptopReplica.sync()).toMatchObject({ inSync: true, filesDeleted: 0 });
    await anew.sync();
    const files = textsOf(laptop);
    expect(textsOf(page)).toEqual(files);
    for (const text of [`not sent, ${isOpen}`, "not sent", `of the laptop, ${isOpen}`, "at first"]) expect(Object.values(files)).toContain(text);
    await anew.close();
    await store.close();
  }
  await laptopReplica.close();
  await hub.close();
});
