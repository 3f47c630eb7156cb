import { existsSync } from "node:fs";
import { resolve as absolute } from "node:path";
import { TwinfoldError } from "@twinfold/core";
import type { Context, ExitCode } from "../context.js";
import { request } from "../daemon/host.js";
import type { Keep } from "../daemon/requests.js";
import { butNotInSync, syncDocument } from "../output/sync-report.js";
import { printable } from "../output/table.js";

export interface ResolveOptions {
  /** `mine`, `theirs`, `both`, or the path of a file. */
  readonly keep: string;
}

export async function resolve({ device, output, signal }: Context, path: string, options: ResolveOptions): Promise<ExitCode> {
  const { kept, sync } = await request(await device(), "resolve", { path: absolute(path), keep: parseKeep(options.keep) }, { signal });
  const givenUp = options.keep === "both" ? "" : "; what was given up is in the trash";
  output.answer(
    { path: absolute(path), kept, sync: syncDocument(sync) },
    `Kept ${kept.map(printable).join(" and ")}${givenUp}${butNotInSync(sync)}.`,
  );
  return sync.inSync ? 0 : 1;
}

/** A file that has one of the three names is given as `./mine`. */
function parseKeep(text: string): Keep {
  if (text === "mine" || text === "theirs" || text === "both") return text;
  if (existsSync(text)) return { file: absolute(text) };
  throw new TwinfoldError("ERR_NOT_FOUND", `--keep takes mine, theirs, both, or a file: there is no file ${absolute(text)}`);
}
