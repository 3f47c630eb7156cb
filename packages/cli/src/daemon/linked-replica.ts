import { createFsLocalTree } from "@twinfold/adapter-fs";
import {
  createReplica,
  type Env,
  isTwinfoldError,
  type LocalPath,
  mergeText,
  type Replica,
  type ReplicaEvents,
  type ReplicaStore,
  type SyncReport,
  type Transport,
  TwinfoldError,
  type Unsubscribe,
} from "@twinfold/core";
import { createHttpTransport } from "@twinfold/transport-http";
import type { Bandwidth } from "@twinfold/transport-http/node";
import type { Credentials } from "../device/credentials.js";
import type { Link } from "../device/links.js";
import { createMeteredNetwork, type Usage, usageSince, usageSum } from "../network/metered-network.js";
import type { LinkEvent, LinkReport, RequestOptions } from "./requests.js";

/** Pauses between the tries of one `sync` while the server is out of reach, in ms. */
const RETRY_PAUSES_MS = [250, 500, 1_000, 2_000];

const EVENT_NAMES = Object.keys({
  "scan:progressed": true,
  "file:uploaded": true,
  "file:downloaded": true,
  "file:damaged": true,
  "node:moved": true,
  "node:deleted": true,
  "node:skipped": true,
  "conflict:detected": true,
  "transfer:progressed": true,
  "sync:finished": true,
  "sync:postponed": true,
  "connection:lost": true,
  "connection:restored": true,
} satisfies Record<keyof ReplicaEvents, true>) as ReadonlyArray<keyof ReplicaEvents>;

/** A link at work: its replica, and what it takes. Files cross a network of its own, so that their bytes are known to be its. */
export interface LinkedReplica {
  readonly replica: Replica;
  /** One pass, tried a few times while the server is out of reach. */
  sync(options: RequestOptions & { readonly confirm: boolean }): Promise<LinkReport>;
  /** Brings what is elsewhere at a path, likewise. */
  get(path: LocalPath, options: RequestOptions): Promise<LinkReport>;
  /** All that crossed its sockets so far, the held calls aside. */
  usage(): Usage;
  /** Tells all of the replica's events until it is called off. */
  observe(listener: ((event: LinkEvent) => void) | undefined): Unsubscribe;
  close(): Promise<void>;
}

export interface LinkedReplicaOptions {
  readonly link: Link;
  readonly credentials: Credentials;
  readonly store: ReplicaStore;
  readonly env: Env;
  /** What it may use of the network, together with the other links. */
  readonly bandwidth: Bandwidth;
  /** The calls that are joined with those of the other links. */
  readonly joined: Pick<Transport, "changes" | "wait">;
  /** Its part of what those took, the held ones aside. */
  readonly joinedUsage: () => Usage;
}

export async function openLinkedReplica({
  link,
  credentials,
  store,
  env,
  bandwidth,
  joined,
  joinedUsage,
}: LinkedReplicaOptions): Promise<LinkedReplica> {
  const network = createMeteredNetwork({ bandwidth });
  const { server: url, token, insecure, deviceName } = credentials;
  const transport = createHttpTransport({ url, token, insecure, client: network.client });
  const tree = createFsLocalTree({ root: link.path, rootId: link.rootId, env, deviceName });
  const replica = await createReplica({
    workspaceId: link.workspaceId,
    tree,
    store,
    transport: { ...transport, ...joined },
    env,
    deviceName,
    resolve: link.mergeText ? mergeText : undefined,
    only: link.only,
    onDemand: link.onDemand,
  });

  const usage = (): Usage => usageSum(network.usage(), joinedUsage());

  const observe = (listener: ((event: LinkEvent) => void) | undefined): Unsubscribe => {
    if (listener === undefined) return () => {};
    const unsubscribes = EVENT_NAMES.map((event) => replica.on(event, (fact) => listener({ event, link: link.path, fact } as LinkEvent)));
    return () => {
      for (const unsubscribe of unsubscribes) unsubscribe();
    };
  };

  /** A pass, tried a few times while the server is out of reach, with what crossed the sockets for it. */
  const reported = async ({ signal, onEvent }: RequestOptions, pass: () => Promise<SyncReport>): Promise<LinkReport> => {
    const startedAtMs = env.monotonicMs();
    const before = usage();
    const unobserve = observe(onEvent);
    try {
      const report = await persistently(pass, { link, env, signal, onEvent });
      return { ...report, ...usageSince(before, usage()), durationMs: Math.round(env.monotonicMs() - startedAtMs) };
    } finally {
      unobserve();
    }
  };

  return {
    replica,
    observe,
    usage,
    sync: ({ confirm, ...options }) => reported(options, () => replica.sync({ confirm, signal: options.signal })),
    get: (path, options) => reported(options, () => replica.get(path, { signal: options.signal })),
    async close() {
      await replica.close();
      await tree.close();
      network.close();
    },
  };
}

async function persistently<T>(
  attempt: () => Promise<T>,
  { link, env, signal, onEvent }: RequestOptions & Pick<LinkedReplicaOptions, "link" | "env">,
): Promise<T> {
  const startedAtMs = env.monotonicMs();
  for (const pauseMs of RETRY_PAUSES_MS) {
    try {
      return await attempt();
    } catch (error) {
      if (!isOutOfReach(error)) throw error;
      onEvent?.({ event: "connection:lost", link: link.path, fact: { reason: error.message, retryInMs: pauseMs } });
      await env.sleep(pauseMs, signal);
    }
  }
  try {
    return await attempt();
  } catch (error) {
    if (!isOutOfReach(error)) throw error;
    const seconds = ((env.monotonicMs() - startedAtMs) / 1000).toFixed(1);
    throw new TwinfoldError(error.code, `${error.message} (tried ${RETRY_PAUSES_MS.length + 1} times in ${seconds} s)`, { cause: error });
  }
}

function isOutOfReach(error: unknown): error is TwinfoldError {
  return isTwinfoldError(error) && (error.code === "ERR_UNREACHABLE" || error.code === "ERR_SERVER_FAILED" || error.code === "ERR_RATE_LIMITED");
}
