/** One HTTP request on its way out. */
export interface OutgoingRequest {
  readonly method: "GET" | "POST" | "DELETE";
  /** Absolute. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Pieces that are sent one after the other and must not change meanwhile; no pieces are an empty body. */
  readonly body?: readonly Uint8Array[] | undefined;
  /** Which way chunks go. Where a bandwidth is limited they leave room for messages, which name none. */
  readonly bulk?: "up" | "down" | undefined;
  /** Nothing is done twice by it: it may be sent again when the server had closed the connection that was kept for it. */
  readonly repeatable: boolean;
  /** Ends the request at any time, also while the answer is read. */
  readonly signal: AbortSignal;
  /** Called when it goes out, and whenever a limit lets more of it go: what is silent until then is not the server. */
  readonly onSending: () => void;
}

export interface IncomingResponse {
  /** Of a redirect, where the platform hides it, any from 300 to 399. */
  readonly status: number;
  readonly contentType: string | undefined;
  /** The pieces as they come, none changed later. To be read once; a reader that leaves early, or never comes, ends the request by its signal. */
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Sends HTTP requests. It follows no redirect, sends no cookies and translates no error: what it rejects with, or the body throws, is the
 * platform's own, and says why no answer came.
 */
export interface HttpClient {
  send(request: OutgoingRequest): Promise<IncomingResponse>;
}
