import { createHash, randomBytes } from "node:crypto";
import { type AccountId, type AccountStore, type DeviceId, type DeviceRow, type Env, type Principal, randomId, TwinfoldError } from "@twinfold/core";

/** Devices that are logged in: their tokens, and the requests that they hold open. */
export interface DeviceSessions {
  /** Makes a device of the account. The token is given here and never again. */
  create(accountId: AccountId, deviceName: string): Promise<{ readonly device: DeviceRow; readonly token: string }>;
  /** @throws {TwinfoldError} `ERR_UNAUTHENTICATED` when the header names no device, or a revoked one. */
  authenticate(authorization: string | undefined): Promise<Principal>;
  /** Gives false when the account has no such device. Afterwards no request with its token begins, and those that it holds have ended. */
  revoke(accountId: AccountId, deviceId: DeviceId): Promise<boolean>;
  /** A signal that ends a held request when its device is revoked. `release` when the request is over. */
  hold(principal: Principal): { readonly signal: AbortSignal; abort(reason: unknown): void; release(): void };
}

/** How long a token's device is believed without looking it up. Revocation does not wait for it. */
const CACHE_MS = 60_000;
const MAX_CACHED = 10_000;
/** A device's "last seen" is written at most this often: each write is an fsync. */
const SEEN_EVERY_MS = 10 * 60_000;

interface Known {
  readonly principal: Principal;
  readonly untilMs: number;
}

export function createDeviceSessions({ accounts, env }: { readonly accounts: AccountStore; readonly env: Env }): DeviceSessions {
  const known = new Map<string, Known>();
  const revoked = new Set<DeviceId>();
  const held = new Map<DeviceId, Set<AbortController>>();
  const seenMs = new Map<DeviceId, number>();

  async function lookUp(tokenHash: string): Promise<Principal> {
    const row = await accounts.deviceByToken(tokenHash);
    if (row === undefined || row.revokedAtMs !== undefined) throw unauthenticated();
    const { accountId, deviceId, name: deviceName } = row;
    const principal: Principal = { accountId, deviceId, deviceName };
    known.delete(tokenHash);
    known.set(tokenHash, { principal, untilMs: env.monotonicMs() + CACHE_MS });
    const [oldest] = known.keys();
    if (known.size > MAX_CACHED && oldest !== undefined) known.delete(oldest);
    return principal;
  }

  function sawDevice(deviceId: DeviceId): void {
    const now = env.monotonicMs();
    if (now < (seenMs.get(deviceId) ?? Number.NEGATIVE_INFINITY) + SEEN_EVERY_MS) return;
    seenMs.delete(deviceId);
    seenMs.set(deviceId, now);
    const [oldest] = seenMs.keys();
    if (seenMs.size > MAX_CACHED && oldest !== undefined) seenMs.delete(oldest);
    accounts.sawDevice(deviceId, env.nowMs()).catch(() => {}); // shown to people only: the next one tells
  }

  function assertNotRevoked(deviceId: DeviceId): void {
    if (revoked.has(deviceId)) throw unauthenticated();
  }

  return {
    async create(accountId, deviceName) {
      const token = randomBytes(32).toString("base64url");
      const now = env.nowMs();
      const device: DeviceRow = {
        deviceId: randomId<DeviceId>(env),
        accountId,
        name: deviceName,
        tokenHash: hashOf(token),
        createdAtMs: now,
        lastSeenAtMs: now,
      };
      await accounts.addDevice(device);
      return { device, token };
    },
    async authenticate(authorization) {
      const token = /^Bearer ([A-Za-z0-9_-]{43})$/i.exec(authorization ?? "")?.[1];
      if (token === undefined) throw unauthenticated();
      const tokenHash = hashOf(token);
      const cached = known.get(tokenHash);
      const principal = cached !== undefined && cached.untilMs > env.monotonicMs() ? cached.principal : await lookUp(tokenHash);
      assertNotRevoked(principal.deviceId);
      sawDevice(principal.deviceId);
      return principal;
    },
    async revoke(accountId, deviceId) {
      if (!(await accounts.revokeDevice(accountId, deviceId, env.nowMs()))) return false;
      revoked.add(deviceId);
      for (const request of held.get(deviceId) ?? []) request.abort(unauthenticated());
      return true;
    },
    hold({ deviceId }) {
      assertNotRevoked(deviceId);
      const controller = new AbortController();
      const requests = held.get(deviceId) ?? new Set();
      held.set(deviceId, requests.add(controller));
      return {
        signal: controller.signal,
        abort: (reason) => controller.abort(reason),
        release() {
          requests.delete(controller);
          if (requests.size === 0 && held.get(deviceId) === requests) held.delete(deviceId);
        },
      };
    },
  };
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

function unauthenticated(): TwinfoldError {
  return new TwinfoldError("ERR_UNAUTHENTICATED", "this device is not logged in, or was revoked: log in again");
}
