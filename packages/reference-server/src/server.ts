import type { AddressInfo } from "node:net";
import { createNodeEnv } from "@twinfold/adapter-fs";
import { createSqliteAccountStore, createSqliteHubStore } from "@twinfold/adapter-sqlite";
import { createHub, TwinfoldError } from "@twinfold/core";
import { openBlobs } from "./blob-place.js";
import { errnoOf, openDataFolder } from "./data-folder.js";
import { createHttpServer, type HttpServer } from "./http-server.js";
import { type ResolvedServerOptions, resolveServerOptions, type ServerOptions } from "./server-options.js";

export interface Server {
  /** Where it answers, such as `http://127.0.0.1:4747`. */
  readonly url: string;
  /** Ends gracefully: held requests are answered, others get 5 s, the stores are closed and the data folder is free. May be called again. */
  close(): Promise<void>;
}

const MAX_CLOSING_MS = 5_000;

/**
 * Starts a server on its data folder. It accepts requests when this resolves.
 *
 * @throws {TwinfoldError} `ERR_INVALID_ARGUMENT` for a wrong option; `ERR_IN_USE` when another process serves the folder; `ERR_PORT_IN_USE`;
 * `ERR_PERMISSION_DENIED`, `ERR_NO_SPACE`, `ERR_LOCAL_FAILED`, `ERR_STORE_FAILED` or `ERR_NEWER_FORMAT` when the folder or a store cannot be opened.
 */
export async function createServer(options: ServerOptions): Promise<Server> {
  const config = resolveServerOptions(options);
  const env = createNodeEnv();
  /** What was opened, to be closed in the opposite order. */
  const closing: Array<() => Promise<void>> = [];
  const closeAll = async (): Promise<void> => {
    for (const close of closing.splice(0).reverse()) await close();
  };

  try {
    const folder = await openDataFolder(config.dataDir, env.bootId);
    closing.push(folder.release);
    const blobs = await openBlobs(folder, config.blobs);
    closing.push(() => blobs.close());
    const hubStore = await createSqliteHubStore({ path: folder.hubDatabase });
    closing.push(() => hubStore.close());
    const accounts = await createSqliteAccountStore({ path: folder.accountDatabase });
    closing.push(() => accounts.close());
    const { maxFileBytes, maxWaitMs } = config;
    const onDamage = (damage: TwinfoldError): void => http.app.log.error({ err: damage, code: damage.code }, "a stored chunk is damaged");
    const hub = createHub({ blobs, store: hubStore, env, maxFileBytes, maxWaitMs, onDamage });
    const http: HttpServer = await createHttpServer({ hub, hubStore, accounts, env, config });
    closing.push(() => stop(http, () => hub.close()));
    const url = await listen(http, config);
    let closed: Promise<void> | undefined;
    return { url, close: () => (closed ??= closeAll()) };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function listen({ app }: HttpServer, { host, port }: ResolvedServerOptions): Promise<string> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    throw listenError(`${host.includes(":") ? `[${host}]` : host}:${port}`, cause);
  }
  const address = app.server.address() as AddressInfo;
  return `http://${host.includes(":") ? `[${host}]` : host}:${address.port}`;
}

function listenError(address: string, cause: unknown): unknown {
  switch (errnoOf(cause)) {
    case "EADDRINUSE":
      return new TwinfoldError("ERR_PORT_IN_USE", `cannot listen on ${address}: another program does; stop it, or name another port`, { cause });
    case "EACCES":
      return new TwinfoldError("ERR_PERMISSION_DENIED", `cannot listen on ${address}: this user may not; ports below 1024 are the system's`, {
        cause,
      });
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return new TwinfoldError("ERR_INVALID_ARGUMENT", `cannot listen on ${address}: this machine has no such address`, { cause });
    default:
      return cause;
  }
}

/** Wakes what is held, lets the rest end, and cuts off what takes longer than it may. */
async function stop({ app, refuseRequests }: HttpServer, closeHub: () => Promise<void>): Promise<void> {
  refuseRequests();
  const cutOff = setTimeout(() => app.server.closeAllConnections(), MAX_CLOSING_MS);
  try {
    await Promise.all([closeHub(), app.close()]);
  } finally {
    clearTimeout(cutOff);
  }
}
