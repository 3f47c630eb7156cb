import { isTwinfoldError, TwinfoldError } from "@twinfold/core";
import { problemOf, ServerError } from "./server-error.js";

/** Where to, and how. Common to all requests of one client. */
export interface Peer {
  /** Without a trailing slash. */
  readonly url: string;
  readonly fetch: typeof fetch;
  readonly token?: string | undefined;
}

export interface HttpRequest {
  readonly method: "GET" | "POST" | "DELETE";
  /** With the leading slash. */
  readonly path: string;
  readonly body?: Uint8Array | string | undefined;
  readonly contentType?: string | undefined;
  /** What a successful answer with a body must be. */
  readonly answerType: string;
  /** No more of an answer is read than this. */
  readonly maxAnswerBytes: number;
  /** Silence that is given besides the usual: how long the server may hold the request. */
  readonly heldMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Without any byte for so long the connection is given up: a laptop that changed its network would else wait for minutes. */
const PATIENCE_MS = 60_000;
/** A body goes out at this speed at least, in bytes per ms, before patience ends. */
const SLOWEST_UPLOAD = 10;
const MAX_PROBLEM_BYTES = 64 * 1024;

/**
 * Sends one request and yields the pieces of its answer. A consumer that leaves early ends the request.
 *
 * @throws {TwinfoldError} `ERR_UNREACHABLE` when no whole answer came, `ERR_PROTOCOL` when what came is not a Twinfold server's,
 * and what the server says, as a {@link ServerError}. The signal's own reason when it aborts.
 */
export async function* exchange(peer: Peer, request: HttpRequest): AsyncGenerator<Uint8Array, void, undefined> {
  const { signal } = request;
  signal?.throwIfAborted();
  const ending = new AbortController();
  const patience = patienceOf(request, () => ending.abort(new Error("the server stayed silent")));
  const abort = (): void => ending.abort(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  try {
    const response = await peer.fetch(peer.url + request.path, {
      method: request.method,
      headers: headersOf(peer, request),
      ...(request.body === undefined ? {} : { body: request.body }),
      redirect: "manual",
      credentials: "omit",
      signal: ending.signal,
    });
    patience.restart();
    await refuseFailure(peer, request, response, patience.restart);
    yield* pieces(peer, response, request.maxAnswerBytes, patience.restart);
  } catch (cause) {
    signal?.throwIfAborted();
    throw isTwinfoldError(cause) ? cause : unreachable(peer, cause);
  } finally {
    patience.end();
    signal?.removeEventListener("abort", abort);
    ending.abort();
  }
}

/** The whole answer at once. */
export async function exchangeWhole(peer: Peer, request: HttpRequest): Promise<Uint8Array> {
  const received: Uint8Array[] = [];
  for await (const piece of exchange(peer, request)) received.push(piece);
  return joined(received);
}

export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces;
  if (only !== undefined && pieces.length === 1) return only;
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function headersOf(peer: Peer, request: HttpRequest): Record<string, string> {
  return {
    ...(peer.token === undefined ? {} : { authorization: `Bearer ${peer.token}` }),
    ...(request.contentType === undefined ? {} : { "content-type": request.contentType }),
  };
}

async function refuseFailure(peer: Peer, request: HttpRequest, response: Response, onPiece: () => void): Promise<void> {
  if (response.type === "opaqueredirect" || (response.status >= 300 && response.status < 400)) {
    throw new TwinfoldError(
      "ERR_PROTOCOL",
      `${peer.url} answered with a redirect, which is not followed with a secret: use the server's own address`,
    );
  }
  if (!response.ok) {
    const received: Uint8Array[] = [];
    for await (const piece of pieces(peer, response, MAX_PROBLEM_BYTES, onPiece)) received.push(piece);
    const problem = problemOf(response.status, new TextDecoder().decode(joined(received)));
    throw new ServerError(problem, `${peer.url}: ${problem.detail}`);
  }
  const type = response.headers.get("content-type")?.split(";")[0];
  if (response.status !== 204 && type !== request.answerType) {
    throw new TwinfoldError(
      "ERR_PROTOCOL",
      `${peer.url} answered ${type ?? "something unnamed"}: is it a Twinfold server, or does a login page stand between?`,
    );
  }
}

async function* pieces(peer: Peer, response: Response, maxBytes: number, onPiece: () => void): AsyncGenerator<Uint8Array, void, undefined> {
  if (response.body === null) return;
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  let total = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    onPiece();
    total += value.length;
    if (total > maxBytes) throw new TwinfoldError("ERR_PROTOCOL", `${peer.url} answered with more than the ${maxBytes} bytes that are allowed`);
    yield value;
  }
}

function patienceOf(request: HttpRequest, onEnd: () => void): { restart(): void; end(): void } {
  const first = PATIENCE_MS + (request.heldMs ?? 0) + (request.body?.length ?? 0) / SLOWEST_UPLOAD;
  let timer = setTimeout(onEnd, first);
  return {
    restart() {
      clearTimeout(timer);
      timer = setTimeout(onEnd, PATIENCE_MS);
    },
    end: () => clearTimeout(timer),
  };
}

function unreachable(peer: Peer, cause: unknown): TwinfoldError {
  return new TwinfoldError(
    "ERR_UNREACHABLE",
    `cannot reach ${peer.url} (${reasonOf(cause)}): check the address, the network, and that the server runs`,
    { cause },
  );
}

/** fetch says "fetch failed"; its cause says why. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause !== undefined) return reasonOf(error.cause);
  if (error.message === "" && "code" in error) return String(error.code); // an AggregateError of all addresses
  return error.message;
}
