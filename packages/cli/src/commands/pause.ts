import { resolve } from "node:path";
import type { Context } from "../context.js";
import { request } from "../daemon/host.js";

export async function pause(context: Context, dirs: readonly string[]): Promise<void> {
  await setPaused(context, dirs, true);
}

/** `pause` and `resume` are one request with two answers. */
export async function setPaused({ device, output, signal }: Context, dirs: readonly string[], paused: boolean): Promise<void> {
  const links = await request(await device(), "setPaused", { dirs: dirs.map((dir) => resolve(dir)), paused }, { signal });
  output.answer({ paused, links }, links.map(({ path }) => `${path} is ${paused ? "paused" : "followed again"}.`).join("\n"));
}
