import { type Codec, decode, encode } from "../codec/codec.js";
import type { Hub, Principal } from "./hub.js";
import type { OperationOptions } from "../operation-options.js";
import { decodeFrames, encodeFrames, type Frame } from "../storage/frame.js";
import { answerCodecs, requestCodecs } from "../transport/messages.js";
import type { Transport } from "../transport/transport.js";

/**
 * A transport to a hub in the same process. Every message crosses as the bytes that it is on the wire,
 * so that what works over it works over a network, and neither side can change what the other holds.
 */
export function createLoopbackTransport(hub: Hub, principal: Principal): Transport {
  const session = hub.session(principal);

  /** An operation whose request and answer both cross as bytes. */
  const crossing =
    <Asked, Answered>(asked: Codec<Asked>, answered: Codec<Answered>, call: (request: Asked, options?: OperationOptions) => Promise<Answered>) =>
    async (request: Asked, options?: OperationOptions): Promise<Answered> =>
      across(answered, await call(across(asked, request), options));

  return {
    hello: async (options) => across(answerCodecs.hello, await session.hello(options)),
    changes: crossing(requestCodecs.changes, answerCodecs.changes, session.changes),
    outcomes: crossing(requestCodecs.outcomes, answerCodecs.outcomes, session.outcomes),
    wait: crossing(requestCodecs.wait, answerCodecs.wait, session.wait),
    heads: crossing(requestCodecs.heads, answerCodecs.heads, session.heads),
    manifests: crossing(requestCodecs.manifests, answerCodecs.manifests, session.manifests),
    versions: crossing(requestCodecs.versions, answerCodecs.versions, session.versions),
    missing: crossing(requestCodecs.missing, answerCodecs.missing, session.missing),
    draft: crossing(requestCodecs.draft, answerCodecs.draft, session.draft),
    sketches: crossing(requestCodecs.sketches, answerCodecs.sketches, session.sketches),
    commit: crossing(requestCodecs.commit, answerCodecs.commit, session.commit),
    async upload({ workspaceId, frames }, options) {
      const arrived: Frame[] = [];
      for await (const frame of framesAcross(frames)) arrived.push(frame);
      return across(answerCodecs.upload, await session.upload({ workspaceId, frames: arrived }, options));
    },
    async *download(request, options) {
      yield* framesAcross(session.download(across(requestCodecs.download, request), options), options?.into);
    },
  };
}

function across<T>(codec: Codec<T>, value: T): T {
  return decode(codec, encode(codec, value));
}

async function* framesAcross(frames: Iterable<Frame> | AsyncIterable<Frame>, into?: Uint8Array): AsyncGenerator<Frame, void, undefined> {
  async function* pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const frame of frames) yield* encodeFrames([frame]);
  }
  yield* decodeFrames(pieces(), { into });
}
