import { TwinfoldError } from "../errors.js";
import type { AccountId, DeviceId } from "../ids.js";
import type { AccountRow, AccountStore, AccountWorkspaceRow, DeviceRow } from "./account-store.js";

/** What a closed store leaves behind: a store opened on it later finds everything again. */
export interface AccountMemory {
  readonly accounts: Map<AccountId, AccountRow>;
  readonly devices: Map<DeviceId, DeviceRow>;
  readonly workspaces: Map<AccountId, AccountWorkspaceRow[]>;
}

export function createAccountMemory(): AccountMemory {
  return { accounts: new Map(), devices: new Map(), workspaces: new Map() };
}

/** Accounts and devices in memory: for tests, and for apps with a handful of users. A lookup by e-mail or token reads all rows. */
export function createMemoryAccountStore(memory: AccountMemory = createAccountMemory()): AccountStore {
  let closed = false;

  function open(): AccountMemory {
    if (closed) throw new TwinfoldError("ERR_CLOSED", "the accounts in memory were closed");
    return memory;
  }

  return {
    async addAccount(row) {
      const { accounts } = open();
      const taken = accounts.has(row.accountId) || [...accounts.values()].some(({ emailKey }) => emailKey === row.emailKey);
      if (taken) return "exists";
      accounts.set(row.accountId, { ...row });
      return "added";
    },
    async account(accountId) {
      const row = open().accounts.get(accountId);
      return row && { ...row };
    },
    async accountByEmail(emailKey) {
      for (const row of open().accounts.values()) if (row.emailKey === emailKey) return { ...row };
      return undefined;
    },
    async setPasswordHash(accountId, passwordHash) {
      const { accounts } = open();
      const row = accounts.get(accountId);
      if (row !== undefined) accounts.set(accountId, { ...row, passwordHash });
    },
    async addDevice(row) {
      const { devices } = open();
      for (const { deviceId, tokenHash } of devices.values()) {
        if (deviceId !== row.deviceId && tokenHash !== row.tokenHash) continue;
        throw new TwinfoldError("ERR_ALREADY_EXISTS", `adding the device ${row.deviceId}: its id or its token is taken; make a new one of both`);
      }
      devices.set(row.deviceId, { ...row });
    },
    async deviceByToken(tokenHash) {
      for (const row of open().devices.values()) if (row.tokenHash === tokenHash) return { ...row };
      return undefined;
    },
    async devices(accountId) {
      const rows = [...open().devices.values()].filter((row) => row.accountId === accountId);
      return rows.sort((a, b) => a.createdAtMs - b.createdAtMs || (a.deviceId < b.deviceId ? -1 : 1)).map((row) => ({ ...row }));
    },
    async revokeDevice(accountId, deviceId, atMs) {
      const { devices } = open();
      const row = devices.get(deviceId);
      if (row?.accountId !== accountId) return false;
      devices.set(deviceId, { ...row, revokedAtMs: row.revokedAtMs ?? atMs });
      return true;
    },
    async sawDevice(deviceId, atMs) {
      const { devices } = open();
      const row = devices.get(deviceId);
      if (row !== undefined) devices.set(deviceId, { ...row, lastSeenAtMs: atMs });
    },
    async addWorkspace(row) {
      const { workspaces } = open();
      const rows = workspaces.get(row.accountId) ?? [];
      if (rows.some(({ workspaceId, name }) => workspaceId === row.workspaceId || name === row.name)) return "exists";
      workspaces.set(row.accountId, [...rows, { ...row }]);
      return "added";
    },
    async workspaces(accountId) {
      const rows = [...(open().workspaces.get(accountId) ?? [])];
      return rows.sort((a, b) => a.createdAtMs - b.createdAtMs || (a.workspaceId < b.workspaceId ? -1 : 1)).map((row) => ({ ...row }));
    },
    async close() {
      closed = true;
    },
  };
}
