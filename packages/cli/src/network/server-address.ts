import { TwinfoldError } from "@twinfold/core";

/**
 * The server's address, without a trailing slash.
 *
 * @throws {TwinfoldError} `ERR_USAGE` when it is not one, or when a password would go to another machine unencrypted and nobody allowed that.
 */
export function parseServerAddress(text: string, options: { readonly insecure: boolean }): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new TwinfoldError("ERR_USAGE", `the server's address must begin with https:// or http://, got ${JSON.stringify(text)}`);
  }
  if (url.username !== "" || url.search !== "" || url.hash !== "") {
    throw new TwinfoldError("ERR_USAGE", "the server's address may not hold a user name, a query or a fragment");
  }
  if (url.protocol === "http:" && !isLoopback(url.hostname) && !options.insecure) {
    throw new TwinfoldError("ERR_USAGE", `${url.host} would be sent the password unencrypted: use https://, or --insecure if you accept that`);
  }
  return url.href.replace(/\/+$/, "");
}

/** This machine itself: what goes there crosses no network. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}
