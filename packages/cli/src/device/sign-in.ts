import { hostname } from "node:os";
import { isTwinfoldError, TwinfoldError } from "@twinfold/core";
import { type ApiClient, createApiClient } from "@twinfold/transport-http";
import type { Context } from "../context.js";
import { createMeteredNetwork } from "../network/metered-network.js";
import { type Credentials, mustReadCredentials, readCredentials, removeCredentials, writeCredentials } from "./credentials.js";
import type { Device } from "./device.js";
import { readLinks } from "./links.js";
import { acquireLock, inUse } from "./lock.js";
import { prepareSocketPath } from "./socket-path.js";

export interface SignInOptions {
  readonly server: string;
  readonly email: string;
  readonly device?: string | undefined;
  readonly passwordStdin?: boolean | undefined;
  readonly insecure?: boolean | undefined;
}

/** Signs up or logs in, and leaves the device logged in. `password` is asked for when all else is in order. */
export async function signIn(
  context: Context,
  options: SignInOptions,
  { method, password }: { readonly method: "signUp" | "logIn"; readonly password: () => Promise<string> },
): Promise<Credentials> {
  const { server, email, insecure = false } = options;
  return await withApi({ url: server, insecure }, async (api) => {
    const device = await context.device();
    return await withLock(device, async () => {
      const before = await readCredentials(device.home);
      await refuseOtherAccount(device, before, { server, email });
      const request = { email, password: await password(), deviceName: options.device ?? (hostname() || "unnamed device") };
      const session = await api[method](request, { signal: context.signal });
      const credentials: Credentials = {
        server,
        insecure,
        accountId: session.account.accountId,
        email: session.account.email,
        deviceId: session.device.deviceId,
        deviceName: session.device.name,
        token: session.token,
      };
      await writeCredentials(device.home, credentials);
      if (before !== undefined) await revokeQuietly(before, context.signal);
      return credentials;
    });
  });
}

/** Revokes the device's token at the server, as far as that can be reached, and removes it here. */
export async function signOut(context: Context): Promise<{ readonly credentials: Credentials; readonly revoked: boolean }> {
  const device = await context.device();
  return await withLock(device, async () => {
    const credentials = await mustReadCredentials(device.home);
    const revoked = await revokeQuietly(credentials, context.signal);
    await removeCredentials(device.home);
    return { credentials, revoked };
  });
}

/** Asks the server that this device is logged in at. */
export async function withAccount<T>(context: Context, use: (api: ApiClient, credentials: Credentials) => Promise<T>): Promise<T> {
  const credentials = await mustReadCredentials((await context.device()).home);
  const { server: url, token, insecure } = credentials;
  return await withApi({ url, token, insecure }, (api) => use(api, credentials));
}

async function withApi<T>(
  options: { readonly url: string; readonly token?: string | undefined; readonly insecure: boolean },
  use: (api: ApiClient) => Promise<T>,
): Promise<T> {
  const network = createMeteredNetwork();
  try {
    return await use(createClient({ ...options, client: network.client }));
  } finally {
    network.close();
  }
}

function createClient(options: Parameters<typeof createApiClient>[0]): ApiClient {
  try {
    return createApiClient(options);
  } catch (cause) {
    if (!isTwinfoldError(cause)) throw cause;
    throw new TwinfoldError("ERR_USAGE", `--server: ${cause.message} (here: --insecure)`, { cause });
  }
}

/** The token of a running process must not change under it. */
async function withLock<T>({ home, env }: Device, use: () => Promise<T>): Promise<T> {
  const outcome = await acquireLock(home, { role: "once", socket: await prepareSocketPath(home), bootId: env.bootId });
  if (outcome.kind === "busy") throw inUse(outcome.holder);
  try {
    return await use();
  } finally {
    await outcome.lock.release();
  }
}

/** Links belong to the account that they were made with. */
async function refuseOtherAccount(
  { home }: Device,
  before: Credentials | undefined,
  { server, email }: { readonly server: string; readonly email: string },
): Promise<void> {
  const links = await readLinks(home);
  const same =
    before === undefined || (trimmed(before.server) === trimmed(server) && before.email.trim().toLowerCase() === email.trim().toLowerCase());
  if (links.length === 0 || same) return;
  const message = `this device has folders linked as ${before.email} at ${before.server}: unlink them first, or set another TWINFOLD_HOME`;
  throw new TwinfoldError("ERR_ALREADY_LINKED", message);
}

function trimmed(url: string): string {
  return url.replace(/\/+$/, "");
}

/** False when the server could not be told: the device can still be revoked from another one. */
async function revokeQuietly({ server: url, token, insecure }: Credentials, signal: AbortSignal): Promise<boolean> {
  try {
    await withApi({ url, token, insecure }, (api) => api.logOut({ signal }));
    return true;
  } catch (error) {
    signal.throwIfAborted();
    return isTwinfoldError(error) && error.code === "ERR_UNAUTHENTICATED"; // it is revoked already
  }
}
