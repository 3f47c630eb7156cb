import swagger from "@fastify/swagger";
import { type AccountStore, type Env, type Hub, type HubStore, TwinfoldError, type WorkspaceId } from "@twinfold/core";
import { type FastifyInstance, type FastifyReply, fastify, LogController } from "fastify";
import { createDeviceSessions } from "./device-sessions.js";
import { createPasswords } from "./passwords.js";
import { problem, PROBLEM_TYPE, problemFor, type ProblemDocument } from "./problem.js";
import { accountRoutes } from "./routes/account-routes.js";
import { operationsRoutes } from "./routes/operations-routes.js";
import { syncRoutes } from "./routes/sync-routes.js";
import type { ResolvedServerOptions } from "./server-options.js";
import { createThrottle } from "./throttle.js";

export interface HttpServerParts {
  readonly hub: Hub;
  readonly hubStore: HubStore;
  readonly accounts: AccountStore;
  readonly env: Env;
  readonly config: ResolvedServerOptions;
}

export interface HttpServer {
  readonly app: FastifyInstance;
  /** From now on every new request is refused, and each answer ends its connection. */
  refuseRequests(): void;
}

/** JSON bodies are a few short fields. */
const MAX_JSON_BYTES = 64 * 1024;
/** A whole request may take so long: 8 MiB at 10 KB/s, and then some. */
const MAX_REQUEST_MS = 15 * 60_000;
/** A client's idle connection is kept longer than clients and proxies keep theirs, so that they never send into one that is being closed. */
const KEEP_ALIVE_MS = 72_000;
/** Silence on a connection beyond a held long poll. */
const SILENCE_MS = 65_000;
const NOBODY = "0".repeat(32) as WorkspaceId;

/** The routes, wired to the hub and the stores. It does not listen yet. */
export async function createHttpServer({ hub, hubStore, accounts, env, config }: HttpServerParts): Promise<HttpServer> {
  const sessions = createDeviceSessions({ accounts, env });
  const passwords = await createPasswords();
  let stopping = false;

  const app = fastify({
    logger: { level: config.logLevel, stream: config.logTo },
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: config.trustProxy,
    bodyLimit: MAX_JSON_BYTES,
    requestTimeout: MAX_REQUEST_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionTimeout: config.maxWaitMs + SILENCE_MS,
    return503OnClosing: false,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
    frameworkErrors: (_error, _request, reply) => {
      sendProblem(reply, problem(400, "ERR_INVALID_ARGUMENT", "the request's address is not understood"), undefined);
    },
    clientErrorHandler: (error, socket) => {
      if (!socket.writable) return;
      const { status, detail } = clientError((error as NodeJS.ErrnoException).code);
      const body = JSON.stringify(problem(status, "ERR_INVALID_ARGUMENT", detail));
      socket.end(
        `HTTP/1.1 ${status} Bad Request\r\ncontent-type: ${PROBLEM_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
      );
    },
  });
  app.server.headersTimeout = 15_000;

  function sendProblem(reply: FastifyReply, document: ProblemDocument, cause: unknown): FastifyReply {
    if (document.status >= 500 && !stopping) {
      app.log.error({ err: cause, code: document.code, route: reply.request.routeOptions.url }, "a request failed");
    }
    if (document.status === 401) reply.header("www-authenticate", "Bearer");
    if (document.retryAfterSeconds !== undefined) reply.header("retry-after", document.retryAfterSeconds);
    if (document.status === 413) reply.header("connection", "close"); // the rest of the body is not waited for
    return reply
      .code(document.status)
      .header("content-type", PROBLEM_TYPE)
      .send(Buffer.from(JSON.stringify(document)));
  }

  app.setErrorHandler((error, request, reply) => {
    const document = request.raw.errored !== null || reply.raw.destroyed ? problem(400, "ERR_PROTOCOL", "the client went away") : problemFor(error);
    return sendProblem(reply, document, error);
  });
  app.setNotFoundHandler((request, reply) =>
    sendProblem(reply, problem(404, "ERR_NOT_FOUND", `there is no ${request.method} of this address: /openapi.json lists what there is`), undefined),
  );
  app.addHook("onRequest", async () => {
    if (stopping) throw new TwinfoldError("ERR_CLOSED", "the server is being stopped");
  });
  app.addHook("onSend", async (_request, reply) => {
    if (stopping) reply.header("connection", "close");
  });

  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: "Twinfold", version: "1", description: "Sync for engines in binary; accounts, devices and workspaces in JSON." },
      components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
    },
  });
  const checkStores = async (): Promise<void> => {
    await Promise.all([hubStore.workspace(NOBODY), accounts.accountByEmail("")]);
  };
  operationsRoutes(app, { hub, checkStores });
  await app.register(async (json) => {
    json.removeContentTypeParser("text/plain");
    json.addHook("onSend", async (_request, reply) => {
      reply.header("cache-control", "no-store").header("x-content-type-options", "nosniff");
    });
    accountRoutes(json, { accounts, hub, sessions, passwords, throttle: createThrottle(env.monotonicMs), env, config });
  });
  await app.register(async (sync) => syncRoutes(sync, { hub, sessions }));
  await app.ready();

  return {
    app,
    refuseRequests() {
      stopping = true;
    },
  };
}

function clientError(code: string | undefined): { readonly status: number; readonly detail: string } {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return { status: 408, detail: "the request took too long to arrive" };
  if (code === "HPE_HEADER_OVERFLOW") return { status: 431, detail: "the request's headers are too long" };
  return { status: 400, detail: "this is not an HTTP request" };
}
