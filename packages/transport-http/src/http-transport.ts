import {
  answerCodecs,
  type Codec,
  decode,
  decodeFrames,
  encode,
  encodeFrames,
  type Frame,
  FRAME_HEADER_BYTES,
  MAX_BATCH_BYTES,
  MAX_MESSAGE_BYTES,
  type OperationOptions,
  requestCodecs,
  type Transport,
  TwinfoldError,
} from "@twinfold/core";
import { exchange, exchangeWhole } from "./exchange.js";
import { type PeerOptions, peerOf } from "./peer.js";

export interface HttpTransportOptions extends PeerOptions {
  readonly token: string;
}

const BINARY = "application/vnd.twinfold";

/**
 * A Transport over HTTP, for browsers and Node: protocol.md §5.
 *
 * @throws {TwinfoldError} `ERR_INVALID_ARGUMENT` when the address is not one, or would carry the token unencrypted over a network.
 */
export function createHttpTransport(options: HttpTransportOptions): Transport {
  const peer = peerOf(options);

  const post = (operation: string, body: readonly Uint8Array[], { signal }: OperationOptions = {}) => ({
    method: "POST" as const,
    path: `/v1/sync/${operation}`,
    body,
    repeatable: true, // all of them: TR2
    contentType: BINARY,
    answerType: BINARY,
    maxAnswerBytes: MAX_MESSAGE_BYTES,
    signal,
  });

  /** One message there, one back. */
  const asking =
    <Request, Answer>(operation: string, request: Codec<Request>, answer: Codec<Answer>) =>
    async (message: Request, callOptions?: OperationOptions): Promise<Answer> =>
      decode(answer, await exchangeWhole(peer, post(operation, [encode(request, message)], callOptions)));

  return {
    async hello(callOptions) {
      return decode(answerCodecs.hello, await exchangeWhole(peer, post("hello", [], callOptions)));
    },
    changes: asking("changes", requestCodecs.changes, answerCodecs.changes),
    outcomes: asking("outcomes", requestCodecs.outcomes, answerCodecs.outcomes),
    async wait(query, callOptions) {
      const request = { ...post("wait", [encode(requestCodecs.wait, query)], callOptions), heldMs: query.timeoutMs };
      return decode(answerCodecs.wait, await exchangeWhole(peer, request));
    },
    heads: asking("heads", requestCodecs.heads, answerCodecs.heads),
    manifests: asking("manifests", requestCodecs.manifests, answerCodecs.manifests),
    versions: asking("versions", requestCodecs.versions, answerCodecs.versions),
    missing: asking("missing", requestCodecs.missing, answerCodecs.missing),
    draft: asking("draft", requestCodecs.draft, answerCodecs.draft),
    sketches: asking("sketches", requestCodecs.sketches, answerCodecs.sketches),
    async upload({ workspaceId, frames }, callOptions) {
      const request = { ...post(`upload?workspace=${workspaceId}`, [...encodeFrames(frames)], callOptions), bulk: "up" as const };
      return decode(answerCodecs.upload, await exchangeWhole(peer, request));
    },
    async *download(request, callOptions) {
      const answer = exchange(peer, {
        ...post("download", [encode(requestCodecs.download, request)], callOptions),
        bulk: "down",
        maxAnswerBytes: MAX_BATCH_BYTES + request.chunkIds.length * FRAME_HEADER_BYTES,
      });
      yield* inOrder(request.chunkIds, decodeFrames(answer, { into: callOptions?.into }));
    },
    commit: asking("commit", requestCodecs.commit, answerCodecs.commit),
  };
}

/** Holds the server to TR8: one frame for each asked chunk, in that order. */
async function* inOrder(asked: readonly string[], frames: AsyncIterable<Frame>): AsyncGenerator<Frame, void, undefined> {
  let count = 0;
  for await (const frame of frames) {
    if (frame.chunkId !== asked[count]) {
      throw new TwinfoldError("ERR_PROTOCOL", `the server sent chunk ${frame.chunkId} where ${asked[count] ?? "the end"} was expected`);
    }
    count += 1;
    yield frame;
  }
  if (count < asked.length) throw new TwinfoldError("ERR_PROTOCOL", `the server sent ${count} of ${asked.length} chunks`);
}
