import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { isTwinfoldError, TwinfoldError } from "@twinfold/core";
import { createServer, resolveServerOptions, type ServerOptions } from "@twinfold/reference-server";
import envPaths from "env-paths";
import type { Context } from "../context.js";
import { parseObject } from "../device/json-file.js";
import { localFailure } from "../device/local-failure.js";

export interface ServeOptions {
  readonly data?: string | undefined;
  readonly listen?: string | undefined;
  readonly blobs?: string | undefined;
  readonly config?: string | undefined;
  readonly printConfig?: boolean | undefined;
}

export async function serve({ output, signal }: Context, options: ServeOptions): Promise<void> {
  const serverOptions = await mergedOptions(options);
  const { logTo: _logTo, ...settings } = checkedOptions(serverOptions);
  if (options.printConfig === true) {
    output.answer(settings, JSON.stringify(settings, undefined, 2));
    return;
  }
  const server = await createServer(serverOptions);
  try {
    output.answer({ url: server.url }, server.url);
    if (!signal.aborted) await new Promise((stopped) => signal.addEventListener("abort", stopped, { once: true }));
  } finally {
    await server.close();
  }
}

/** The command line goes before the file, the file before the defaults. */
async function mergedOptions({ data, listen, blobs, config }: ServeOptions): Promise<ServerOptions> {
  const fromFile = config === undefined ? {} : await readConfig(resolve(config));
  return {
    dataDir: envPaths("twinfold-server", { suffix: "" }).data,
    ...fromFile,
    ...(data === undefined ? {} : { dataDir: resolve(data) }),
    ...(listen === undefined ? {} : { listen }),
    ...(blobs === undefined ? {} : { blobs }),
  };
}

/** What a config file may hold: the server's options by their names, as JSON. */
const CONFIG_NAMES = Object.keys({
  dataDir: true,
  listen: true,
  blobs: true,
  signUp: true,
  maxFileBytes: true,
  maxWaitMs: true,
  signInsPerMinute: true,
  trustProxy: true,
  logLevel: true,
} satisfies Record<Exclude<keyof ServerOptions, "logTo">, true>);

async function readConfig(path: string): Promise<Partial<ServerOptions>> {
  const fields = parseObject(await readText(path));
  if (fields === undefined) throw new TwinfoldError("ERR_USAGE", `the config file ${path} is not a JSON object`);
  const unknown = Object.keys(fields).find((name) => !CONFIG_NAMES.includes(name));
  if (unknown !== undefined) {
    throw new TwinfoldError("ERR_USAGE", `the config file ${path} names ${JSON.stringify(unknown)}: it may name ${CONFIG_NAMES.join(", ")}`);
  }
  const { dataDir } = fields;
  // The server checks every value itself.
  return (typeof dataDir === "string" ? { ...fields, dataDir: resolve(dirname(path), dataDir) } : fields) as Partial<ServerOptions>;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw localFailure(`read the config file ${path}`, cause);
  }
}

function checkedOptions(options: ServerOptions): ReturnType<typeof resolveServerOptions> {
  try {
    return resolveServerOptions(options);
  } catch (cause) {
    if (isTwinfoldError(cause) && cause.code === "ERR_INVALID_ARGUMENT") throw new TwinfoldError("ERR_USAGE", cause.message, { cause });
    throw cause;
  }
}
