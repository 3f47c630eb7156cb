import { Readable } from "node:stream";
import {
  answerCodecs,
  type Codec,
  decode,
  encode,
  type Hub,
  TwinfoldError,
  type MessageOperation,
  type OperationOptions,
  parseWorkspaceId,
  type Principal,
  requestCodecs,
  type Transport,
} from "@twinfold/core";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type ByteStream, framesBody, readMessage, withFrames } from "../bodies.js";
import type { DeviceSessions } from "../device-sessions.js";
import { problemResponse, uploadQuerySchema } from "./schemas.js";

export interface SyncRoutesOptions {
  readonly hub: Hub;
  readonly sessions: DeviceSessions;
}

const BINARY = "application/vnd.twinfold";
const binaryContent = { content: { [BINARY]: { schema: { type: "string", format: "binary" } } } } as const;

/** What the engine speaks: binary bodies both ways, protocol.md §5. */
export function syncRoutes(app: FastifyInstance, { hub, sessions }: SyncRoutesOptions): void {
  const principals = new WeakMap<FastifyRequest, Principal>();
  const principalOf = (request: FastifyRequest): Principal => principals.get(request) as Principal;
  const sessionOf = (request: FastifyRequest): Transport => hub.session(principalOf(request));

  app.removeAllContentTypeParsers();
  // A body that is refused half-way must not take the connection with it: the refusal is still to be told.
  app.addContentTypeParser(BINARY, (_request, payload, done) => done(null, payload.iterator({ destroyOnReturn: false })));
  // Messages are checked by their codecs; the schemas are for the page.
  app.setValidatorCompiler(() => () => true);
  // Before the body is read: who may not, need not send it.
  app.addHook("onRequest", async (request, reply) => {
    reply.raw.sendDate = false;
    principals.set(request, await sessions.authenticate(request.headers.authorization));
  });

  const schemaOf = (summary: string, answer: object) => ({
    summary,
    tags: ["sync"],
    security: [{ token: [] }],
    response: { ...answer, ...problemResponse },
  });
  const schema = (summary: string) => ({ ...schemaOf(summary, { 200: binaryContent }), body: binaryContent });

  /** One message there, one back. */
  function message(name: MessageOperation, summary: string): void {
    const requestCodec = requestCodecs[name] as Codec<unknown>;
    const answerCodec = answerCodecs[name] as Codec<unknown>;
    app.post(`/v1/sync/${name}`, { schema: schema(summary) }, async (request, reply) => {
      const asked = decode(requestCodec, await readMessage(request.body as ByteStream));
      const session = sessionOf(request) as unknown as Readonly<Record<MessageOperation, (message: unknown) => Promise<unknown>>>;
      return await sendBinary(reply, encode(answerCodec, await session[name](asked)));
    });
  }

  app.post("/v1/sync/hello", { schema: schema("Features and limits") }, async (request, reply) => {
    if (request.body !== undefined) await readMessage(request.body as ByteStream);
    return await sendBinary(reply, encode(answerCodecs.hello, await sessionOf(request).hello()));
  });
  message("changes", "What happened since a place in the journal");
  message("outcomes", "What became of commits in doubt");
  message("heads", "All nodes, by pages");
  message("manifests", "Chunk lists of files");
  message("versions", "Revisions of files");
  message("missing", "Which chunks a workspace does not have");
  message("draft", "Grow or close a long chunk list");
  message("sketches", "Pieces of chunks, for differences within them");
  message("commit", "Offer changes");

  app.post("/v1/sync/wait", { schema: schema("Held until something happens") }, async (request, reply) => {
    const asked = decode(requestCodecs.wait, await readMessage(request.body as ByteStream));
    const moved = await held(request, reply, (options) => sessionOf(request).wait(asked, options));
    return await sendBinary(reply, encode(answerCodecs.wait, moved));
  });

  app.post("/v1/sync/upload", { schema: { ...schema("Bring chunks"), querystring: uploadQuerySchema } }, async (request, reply) => {
    const workspaceId = parseWorkspaceId((request.query as { readonly workspace: string }).workspace);
    const lengthBytes = request.headers["content-length"];
    const answer = await withFrames(request.body as ByteStream, lengthBytes === undefined ? undefined : Number(lengthBytes), (frames) =>
      sessionOf(request).upload({ workspaceId, frames }),
    );
    return await sendBinary(reply, encode(answerCodecs.upload, answer));
  });

  app.post("/v1/sync/download", { schema: schema("Fetch chunks") }, async (request, reply) => {
    const asked = decode(requestCodecs.download, await readMessage(request.body as ByteStream));
    const { signal, abort, release } = sessions.hold(principalOf(request));
    reply.raw.once("close", () => {
      abort(clientGone());
      release();
    });
    const body = await framesBody(sessionOf(request).download(asked, { signal }));
    return await reply.type(BINARY).send(Readable.from(body, { objectMode: false }));
  });

  /** Runs an operation that ends early when its client goes away or its device is revoked. */
  async function held<T>(request: FastifyRequest, reply: FastifyReply, operation: (options: OperationOptions) => Promise<T>): Promise<T> {
    const { signal, abort, release } = sessions.hold(principalOf(request));
    const gone = (): void => abort(clientGone());
    reply.raw.once("close", gone);
    try {
      return await operation({ signal });
    } finally {
      reply.raw.off("close", gone);
      release();
    }
  }
}

function sendBinary(reply: FastifyReply, bytes: Uint8Array): FastifyReply {
  return reply.type(BINARY).send(bytes);
}

/** No failure of the server's: answered to nobody, and not logged as one. */
function clientGone(): TwinfoldError {
  return new TwinfoldError("ERR_PROTOCOL", "the client went away before it was answered");
}
