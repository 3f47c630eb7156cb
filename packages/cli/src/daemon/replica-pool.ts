import { createSqliteReplicaStore } from "@twinfold/adapter-sqlite";
import { type Env, multiplexed, type ReplicaStore, type Transport } from "@twinfold/core";
import { createHttpTransport } from "@twinfold/transport-http";
import { type Credentials, mustReadCredentials } from "../device/credentials.js";
import type { DeviceHome } from "../device/home.js";
import type { Link } from "../device/links.js";
import { createMeteredNetwork } from "../network/metered-network.js";
import { type LinkedReplica, openLinkedReplica } from "./linked-replica.js";

/** The replicas of a process, each opened when it is first asked for and kept. */
export interface ReplicaPool {
  readonly store: ReplicaStore;
  opened(link: Link): Promise<LinkedReplica>;
  /** Closes one link's replica; it can be opened again. */
  release(link: Link): Promise<void>;
  close(): Promise<void>;
}

export function createReplicaPool({ home, env }: { readonly home: DeviceHome; readonly env: Env }): ReplicaPool {
  const store = createSqliteReplicaStore({ path: home.replicaDatabase });
  const network = createMeteredNetwork();
  const open = new Map<string, Promise<LinkedReplica>>();
  let access: Promise<{ readonly credentials: Credentials; readonly waits: Transport }> | undefined;

  const readAccess = async (): Promise<{ readonly credentials: Credentials; readonly waits: Transport }> => {
    const credentials = await mustReadCredentials(home);
    const { server: url, token, insecure } = credentials;
    return { credentials, waits: multiplexed(createHttpTransport({ url, token, insecure, fetch: network.fetch })) };
  };

  const openLink = async (link: Link): Promise<LinkedReplica> => {
    access ??= readAccess();
    return await openLinkedReplica({ link, store, env, ...(await access) });
  };

  return {
    store,
    async opened(link) {
      const found = open.get(link.path);
      if (found !== undefined) return await found;
      const opening = openLink(link);
      open.set(link.path, opening);
      try {
        return await opening;
      } catch (error) {
        // The next request may find what was missing: the disk, or somebody logged in.
        open.delete(link.path);
        access = undefined;
        throw error;
      }
    },
    async release(link) {
      const found = open.get(link.path);
      open.delete(link.path);
      await (await found)?.close();
    },
    async close() {
      const linked = await Promise.allSettled(open.values());
      await Promise.all(linked.map((one) => (one.status === "fulfilled" ? one.value.close() : undefined)));
      await network.close();
      await store.close();
    },
  };
}
