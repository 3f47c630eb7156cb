import { TwinfoldError, type TwinfoldErrorCode } from "@twinfold/core";

/** An RFC 9457 problem document, as a Twinfold server answers it. */
export interface Problem {
  readonly status: number;
  readonly code: TwinfoldErrorCode;
  readonly detail: string;
  /** Of the workspace that has the name already, with `ERR_ALREADY_EXISTS`. */
  readonly workspaceId?: string | undefined;
  /** After how many seconds to try again, with `ERR_RATE_LIMITED`. */
  readonly retryAfterSeconds?: number | undefined;
}

/** What a server answered instead of what was asked for. */
export class ServerError extends TwinfoldError {
  override readonly name = "ServerError";
  readonly problem: Problem;

  constructor(problem: Problem, message: string) {
    super(problem.code, message);
    this.problem = problem;
  }
}

/** Codes that a server may name. A newer server's unknown code is taken for what its status says. */
const SERVER_CODES: ReadonlySet<string> = new Set<TwinfoldErrorCode>([
  "ERR_ALREADY_EXISTS",
  "ERR_CHUNK_NOT_FOUND",
  "ERR_CLOSED",
  "ERR_INTEGRITY",
  "ERR_INVALID_ARGUMENT",
  "ERR_INVALID_NAME",
  "ERR_NEWER_FORMAT",
  "ERR_NO_SPACE",
  "ERR_NOT_FOUND",
  "ERR_PERMISSION_DENIED",
  "ERR_PROTOCOL",
  "ERR_RATE_LIMITED",
  "ERR_SERVER_FAILED",
  "ERR_STORE_FAILED",
  "ERR_STORE_UNAVAILABLE",
  "ERR_TOO_LARGE",
  "ERR_UNAUTHENTICATED",
]);

const CODE_BY_STATUS: ReadonlyMap<number, TwinfoldErrorCode> = new Map([
  [401, "ERR_UNAUTHENTICATED"],
  [403, "ERR_PERMISSION_DENIED"],
  [404, "ERR_NOT_FOUND"],
  [409, "ERR_ALREADY_EXISTS"],
  [413, "ERR_TOO_LARGE"],
  [429, "ERR_RATE_LIMITED"],
  [507, "ERR_NO_SPACE"],
]);

/** The problem that a failed answer stands for; also when a proxy answered it, which knows no problem documents. */
export function problemOf(status: number, body: string): Problem {
  const document = parseObject(body);
  const { code, detail, workspaceId, retryAfterSeconds } = document;
  return {
    status,
    code: isServerCode(code) ? code : (CODE_BY_STATUS.get(status) ?? (status >= 500 ? "ERR_SERVER_FAILED" : "ERR_PROTOCOL")),
    detail: typeof detail === "string" ? detail : `the server answered with status ${status}`,
    ...(typeof workspaceId === "string" ? { workspaceId } : {}),
    ...(typeof retryAfterSeconds === "number" ? { retryAfterSeconds } : {}),
  };
}

function isServerCode(code: unknown): code is TwinfoldErrorCode {
  return typeof code === "string" && SERVER_CODES.has(code);
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
