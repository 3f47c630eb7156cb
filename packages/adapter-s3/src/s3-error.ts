import { isTwinfoldError, TwinfoldError, type TwinfoldErrorCode } from "@twinfold/core";

type Answer = readonly [TwinfoldErrorCode, string];

const KEYS = "check the keys (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile), and that they are this server's";
const POLICY =
  "these keys may not do that: allow s3:GetObject, s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload, s3:ListMultipartUploadParts and s3:ListBucket";
const REGION = "the bucket is in another region: name its region";
const FULL = "the store is full or its quota is used up: make room and try again";
const BUSY = "the server is overloaded or failing: try again later";
const DAMAGED = "the bytes were damaged on their way: try again";

/** By S3's own codes, which are the same on every server that speaks its language. */
const BY_NAME: Readonly<Record<string, Answer>> = {
  NoSuchBucket: ["ERR_STORE_FAILED", "there is no such bucket: create it, or name another"],
  InvalidBucketName: ["ERR_STORE_FAILED", "that is not a bucket's name: name another"],
  PermanentRedirect: ["ERR_STORE_FAILED", REGION],
  AuthorizationHeaderMalformed: ["ERR_STORE_FAILED", REGION],
  IllegalLocationConstraintException: ["ERR_STORE_FAILED", REGION],
  InvalidAccessKeyId: ["ERR_PERMISSION_DENIED", `the server does not know the access key: ${KEYS}`],
  SignatureDoesNotMatch: ["ERR_PERMISSION_DENIED", `the secret key is not the access key's: ${KEYS}`],
  ExpiredToken: ["ERR_PERMISSION_DENIED", "the session token has expired: get a new one"],
  InvalidToken: ["ERR_PERMISSION_DENIED", `the session token is not valid: ${KEYS}`],
  CredentialsProviderError: ["ERR_PERMISSION_DENIED", `no keys were found: ${KEYS}`],
  RequestTimeTooSkewed: ["ERR_PERMISSION_DENIED", "the clocks of this machine and the server differ by too much: set them right"],
  QuotaExceeded: ["ERR_NO_SPACE", FULL],
  InsufficientStorage: ["ERR_NO_SPACE", FULL],
  XMinioStorageFull: ["ERR_NO_SPACE", FULL],
  SlowDown: ["ERR_STORE_UNAVAILABLE", BUSY],
  RequestTimeout: ["ERR_STORE_UNAVAILABLE", BUSY],
  InternalError: ["ERR_STORE_UNAVAILABLE", BUSY],
  BadDigest: ["ERR_STORE_UNAVAILABLE", DAMAGED],
  XAmzContentSHA256Mismatch: ["ERR_STORE_UNAVAILABLE", DAMAGED],
  TimeoutError: ["ERR_STORE_UNAVAILABLE", "the server did not answer in time: check the network and the server, and try again"],
};

/** S3's code of a refusal, such as `NoSuchKey`; `undefined` for what no server answered. */
export function s3Code(error: unknown): string | undefined {
  return error instanceof Error && statusOf(error) !== undefined ? error.name : undefined;
}

/** What failed while `doing` something ("write the blob x in s3://…"), in the codes of BlobStore. An error of ours passes as it is. */
export function s3Error(doing: string, error: unknown): unknown {
  if (isTwinfoldError(error) || !(error instanceof Error)) return error;
  const [code, advice] = BY_NAME[error.name] ?? byStatus(statusOf(error), error.name) ?? byConnection(error);
  return new TwinfoldError(code, `cannot ${doing}: ${advice}`, { cause: withoutRequest(error) });
}

function byStatus(status: number | undefined, name: string): Answer | undefined {
  if (status === undefined) return undefined;
  if (status === 401 || status === 403) return ["ERR_PERMISSION_DENIED", name === "AccessDenied" ? POLICY : `the server refuses: ${KEYS}`];
  if (status === 301 || status === 307) return ["ERR_STORE_FAILED", REGION];
  if (status === 507) return ["ERR_NO_SPACE", FULL];
  if (status >= 500 || status === 429 || status === 408) return ["ERR_STORE_UNAVAILABLE", BUSY];
  return ["ERR_STORE_FAILED", `the server answered ${status} ${name}: check the endpoint, the bucket and the server's log`];
}

function byConnection(error: Error): Answer {
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  if (code === undefined) return ["ERR_STORE_FAILED", `${error.message}: check the settings of the store`];
  if (/CERT|TLS|SSL|EPROTO/.test(code)) {
    return ["ERR_STORE_FAILED", `no safe connection to the server (${code}): check the endpoint and the server's certificate`];
  }
  return ["ERR_STORE_UNAVAILABLE", `the server cannot be reached (${code}): check the endpoint, the network and the server, and try again`];
}

/** A server's error without what it repeats of the request, where a session token may be. */
function withoutRequest(error: Error): Error {
  const status = statusOf(error);
  if (status === undefined) return error;
  const { requestId } = ("$metadata" in error ? error.$metadata : {}) as { readonly requestId?: string | undefined };
  const plain = new Error(`${error.message} (${[error.name, `HTTP ${status}`, requestId].filter(Boolean).join(", ")})`);
  plain.name = error.name;
  return plain;
}

function statusOf(error: Error): number | undefined {
  const { $metadata, $response } = error as {
    readonly $metadata?: { readonly httpStatusCode?: number };
    readonly $response?: { readonly statusCode?: number };
  };
  return $metadata?.httpStatusCode ?? $response?.statusCode;
}
