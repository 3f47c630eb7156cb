const TWINFOLD_ERROR = Symbol.for("@twinfold/core/TwinfoldError");

/** Every code the library throws. Adding one is a minor change; renaming one is major. */
export type TwinfoldErrorCode =
  | "ERR_INVALID_ARGUMENT"
  | "ERR_INVALID_NAME"
  | "ERR_CLOSED"
  | "ERR_IN_USE"
  | "ERR_PORT_IN_USE"
  | "ERR_NOT_FOUND"
  | "ERR_CHUNK_NOT_FOUND"
  | "ERR_INTEGRITY"
  | "ERR_STORE_UNAVAILABLE"
  | "ERR_STORE_FAILED"
  | "ERR_NO_SPACE"
  | "ERR_UNAUTHENTICATED"
  | "ERR_PERMISSION_DENIED"
  | "ERR_ALREADY_EXISTS"
  | "ERR_TOO_LARGE"
  | "ERR_RATE_LIMITED"
  | "ERR_PROTOCOL"
  | "ERR_UNREACHABLE"
  | "ERR_SERVER_FAILED"
  | "ERR_ROOT_MISSING"
  | "ERR_ROOT_UNREADABLE"
  | "ERR_ROOT_FOREIGN"
  | "ERR_ROOT_EMPTIED"
  | "ERR_ALREADY_LINKED"
  | "ERR_NESTED_LINK"
  | "ERR_LOCAL_CHANGED"
  | "ERR_LOCAL_FAILED"
  | "ERR_NEWER_FORMAT"
  | "ERR_USAGE";

const RETRYABLE: ReadonlySet<TwinfoldErrorCode> = new Set([
  "ERR_STORE_UNAVAILABLE",
  "ERR_UNREACHABLE",
  "ERR_SERVER_FAILED",
  "ERR_RATE_LIMITED",
  "ERR_LOCAL_CHANGED",
]);

/**
 * Base class of every error this library creates.
 *
 * Match on `code`, not on `instanceof`: two copies of the package in one
 * program have two classes, but the same codes.
 */
export class TwinfoldError extends Error {
  override readonly name: string = "TwinfoldError";
  readonly code: TwinfoldErrorCode;
  readonly [TWINFOLD_ERROR] = true;

  constructor(code: TwinfoldErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** True when the same call may succeed later without any change by the caller. */
  get retryable(): boolean {
    return RETRYABLE.has(this.code);
  }
}

export function isTwinfoldError(error: unknown): error is TwinfoldError {
  return typeof error === "object" && error !== null && TWINFOLD_ERROR in error;
}
