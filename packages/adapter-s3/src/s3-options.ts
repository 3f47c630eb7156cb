import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import { TwinfoldError } from "@twinfold/core";

export interface S3BlobStoreOptions {
  /** It must exist: the store never makes a bucket. */
  readonly bucket: string;
  /** Blobs are the objects below `prefix/`; other stores may have other prefixes of one bucket. @default the whole bucket */
  readonly prefix?: string | undefined;
  /** @default what the environment or `~/.aws/config` says; `us-east-1` when there is an `endpoint` */
  readonly region?: string | undefined;
  /** `http(s)://HOST[:PORT]` of a server that is not Amazon's. */
  readonly endpoint?: string | undefined;
  /** Puts the bucket into the path of requests instead of the host's name. @default true when there is an `endpoint` */
  readonly forcePathStyle?: boolean | undefined;
  /** @default what the environment, `~/.aws/credentials` or the machine's role says */
  readonly credentials?: S3ClientConfig["credentials"] | undefined;
  /** A client with settings of its own. All options of the connection are its; the store does not close it. */
  readonly client?: S3Client | undefined;
  /** How often one request is sent before its failure is reported; the SDK waits longer before each. @default 4 */
  readonly maxAttempts?: number | undefined;
  /** A connection on which nothing moves for so long is given up, in ms. @default 30 s */
  readonly idleTimeoutMs?: number | undefined;
  /** A blob of more than two parts goes up in parts of this size, four at a time. @default 8 MiB */
  readonly partBytes?: number | undefined;
}

/** What the store works with once defaults are in and all is checked. */
export interface S3Place {
  readonly client: S3Client;
  readonly ownsClient: boolean;
  readonly bucket: string;
  /** Empty, or ends with a slash. */
  readonly keyPrefix: string;
  readonly partBytes: number;
  /** For messages: `s3://bucket/prefix at http://…`. Holds no secret. */
  readonly label: string;
}

const MIB = 1024 * 1024;
const CONNECT_TIMEOUT_MS = 10_000;
/** S3 refuses smaller parts, but for the last. Source: Amazon S3 multipart upload limits. */
const MIN_PART_BYTES = 5 * MIB;
const MAX_PART_BYTES = 1024 * MIB;

/** @throws {TwinfoldError} `ERR_INVALID_ARGUMENT` that names the option. */
export function resolveS3Options(options: S3BlobStoreOptions): S3Place {
  const { bucket, endpoint, client, prefix = "", partBytes = 8 * MIB, maxAttempts = 4, idleTimeoutMs = 30_000 } = options;
  if (!/^[A-Za-z0-9][A-Za-z0-9._:-]*$/.test(bucket)) throw invalid("bucket", "the name of a bucket", bucket);
  if (!/^([\w-][\w.-]*(\/[\w-][\w.-]*)*)?$/.test(prefix)) {
    throw invalid("prefix", "names of letters, digits and . _ - with a slash between two, none starting with a dot", prefix);
  }
  if (endpoint !== undefined && !isEndpoint(endpoint)) throw invalid("endpoint", "http(s)://HOST[:PORT] and nothing more");
  checkInteger("partBytes", partBytes, MIN_PART_BYTES, MAX_PART_BYTES);
  checkInteger("maxAttempts", maxAttempts, 1, 20);
  checkInteger("idleTimeoutMs", idleTimeoutMs, 1, 3_600_000);
  const place = `s3://${bucket}${prefix === "" ? "" : `/${prefix}`}`;
  return {
    client: client ?? new S3Client(clientConfig(options, maxAttempts, idleTimeoutMs)),
    ownsClient: client === undefined,
    bucket,
    keyPrefix: prefix === "" ? "" : `${prefix}/`,
    partBytes,
    label: endpoint === undefined ? place : `${place} at ${endpoint}`,
  };
}

function clientConfig(options: S3BlobStoreOptions, maxAttempts: number, idleTimeoutMs: number): S3ClientConfig {
  const { endpoint, credentials, forcePathStyle = endpoint !== undefined } = options;
  const region = options.region ?? process.env.AWS_REGION ?? (endpoint === undefined ? undefined : "us-east-1");
  return {
    maxAttempts,
    forcePathStyle,
    // The signature covers the SHA-256 of every body. The SDK's own checksums come as trailers, which older servers take for content.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, socketTimeout: idleTimeoutMs },
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
  };
}

/** Neither user nor password may be in it: it is shown in messages. */
function isEndpoint(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, pathname, search, hash } = new URL(text);
  return (protocol === "http:" || protocol === "https:") && username === "" && password === "" && pathname === "/" && search === "" && hash === "";
}

function checkInteger(name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) throw invalid(name, `a whole number from ${min} to ${max}`, value);
}

function invalid(name: string, wanted: string, got?: unknown): TwinfoldError {
  const shown = got === undefined ? "" : `, got ${JSON.stringify(got)}`;
  return new TwinfoldError("ERR_INVALID_ARGUMENT", `the option ${name} of an S3 blob store must be ${wanted}${shown}`);
}
