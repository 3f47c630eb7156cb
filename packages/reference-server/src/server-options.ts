import { TwinfoldError } from "@twinfold/core";
import { parseS3Place, type S3BlobPlace } from "./blob-place.js";

export interface ServerOptions {
  /** Where everything is kept; made when absent. */
  readonly dataDir: string;
  /** `HOST:PORT`; port 0 takes any free one. @default "127.0.0.1:4747" */
  readonly listen?: string | undefined;
  /** `s3://BUCKET[/PREFIX][?endpoint=URL&region=NAME&path-style=true|false]`: where the bytes of files are kept. @default a folder in `dataDir` */
  readonly blobs?: string | undefined;
  /** Whether people may make accounts. @default true */
  readonly signUp?: boolean | undefined;
  /** The largest file that is accepted, in bytes. @default 10 GiB */
  readonly maxFileBytes?: number | undefined;
  /** Longest that a long poll is held, in ms. @default 55 s */
  readonly maxWaitMs?: number | undefined;
  /** Failed or repeated sign-ins per minute from one address, and as many for one e-mail address. @default 10 */
  readonly signInsPerMinute?: number | undefined;
  /** Believes a proxy's `X-Forwarded-For`. Only when nothing but a proxy of yours can reach the server. @default false */
  readonly trustProxy?: boolean | undefined;
  /** What is written to `logTo`. @default "warn" */
  readonly logLevel?: LogLevel | undefined;
  /** Receives the log, one JSON object per line. @default standard error */
  readonly logTo?: { write(line: string): void } | undefined;
}

export type LogLevel = (typeof LOG_LEVELS)[number];

/** What {@link ServerOptions} come to once defaults are in and all is checked. */
export interface ResolvedServerOptions {
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  readonly blobs: S3BlobPlace | undefined;
  readonly signUp: boolean;
  readonly maxFileBytes: number;
  readonly maxWaitMs: number;
  readonly signInsPerMinute: number;
  readonly trustProxy: boolean;
  readonly logLevel: LogLevel;
  readonly logTo: { write(line: string): void };
}

/** On this machine only: to serve others is a decision, and wants TLS in front. */
export const DEFAULT_LISTEN = "127.0.0.1:4747";

const GIB = 1024 ** 3;
const LOG_LEVELS = ["silent", "error", "warn", "info", "debug"] as const;

/**
 * Fills in the defaults and checks the whole set once.
 *
 * @throws {TwinfoldError} `ERR_INVALID_ARGUMENT` that names the option.
 */
export function resolveServerOptions(options: ServerOptions): ResolvedServerOptions {
  const { dataDir, listen = DEFAULT_LISTEN, signUp = true, trustProxy = false, logLevel = "warn", logTo = process.stderr } = options;
  if (typeof dataDir !== "string" || dataDir === "") throw invalid("dataDir", "the path of a folder", dataDir);
  if (typeof signUp !== "boolean") throw invalid("signUp", "true or false", signUp);
  if (typeof trustProxy !== "boolean") throw invalid("trustProxy", "true or false", trustProxy);
  if (!LOG_LEVELS.includes(logLevel)) throw invalid("logLevel", `one of ${LOG_LEVELS.join(", ")}`, logLevel);
  return {
    dataDir,
    ...parseListen(listen),
    blobs: options.blobs === undefined ? undefined : parseBlobs(options.blobs),
    signUp,
    maxFileBytes: integer("maxFileBytes", options.maxFileBytes ?? 10 * GIB, 1, 2 ** 43),
    maxWaitMs: integer("maxWaitMs", options.maxWaitMs ?? 55_000, 0, 10 * 60_000),
    signInsPerMinute: integer("signInsPerMinute", options.signInsPerMinute ?? 10, 1, 1_000_000),
    trustProxy,
    logLevel,
    logTo,
  };
}

function parseListen(listen: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s/]+)):(\d{1,5})$/.exec(listen);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535) throw invalid("listen", "HOST:PORT, as in 127.0.0.1:4747 or [::1]:4747", listen);
  return { host, port };
}

/** What is refused is not shown: it may hold keys. */
function parseBlobs(blobs: string): S3BlobPlace {
  const place = typeof blobs === "string" ? parseS3Place(blobs) : undefined;
  if (place !== undefined) return place;
  throw new TwinfoldError(
    "ERR_INVALID_ARGUMENT",
    "the server option blobs must be s3://BUCKET[/PREFIX][?endpoint=URL&region=NAME&path-style=true|false]; keys come from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)",
  );
}

function integer(name: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) throw invalid(name, `a whole number from ${min} to ${max}`, value);
  return value;
}

function invalid(name: string, wanted: string, got: unknown): TwinfoldError {
  return new TwinfoldError("ERR_INVALID_ARGUMENT", `the server option ${name} must be ${wanted}, got ${JSON.stringify(got)}`);
}
