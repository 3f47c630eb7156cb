import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { localFailure } from "./local-failure.js";

/** A device's state folder, and where its files are. What each holds: docs/reference/on-disk-format.md §2. */
export interface DeviceHome {
  readonly path: string;
  readonly device: string;
  readonly token: string;
  readonly links: string;
  readonly limits: string;
  readonly replicaDatabase: string;
  readonly lock: string;
}

/** `TWINFOLD_HOME`, or the platform's place for an application's data. Made, readable by its owner only, when it is not there. */
export async function openDeviceHome(environment: NodeJS.ProcessEnv): Promise<DeviceHome> {
  const path = resolve(environment.TWINFOLD_HOME || (await platformHome()));
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw localFailure(`make the state folder ${path}`, cause);
  }
  return {
    path,
    device: join(path, "device.json"),
    token: join(path, "token"),
    links: join(path, "links.json"),
    limits: join(path, "limits.json"),
    replicaDatabase: join(path, "replica.db"),
    lock: join(path, "lock"),
  };
}

async function platformHome(): Promise<string> {
  const { default: envPaths } = await import("env-paths");
  return envPaths("twinfold", { suffix: "" }).data;
}
