import type { Context } from "../context.js";
import { setPaused } from "./pause.js";

export async function resume(context: Context, dirs: readonly string[]): Promise<void> {
  await setPaused(context, dirs, false);
}
