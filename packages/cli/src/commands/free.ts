import { resolve } from "node:path";
import type { Context } from "../context.js";
import { request } from "../daemon/host.js";
import { formatBytes, formatCount } from "../output/format.js";
import { printable } from "../output/table.js";

export async function free({ device, output, signal }: Context, path: string): Promise<void> {
  const freed = await request(await device(), "free", { path: resolve(path) }, { signal });
  output.answer(
    { path: resolve(path), ...freed },
    `${formatBytes(freed.bytes)} freed: ${formatCount(freed.files, "file")} at ${printable(path)} left this device for the server alone. \`twinfold get\` brings back what is needed.`,
  );
}
