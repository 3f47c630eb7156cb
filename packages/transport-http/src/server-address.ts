import { TwinfoldError } from "@twinfold/core";

/**
 * Checks a server's address and gives it without a trailing slash.
 *
 * @throws {TwinfoldError} `ERR_INVALID_ARGUMENT` when it is not one, or when secrets would cross a network unencrypted and `insecure` is not set.
 */
export function parseServerAddress(text: string, insecure: boolean): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:") || url.username !== "" || url.search !== "" || url.hash !== "") {
    throw new TwinfoldError(
      "ERR_INVALID_ARGUMENT",
      `a server's address begins with https:// or http:// and holds no user name, query or fragment, got ${JSON.stringify(text)}`,
    );
  }
  if (url.protocol === "http:" && !isLoopback(url.hostname) && !insecure) {
    throw new TwinfoldError(
      "ERR_INVALID_ARGUMENT",
      `secrets would go to ${url.host} unencrypted: use https://, or say insecure: true if you accept that`,
    );
  }
  return url.href.replace(/\/+$/, "");
}

/** This machine itself: what goes there crosses no network. */
function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}
