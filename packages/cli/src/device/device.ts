import { createNodeEnv } from "@twinfold/adapter-fs";
import type { Env } from "@twinfold/core";
import { type DeviceHome, openDeviceHome } from "./home.js";

/** This device: its state folder, and the machine that it is on. */
export interface Device {
  readonly home: DeviceHome;
  readonly env: Env;
}

export async function openDevice(environment: NodeJS.ProcessEnv): Promise<Device> {
  return { home: await openDeviceHome(environment), env: createNodeEnv() };
}
