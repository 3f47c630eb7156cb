import { isTwinfoldError, TwinfoldError, type TwinfoldErrorCode } from "@twinfold/core";

const CODES: Readonly<Record<string, TwinfoldErrorCode>> = {
  EACCES: "ERR_PERMISSION_DENIED",
  EPERM: "ERR_PERMISSION_DENIED",
  EROFS: "ERR_PERMISSION_DENIED",
  ENOSPC: "ERR_NO_SPACE",
  EDQUOT: "ERR_NO_SPACE",
};

/** The disk's refusal as a `TwinfoldError` that says what was being done; one that is a `TwinfoldError` already stays as it is. */
export function localFailure(doing: string, cause: unknown): TwinfoldError {
  if (isTwinfoldError(cause)) return cause;
  const code = errnoOf(cause);
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new TwinfoldError((code !== undefined && CODES[code]) || "ERR_LOCAL_FAILED", `cannot ${doing}: ${reason}`, { cause });
}

/** `ENOENT` and its like, when `error` is one of Node's system errors. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
