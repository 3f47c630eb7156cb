import { isTwinfoldError, TwinfoldError, type TwinfoldErrorCode } from "@twinfold/core";

/** The `code` of an error of the disk, such as `ENOENT`. */
export function diskCode(error: unknown): string | undefined {
  if (isTwinfoldError(error) || !(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** True when there is nothing at the path, or no directory on the way to it. */
export function isAbsent(error: unknown): boolean {
  const code = diskCode(error);
  return code === "ENOENT" || code === "ENOTDIR";
}

const ADVICE: Readonly<Record<string, readonly [TwinfoldErrorCode, string]>> = {
  ENOSPC: ["ERR_NO_SPACE", "the disk is full: make room and try again"],
  EDQUOT: ["ERR_NO_SPACE", "the disk quota is used up: make room and try again"],
  EACCES: ["ERR_PERMISSION_DENIED", "permission was denied: check the owner and mode of the file and its folder"],
  EPERM: ["ERR_PERMISSION_DENIED", "the system does not allow it: check whether the file is locked or immutable"],
  EROFS: ["ERR_PERMISSION_DENIED", "the disk is read-only"],
  ENAMETOOLONG: ["ERR_LOCAL_FAILED", "the name or path is too long for this disk"],
};

/** What failed while `doing` something ("write the file x"), in the words and codes of LocalTree. An error of ours passes as it is. */
export function localError(doing: string, error: unknown): unknown {
  return translated(doing, error, "ERR_LOCAL_FAILED");
}

/** Errors that may be gone at the next try: too many files are open, or a network disk does not answer. */
const TRANSIENT: ReadonlySet<string> = new Set(["EMFILE", "ENFILE", "EAGAIN", "EBUSY", "ETIMEDOUT", "ESTALE"]);

/** The same in the codes of BlobStore. */
export function storeError(doing: string, error: unknown): unknown {
  return translated(doing, error, TRANSIENT.has(diskCode(error) ?? "") ? "ERR_STORE_UNAVAILABLE" : "ERR_STORE_FAILED");
}

function translated(doing: string, cause: unknown, fallback: TwinfoldErrorCode): unknown {
  const code = diskCode(cause);
  if (code === undefined) return cause;
  const [ours, advice] = ADVICE[code] ?? [fallback, `the disk answered ${code}: check the disk and try again`];
  return new TwinfoldError(ours === "ERR_LOCAL_FAILED" ? fallback : ours, `cannot ${doing}: ${advice}`, { cause });
}
