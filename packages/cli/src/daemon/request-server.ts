import { chmod, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { TwinfoldError } from "@twinfold/core";
import { parseObject } from "../device/json-file.js";
import { localFailure } from "../device/local-failure.js";
import { type AnswerMessage, encodeMessage, errorMessage, readLines } from "./messages.js";
import type { Ask, Method, RequestTarget } from "./requests.js";

/** Every method, and whether a request that is cut short may simply be made again by its asker. */
const REPEATABLE: Readonly<Record<Method, boolean>> = {
  link: false,
  unlink: false,
  sync: true,
  plan: true,
  status: true,
  limits: true,
  setPaused: true,
  explain: true,
  get: true,
  free: true,
  revisions: true,
  restore: false,
  conflicts: true,
  resolve: false,
  trash: true,
  restoreFromTrash: false,
  check: true,
};

export interface RequestServer {
  /** Takes no more requests, tells the askers of repeatable ones to ask elsewhere, and waits for the rest. */
  close(): Promise<void>;
}

/** Answers other commands at `path`. Only the holder of the lock may: what is at `path` already is a dead process's. */
export async function serveRequests(path: string, target: RequestTarget): Promise<RequestServer> {
  const ending = new AbortController();
  const underWay = new Set<Promise<void>>();
  const server = createServer((socket) => {
    const answering = answer(socket, target, ending.signal).finally(() => underWay.delete(answering));
    underWay.add(answering);
  });
  try {
    if (process.platform !== "win32") await rm(path, { force: true });
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(path, resolve));
    if (process.platform !== "win32") await chmod(path, 0o600);
  } catch (cause) {
    throw localFailure(`answer other commands at ${path}`, cause);
  }
  return {
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      ending.abort(new Error("the process is ending"));
      await Promise.all(underWay);
      await closed;
    },
  };
}

async function answer(socket: Socket, target: RequestTarget, ending: AbortSignal): Promise<void> {
  const gone = new AbortController();
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("error", () => socket.destroy()); // the asker is gone, which `close` tells
  void closed.then(() => gone.abort(new Error("the asker is gone")));
  const say = (message: AnswerMessage): void => {
    if (!socket.destroyed) socket.write(encodeMessage(message));
  };
  try {
    const line = await firstLine(socket, AbortSignal.any([gone.signal, ending]));
    if (line === undefined) return;
    const { method, ask } = parseRequest(line);
    say({ kind: "accepted" });
    const signal = REPEATABLE[method] ? AbortSignal.any([gone.signal, ending]) : gone.signal;
    const result = await target.request(method, ask, { signal, onEvent: (fact) => say({ kind: "fact", fact }) });
    say({ kind: "answer", answer: result });
  } catch (error) {
    say(ending.aborted && error === ending.reason ? { kind: "ended" } : errorMessage(error));
  } finally {
    socket.end();
    socket.resume();
    await closed;
  }
}

/** `undefined` when none came before `signal` aborted. */
async function firstLine(socket: Socket, signal: AbortSignal): Promise<string | undefined> {
  return await new Promise((resolve) => {
    readLines(socket, resolve);
    if (signal.aborted) resolve(undefined);
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}

function parseRequest(line: string): { readonly method: Method; readonly ask: Ask<Method> } {
  const { method, ask } = parseObject(line) ?? {};
  if (typeof method !== "string" || !Object.hasOwn(REPEATABLE, method) || typeof ask !== "object" || ask === null) {
    throw new TwinfoldError("ERR_PROTOCOL", "the running twinfold process does not know this request: are both the same version?");
  }
  // Both ends are this program and the socket is its owner's alone, so the shape of `ask` is taken as it comes.
  return { method: method as Method, ask: ask as Ask<Method> };
}
