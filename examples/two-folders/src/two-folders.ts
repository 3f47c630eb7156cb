import { createFsLocalTree, createNodeEnv, initializeRoot } from "@twinfold/adapter-fs";
import {
  type AccountId,
  createHub,
  createMemoryBlobStore,
  createMemoryHubStore,
  createMemoryReplicaStore,
  createReplica,
  type DeviceId,
  randomId,
} from "@twinfold/core";

const env = createNodeEnv();

/** Makes two folders twins, in this program alone: the hub that judges and stores is in its memory. Gives a function that makes them equal again. */
export async function twin(folders: readonly [string, string]) {
  // README: begin
  const hub = createHub({ blobs: createMemoryBlobStore(), store: createMemoryHubStore(), env });
  const accountId = randomId<AccountId>(env);
  const workspaceId = await hub.createWorkspace(accountId);
  const open = async (root: string) => {
    const { rootId } = await initializeRoot({ root, workspaceId });
    const transport = hub.session({ accountId, deviceId: randomId<DeviceId>(env), deviceName: root });
    const tree = createFsLocalTree({ root, rootId });
    return createReplica({ workspaceId, tree, store: createMemoryReplicaStore(), transport, env });
  };
  const [left, right] = [await open(folders[0]), await open(folders[1])];
  for (const replica of [left, right, left]) await replica.sync();
  // README: end
  return {
    left,
    right,
    async sync(): Promise<void> {
      for (const replica of [left, right, left]) await replica.sync();
    },
  };
}
