import { rm } from "node:fs/promises";
import { type AccountId, type DeviceId, parseAccountId, parseDeviceId, TwinfoldError } from "@twinfold/core";
import type { DeviceHome } from "./home.js";
import { damaged, readJsonFile, readTextFile, writeJsonFile, writeTextFile } from "./json-file.js";
import { localFailure } from "./local-failure.js";

/** Who this device is, at which server. */
export interface Credentials {
  readonly server: string;
  readonly accountId: AccountId;
  readonly email: string;
  readonly deviceId: DeviceId;
  readonly deviceName: string;
  /** The person allowed the token to travel unencrypted. */
  readonly insecure: boolean;
  readonly token: string;
}

/** `undefined` when nobody is logged in on this device. */
export async function readCredentials(home: DeviceHome): Promise<Credentials | undefined> {
  const [fields, token] = await Promise.all([readJsonFile(home.device), readTextFile(home.token)]);
  if (fields === undefined || token === undefined) return undefined;
  const { server, accountId, email, deviceId, deviceName, insecure } = fields;
  if (typeof server !== "string" || typeof email !== "string" || typeof deviceName !== "string") throw damaged(home.device);
  if (typeof accountId !== "string" || typeof deviceId !== "string") throw damaged(home.device);
  return {
    server,
    email,
    deviceName,
    accountId: parseAccountId(accountId),
    deviceId: parseDeviceId(deviceId),
    insecure: insecure === true,
    token: token.trim(),
  };
}

/** @throws {TwinfoldError} `ERR_UNAUTHENTICATED` when nobody is logged in on this device. */
export async function mustReadCredentials(home: DeviceHome): Promise<Credentials> {
  const credentials = await readCredentials(home);
  if (credentials === undefined) {
    throw new TwinfoldError("ERR_UNAUTHENTICATED", "nobody is logged in on this device: run `twinfold login` or `twinfold signup` first");
  }
  return credentials;
}

export async function writeCredentials(home: DeviceHome, { token, ...device }: Credentials): Promise<void> {
  await writeTextFile(home.token, `${token}\n`);
  await writeJsonFile(home.device, device);
}

/** The secret goes first. */
export async function removeCredentials(home: DeviceHome): Promise<void> {
  for (const path of [home.token, home.device]) {
    try {
      await rm(path, { force: true });
    } catch (cause) {
      throw localFailure(`remove ${path}`, cause);
    }
  }
}
