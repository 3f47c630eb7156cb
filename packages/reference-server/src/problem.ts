import { STATUS_CODES } from "node:http";
import { isTwinfoldError, TwinfoldError, type TwinfoldErrorCode } from "@twinfold/core";
import type { FastifyError } from "fastify";

/** An RFC 9457 problem document. `code` is stable; `detail` is for people. */
export interface ProblemDocument {
  readonly title: string;
  readonly status: number;
  readonly code: TwinfoldErrorCode;
  readonly detail: string;
  readonly workspaceId?: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
}

export const PROBLEM_TYPE = "application/problem+json";

/** The status of each code that a request can end with. Any other code is a failure of the server: 500. */
const STATUS: Readonly<Partial<Record<TwinfoldErrorCode, number>>> = {
  ERR_INVALID_ARGUMENT: 400,
  ERR_INVALID_NAME: 400,
  ERR_PROTOCOL: 400,
  ERR_UNAUTHENTICATED: 401,
  ERR_PERMISSION_DENIED: 403,
  ERR_NOT_FOUND: 404,
  ERR_CHUNK_NOT_FOUND: 404,
  ERR_ALREADY_EXISTS: 409,
  ERR_TOO_LARGE: 413,
  ERR_INTEGRITY: 422,
  ERR_RATE_LIMITED: 429,
  ERR_SERVER_FAILED: 500,
  ERR_STORE_UNAVAILABLE: 503,
  ERR_CLOSED: 503,
  ERR_NO_SPACE: 507,
};

/** What an error of the server's own may say to strangers: its message could name files of the server. */
const OWN_FAILURES: Readonly<Partial<Record<TwinfoldErrorCode, string>>> = {
  ERR_STORE_UNAVAILABLE: "the server's storage does not answer just now: try again later",
  ERR_CLOSED: "the server is being stopped: try again later",
  ERR_NO_SPACE: "the server has no room left, and keeps all that it has confirmed: its operator must make room",
};
const SERVER_FAILED = "the server failed at this request, and has logged why: try again later";

/** A refusal with more to say than its code. */
export class Refusal extends TwinfoldError {
  override readonly name = "Refusal";
  readonly more: Pick<ProblemDocument, "workspaceId" | "retryAfterSeconds">;

  constructor(code: TwinfoldErrorCode, message: string, more: Pick<ProblemDocument, "workspaceId" | "retryAfterSeconds">) {
    super(code, message);
    this.more = more;
  }
}

/** The answer to a request that ended with `error`. Inner failures are not told. */
export function problemFor(error: unknown): ProblemDocument {
  if (!isTwinfoldError(error)) return frameworkProblem(error);
  const status = STATUS[error.code] ?? 500;
  if (status < 500) return problem(status, error.code, error.message, error instanceof Refusal ? error.more : {});
  const detail = OWN_FAILURES[error.code];
  return problem(status, detail === undefined ? "ERR_SERVER_FAILED" : error.code, detail ?? SERVER_FAILED);
}

export function problem(
  status: number,
  code: TwinfoldErrorCode,
  detail: string,
  more: Pick<ProblemDocument, "workspaceId" | "retryAfterSeconds"> = {},
): ProblemDocument {
  return { title: STATUS_CODES[status] ?? "Error", status, code, detail, ...more };
}

/** Fastify's own refusals: a body that is no JSON, is too large, or breaks the schema. */
function frameworkProblem(error: unknown): ProblemDocument {
  const { statusCode, validation, message } = error as Partial<FastifyError>;
  if (validation !== undefined) return problem(400, "ERR_INVALID_ARGUMENT", message ?? "the request breaks its schema");
  switch (statusCode) {
    case 400:
      return problem(400, "ERR_INVALID_ARGUMENT", "the request is not understood: its body must be what /openapi.json says");
    case 413:
      return problem(413, "ERR_TOO_LARGE", "the body is larger than this route allows");
    case 415:
      return problem(415, "ERR_INVALID_ARGUMENT", "the content type is not one that this route takes");
    default:
      return problem(500, "ERR_SERVER_FAILED", SERVER_FAILED);
  }
}
