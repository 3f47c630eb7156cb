import { isTwinfoldError, TwinfoldError, type TwinfoldErrorCode } from "@twinfold/core";

/** What the browser's errors mean, by name, and what a person can do. Source: W3C Indexed Database API 3.0, 3; WHATWG Storage. */
const MEANINGS: Readonly<Record<string, readonly [TwinfoldErrorCode, string]>> = {
  QuotaExceededError: ["ERR_NO_SPACE", "the browser gives this site no more space; free some on the disk, or delete data of this site"],
  VersionError: ["ERR_NEWER_FORMAT", "a newer version of this app has written it; reload the page to get that version"],
  SecurityError: ["ERR_PERMISSION_DENIED", "the browser does not let this page store data; allow it in the site's settings"],
  TimeoutError: ["ERR_STORE_UNAVAILABLE", "the browser took too long; try again"],
};

/** A failure of IndexedDB as an error of the contract; one that is a TwinfoldError already is left as it is. */
export function asStoreError(error: unknown, doing: string): unknown {
  if (isTwinfoldError(error)) return error;
  const { name, message } = error instanceof Error ? error : { name: "", message: String(error) };
  const [code, meaning] = MEANINGS[name] ?? ["ERR_STORE_FAILED", message || name];
  return new TwinfoldError(code, `${doing}: ${meaning}`, { cause: error });
}
