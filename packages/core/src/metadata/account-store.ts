import type { AccountId, DeviceId, WorkspaceId } from "../ids.js";

export interface AccountRow {
  readonly accountId: AccountId;
  /** As the person typed it. */
  readonly email: string;
  /** What is unique: trimmed, lower case. */
  readonly emailKey: string;
  /** In PHC string format. */
  readonly passwordHash: string;
  readonly plan: string;
  readonly createdAtMs: number;
}

export interface DeviceRow {
  readonly deviceId: DeviceId;
  readonly accountId: AccountId;
  readonly name: string;
  /** SHA-256 of the device's token, in hex; the token itself is stored nowhere. */
  readonly tokenHash: string;
  readonly createdAtMs: number;
  readonly lastSeenAtMs: number;
  readonly revokedAtMs?: number | undefined;
}

/** A workspace as its member sees it. A mirror: membership's truth is in the workspace. */
export interface AccountWorkspaceRow {
  readonly accountId: AccountId;
  readonly workspaceId: WorkspaceId;
  /** Unique per account. */
  readonly name: string;
  readonly createdAtMs: number;
}

/**
 * Accounts, devices and what they may reach. Keyed by account, by secret's hash, or by e-mail.
 *
 * - AS1 Every write is atomic and durable when it resolves.
 * - AS2 `addAccount` gives `exists` and changes nothing when the id or the e-mail key is taken; of two concurrent ones, one wins.
 * - AS3 `addDevice` rejects with `ERR_ALREADY_EXISTS` when the id or the token hash is taken.
 * - AS4 `deviceByToken` finds revoked devices too; the caller looks at `revokedAtMs`. What was revoked stays revoked.
 * - AS5 `addWorkspace` gives `exists` and changes nothing when the account has that name or that workspace.
 * - AS6 Keys are compared byte by byte: `%`, `_` and quotes in them mean nothing.
 * - AS7 After `close` every call rejects with `ERR_CLOSED`; what was written is there when the store is opened again.
 */
export interface AccountStore {
  addAccount(row: AccountRow): Promise<"added" | "exists">;
  account(accountId: AccountId): Promise<AccountRow | undefined>;
  accountByEmail(emailKey: string): Promise<AccountRow | undefined>;
  setPasswordHash(accountId: AccountId, passwordHash: string): Promise<void>;
  addDevice(row: DeviceRow): Promise<void>;
  deviceByToken(tokenHash: string): Promise<DeviceRow | undefined>;
  /** Oldest first, those of one moment by id. */
  devices(accountId: AccountId): Promise<readonly DeviceRow[]>;
  /** Gives false when the account has no such device. */
  revokeDevice(accountId: AccountId, deviceId: DeviceId, atMs: number): Promise<boolean>;
  sawDevice(deviceId: DeviceId, atMs: number): Promise<void>;
  addWorkspace(row: AccountWorkspaceRow): Promise<"added" | "exists">;
  /** Oldest first, those of one moment by id. */
  workspaces(accountId: AccountId): Promise<readonly AccountWorkspaceRow[]>;
  close(): Promise<void>;
}
