import type { Context } from "../context.js";
import { request } from "../daemon/host.js";
import { formatRate, parseChange } from "../network/limits.js";

export interface LimitsOptions {
  readonly up?: string | undefined;
  readonly down?: string | undefined;
}

/** Shows the limits, after changing those that are named. */
export async function limits({ device, output, signal }: Context, { up, down }: LimitsOptions): Promise<void> {
  const kept = await request(await device(), "limits", parseChange(up, down) ?? {}, { signal });
  output.answer(kept, `up    ${formatRate(kept.up)}\ndown  ${formatRate(kept.down)}`);
}
