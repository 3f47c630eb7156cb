import { createSqliteReplicaStore } from "@twinfold/adapter-sqlite";
import { type Env, multiplexed, type ReplicaStore, type Transport } from "@twinfold/core";
import { type ApiClient, createApiClient, createHttpTransport } from "@twinfold/transport-http";
import { type Credentials, mustReadCredentials } from "../device/credentials.js";
import type { DeviceHome } from "../device/home.js";
import type { Link } from "../device/links.js";
import { type DeviceLimits, openLimits } from "../network/limits.js";
import { createMeteredNetwork } from "../network/metered-network.js";
import { createSharedUsage, type SharedUsage } from "../network/shared-usage.js";
import { type LinkedReplica, openLinkedReplica } from "./linked-replica.js";
import { createSideBySide, type SideBySide } from "./side-by-side.js";

/** The replicas of a process, each opened when it is first asked for and kept, and what they share. */
export interface ReplicaPool {
  readonly store: ReplicaStore;
  /** Of all links together. */
  readonly limits: DeviceLimits;
  /** @throws {TwinfoldError} `ERR_UNAUTHENTICATED` when nobody is logged in. */
  api(): Promise<ApiClient>;
  opened(link: Link): Promise<LinkedReplica>;
  /** Passes that begin together, one of each link: their first looks at the hub are one request. */
  sideBySide: SideBySide["run"];
  /** Closes one link's replica; it can be opened again. */
  release(link: Link): Promise<void>;
  close(): Promise<void>;
}

interface Access {
  readonly credentials: Credentials;
  readonly api: ApiClient;
  /** Holds one long poll for all links. */
  readonly waits: Transport;
  readonly looks: SharedUsage;
  readonly together: SideBySide;
}

export async function createReplicaPool({ home, env }: { readonly home: DeviceHome; readonly env: Env }): Promise<ReplicaPool> {
  const limits = await openLimits(home, env);
  const { bandwidth } = limits;
  const store = await createSqliteReplicaStore({ path: home.replicaDatabase });
  const network = createMeteredNetwork({ bandwidth });
  const lookNetwork = createMeteredNetwork();
  const open = new Map<string, Promise<LinkedReplica>>();
  let access: Promise<Access> | undefined;

  const readAccess = async (): Promise<Access> => {
    const credentials = await mustReadCredentials(home);
    const { server: url, token, insecure } = credentials;
    const options = { url, token, insecure, client: network.client };
    const looking = createHttpTransport({ ...options, client: lookNetwork.client });
    const looks = createSharedUsage(lookNetwork, looking);
    const together = createSideBySide({ transport: { ...looking, changes: looks.changes }, env });
    return { credentials, api: createApiClient(options), waits: multiplexed(createHttpTransport(options)), looks, together };
  };
  // While this process has the lock nobody logs in or out.
  const mustAccess = async (): Promise<Access> => {
    access ??= readAccess();
    return await access;
  };

  const openLink = async (link: Link): Promise<LinkedReplica> => {
    const { credentials, waits, looks, together } = await mustAccess();
    const joined = { changes: together.changes, wait: waits.wait };
    return await openLinkedReplica({ link, credentials, store, env, bandwidth, joined, joinedUsage: () => looks.of(link.workspaceId) });
  };

  return {
    store,
    limits,
    api: async () => (await mustAccess()).api,
    async opened(link) {
      const found = open.get(link.path);
      if (found !== undefined) return await found;
      const opening = openLink(link);
      open.set(link.path, opening);
      try {
        return await opening;
      } catch (error) {
        open.delete(link.path); // the next request may find what was missing, such as the disk
        throw error;
      }
    },
    sideBySide: async (passes) => await (await mustAccess()).together.run(passes),
    async release(link) {
      const found = open.get(link.path);
      open.delete(link.path);
      await (await found)?.close();
    },
    async close() {
      for (const opening of open.values()) {
        const linked = await opening.catch(() => undefined); // told to whoever asked for it
        await linked?.close();
      }
      network.close();
      lookNetwork.close();
      await store.close();
    },
  };
}
