import type { Device } from "./device/device.js";
import type { Output } from "./output/output.js";

/** 0: done. 1: a failure that was explained, or folders that do not agree yet. */
export type ExitCode = 0 | 1;

/** What a command is given besides its arguments. */
export interface Context {
  readonly output: Output;
  /** Aborts when the person or the system wants the command to stop. */
  readonly signal: AbortSignal;
  readonly stdin: NodeJS.ReadStream;
  readonly stderr: NodeJS.WriteStream;
  /** The state folder of this device; made when it is not there. */
  device(): Promise<Device>;
}
