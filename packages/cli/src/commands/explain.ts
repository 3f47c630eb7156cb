import { resolve } from "node:path";
import type { Context } from "../context.js";
import { request } from "../daemon/host.js";
import { printable } from "../output/table.js";

export async function explain({ device, output, signal }: Context, path: string): Promise<void> {
  const answer = await request(await device(), "explain", { path: resolve(path) }, { signal });
  output.answer(answer, printable(answer.explanation));
}
