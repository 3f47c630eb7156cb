import { isTwinfoldError, TwinfoldError } from "@twinfold/core";
import type { IncomingResponse, OutgoingRequest } from "./http-client.js";
import { joined } from "./joined.js";
import type { Peer } from "./peer.js";
import { problemOf, ServerError } from "./server-error.js";

export interface HttpRequest extends Pick<OutgoingRequest, "method" | "body" | "bulk" | "repeatable"> {
  /** With the leading slash. */
  readonly path: string;
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
  const { method, body, bulk, repeatable, signal } = request;
  signal?.throwIfAborted();
  const ending = new AbortController();
  const patience = patienceOf(request, () => ending.abort(new Error("the server stayed silent")));
  const abort = (): void => ending.abort(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  try {
    const url = peer.url + request.path;
    const headers = headersOf(peer, request);
    const response = await peer.client.send({
      method,
      url,
      headers,
      body,
      bulk,
      repeatable,
      signal: ending.signal,
      onSending: patience.beforeAnswer,
    });
    patience.restart();
    await refuseFailure(peer, request, response, patience.restart);
    yield* pieces(peer, response, request.maxAnswerBytes, patience.restart);
  } catch (cause) {
    signal?.throwIfAborted();
    if (isTwinfoldError(cause)) throw cause;
    throw unreachable(peer, ending.signal.aborted ? ending.signal.reason : cause);
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

function headersOf(peer: Peer, request: HttpRequest): Record<string, string> {
  return {
    ...(peer.token === undefined ? {} : { authorization: `Bearer ${peer.token}` }),
    ...(request.contentType === undefined ? {} : { "content-type": request.contentType }),
  };
}

async function refuseFailure(peer: Peer, request: HttpRequest, response: IncomingResponse, onPiece: () => void): Promise<void> {
  const { status } = response;
  if (status >= 300 && status < 400) {
    throw new TwinfoldError(
      "ERR_PROTOCOL",
      `${peer.url} answered with a redirect, which is not followed with a secret: use the server's own address`,
    );
  }
  if (status < 200 || status > 299) {
    const received: Uint8Array[] = [];
    for await (const piece of pieces(peer, response, MAX_PROBLEM_BYTES, onPiece)) received.push(piece);
    const problem = problemOf(status, new TextDecoder().decode(joined(received)));
    throw new ServerError(problem, `${peer.url}: ${problem.detail}`);
  }
  const type = response.contentType?.split(";")[0];
  if (status !== 204 && type !== request.answerType) {
    throw new TwinfoldError(
      "ERR_PROTOCOL",
      `${peer.url} answered ${type ?? "something unnamed"}: is it a Twinfold server, or does a login page stand between?`,
    );
  }
}

async function* pieces(peer: Peer, response: IncomingResponse, maxBytes: number, onPiece: () => void): AsyncGenerator<Uint8Array, void, undefined> {
  let total = 0;
  for await (const piece of response.body) {
    onPiece();
    total += piece.length;
    if (total > maxBytes) throw new TwinfoldError("ERR_PROTOCOL", `${peer.url} answered with more than the ${maxBytes} bytes that are allowed`);
    yield piece;
  }
}

/** Begins when the request goes out: what holds it back before that is on this side. */
function patienceOf(request: HttpRequest, onEnd: () => void): { beforeAnswer(): void; restart(): void; end(): void } {
  const sentBytes = request.body?.reduce((sum, piece) => sum + piece.length, 0) ?? 0;
  const beforeAnswerMs = PATIENCE_MS + (request.heldMs ?? 0) + sentBytes / SLOWEST_UPLOAD;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const begin = (ms: number): void => {
    clearTimeout(timer);
    timer = setTimeout(onEnd, ms);
  };
  return { beforeAnswer: () => begin(beforeAnswerMs), restart: () => begin(PATIENCE_MS), end: () => clearTimeout(timer) };
}

function unreachable(peer: Peer, cause: unknown): TwinfoldError {
  return new TwinfoldError(
    "ERR_UNREACHABLE",
    `cannot reach ${peer.url} (${reasonOf(cause)}): check the address, the network, and that the server runs`,
    { cause },
  );
}

/** `fetch` says "fetch failed"; its cause says why. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause !== undefined) return reasonOf(error.cause);
  if (error.message === "" && "code" in error) return String(error.code); // an AggregateError of all addresses
  return error.message;
}
