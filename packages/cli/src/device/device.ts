import type { Env } from "@twinfold/core";
import type { DeviceHome } from "./home.js";

/** This device: its state folder, and the machine that it is on. */
export interface Device {
  readonly home: DeviceHome;
  readonly env: Env;
}
