import { resolve } from "node:path";
import type { Context } from "../context.js";
import { request } from "../daemon/host.js";

export async function unlink({ device, output, signal }: Context, dir: string): Promise<void> {
  const unlinked = await request(await device(), "unlink", { dir: resolve(dir) }, { signal });
  output.answer(unlinked, `${unlinked.path} is not linked any more. Its files, and those of the workspace ${unlinked.workspace}, stay as they are.`);
}
