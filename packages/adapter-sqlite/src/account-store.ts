import { type AccountRow, type AccountStore, type AccountWorkspaceRow, type DeviceRow, TwinfoldError } from "@twinfold/core";
import { idBlob, idFrom } from "./column-values.js";
import type { DatabaseFormat } from "./database.js";
import { StoreDatabase } from "./store-database.js";

const ACCOUNT_FORMAT: DatabaseFormat = {
  title: "the accounts",
  exclusive: false,
  repair: "stop the server, keep a copy of the file, and put back the last backup",
  migrations: [
    `
    CREATE TABLE accounts (
      account_id BLOB NOT NULL PRIMARY KEY,
      email TEXT NOT NULL,
      email_key TEXT NOT NULL UNIQUE,
      password_hash TEXT NOT NULL,
      plan TEXT NOT NULL,
      created_at_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE devices (
      device_id BLOB NOT NULL PRIMARY KEY,
      account_id BLOB NOT NULL,
      name TEXT NOT NULL,
      token_hash TEXT NOT NULL UNIQUE,
      created_at_ms INTEGER NOT NULL,
      last_seen_at_ms INTEGER NOT NULL,
      revoked_at_ms INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX devices_by_account ON devices (account_id, created_at_ms);

    CREATE TABLE account_workspaces (
      account_id BLOB NOT NULL,
      workspace_id BLOB NOT NULL,
      name TEXT NOT NULL,
      created_at_ms INTEGER NOT NULL,
      PRIMARY KEY (account_id, workspace_id),
      UNIQUE (account_id, name)
    ) STRICT, WITHOUT ROWID;
    `,
  ],
};

type StoredAccount = Omit<AccountRow, "accountId"> & { readonly accountId: Uint8Array };
type StoredDevice = Omit<DeviceRow, "deviceId" | "accountId" | "revokedAtMs"> & {
  readonly deviceId: Uint8Array;
  readonly accountId: Uint8Array;
  readonly revokedAtMs: number | null;
};
type StoredWorkspace = Omit<AccountWorkspaceRow, "accountId" | "workspaceId"> & { readonly workspaceId: Uint8Array };

const ACCOUNT_COLUMNS = "account_id AS accountId, email, email_key AS emailKey, password_hash AS passwordHash, plan, created_at_ms AS createdAtMs";
const DEVICE_COLUMNS = `device_id AS deviceId, account_id AS accountId, name, token_hash AS tokenHash, created_at_ms AS createdAtMs,
  last_seen_at_ms AS lastSeenAtMs, revoked_at_ms AS revokedAtMs`;

/**
 * Accounts and devices in one SQLite file.
 *
 * @throws {TwinfoldError} `ERR_NEWER_FORMAT`; `ERR_STORE_FAILED` when the file cannot be opened, or is damaged.
 */
export async function createSqliteAccountStore({ path }: { readonly path: string }): Promise<AccountStore> {
  const database = new StoreDatabase(path, ACCOUNT_FORMAT);
  const { sql } = database;

  const addAccount = sql.prepare(
    `INSERT INTO accounts (account_id, email, email_key, password_hash, plan, created_at_ms) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  );
  const accountById = sql.prepare(`SELECT ${ACCOUNT_COLUMNS} FROM accounts WHERE account_id = ?`);
  const accountByEmail = sql.prepare(`SELECT ${ACCOUNT_COLUMNS} FROM accounts WHERE email_key = ?`);
  const setPasswordHash = sql.prepare("UPDATE accounts SET password_hash = ? WHERE account_id = ?");
  const addDevice = sql.prepare(
    `INSERT INTO devices (device_id, account_id, name, token_hash, created_at_ms, last_seen_at_ms, revoked_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING`,
  );
  const deviceByToken = sql.prepare(`SELECT ${DEVICE_COLUMNS} FROM devices WHERE token_hash = ?`);
  const devicesOf = sql.prepare(`SELECT ${DEVICE_COLUMNS} FROM devices WHERE account_id = ? ORDER BY created_at_ms, device_id`);
  const revokeDevice = sql.prepare("UPDATE devices SET revoked_at_ms = coalesce(revoked_at_ms, ?) WHERE device_id = ? AND account_id = ?");
  const sawDevice = sql.prepare("UPDATE devices SET last_seen_at_ms = ? WHERE device_id = ?");
  const addWorkspace = sql.prepare(
    "INSERT INTO account_workspaces (account_id, workspace_id, name, created_at_ms) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
  );
  const workspacesOf = sql.prepare(
    `SELECT workspace_id AS workspaceId, name, created_at_ms AS createdAtMs FROM account_workspaces
     WHERE account_id = ? ORDER BY created_at_ms, workspace_id`,
  );

  return {
    async addAccount({ accountId, email, emailKey, passwordHash, plan, createdAtMs }) {
      return database.write(() => {
        const { changes } = addAccount.run(idBlob(accountId), email, emailKey, passwordHash, plan, createdAtMs);
        return changes === 1 ? "added" : "exists";
      });
    },
    async account(accountId) {
      return database.read(() => accountFrom(accountById.get(idBlob(accountId)) as StoredAccount | undefined));
    },
    async accountByEmail(emailKey) {
      return database.read(() => accountFrom(accountByEmail.get(emailKey) as StoredAccount | undefined));
    },
    async setPasswordHash(accountId, passwordHash) {
      await database.write(() => setPasswordHash.run(passwordHash, idBlob(accountId)));
    },
    async addDevice({ deviceId, accountId, name, tokenHash, createdAtMs, lastSeenAtMs, revokedAtMs = null }) {
      await database.write(() => {
        const { changes } = addDevice.run(idBlob(deviceId), idBlob(accountId), name, tokenHash, createdAtMs, lastSeenAtMs, revokedAtMs);
        if (changes === 1) return;
        throw new TwinfoldError("ERR_ALREADY_EXISTS", `adding the device ${deviceId}: its id or its token is taken; make a new one of both`);
      });
    },
    async deviceByToken(tokenHash) {
      return database.read(() => {
        const row = deviceByToken.get(tokenHash) as StoredDevice | undefined;
        return row && deviceFrom(row);
      });
    },
    async devices(accountId) {
      return database.read(() => (devicesOf.all(idBlob(accountId)) as StoredDevice[]).map(deviceFrom));
    },
    async revokeDevice(accountId, deviceId, atMs) {
      return database.write(() => revokeDevice.run(atMs, idBlob(deviceId), idBlob(accountId)).changes === 1);
    },
    async sawDevice(deviceId, atMs) {
      await database.write(() => sawDevice.run(atMs, idBlob(deviceId)));
    },
    async addWorkspace({ accountId, workspaceId, name, createdAtMs }) {
      return database.write(() => {
        const { changes } = addWorkspace.run(idBlob(accountId), idBlob(workspaceId), name, createdAtMs);
        return changes === 1 ? "added" : "exists";
      });
    },
    async workspaces(accountId) {
      return database.read(() => {
        const rows = workspacesOf.all(idBlob(accountId)) as StoredWorkspace[];
        return rows.map((row) => ({ ...row, accountId, workspaceId: idFrom(row.workspaceId) }));
      });
    },
    async close() {
      database.close();
    },
  };
}

function accountFrom(row: StoredAccount | undefined): AccountRow | undefined {
  return row && { ...row, accountId: idFrom(row.accountId) };
}

function deviceFrom({ revokedAtMs, ...row }: StoredDevice): DeviceRow {
  return { ...row, deviceId: idFrom(row.deviceId), accountId: idFrom(row.accountId), ...(revokedAtMs !== null && { revokedAtMs }) };
}
