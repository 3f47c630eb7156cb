import { connect } from "node:net";
import { TwinfoldError } from "@twinfold/core";
import { type AnswerMessage, encodeMessage, errorOf, readLines } from "./messages.js";
import type { Answer, Ask, Method, RequestOptions } from "./requests.js";

/** `refused`: nobody took the request, so that it may be made elsewhere. */
export type RequestOutcome<T> = { readonly kind: "answered"; readonly answer: T } | { readonly kind: "refused" };

/** Makes one request of the process that answers at `path`. */
export async function requestAt<Name extends Method>(
  path: string,
  method: Name,
  ask: Ask<Name>,
  { signal, onEvent }: RequestOptions,
): Promise<RequestOutcome<Answer<Name>>> {
  signal.throwIfAborted();
  return await new Promise((resolve, reject) => {
    let accepted = false;
    const socket = connect(path, () => socket.write(encodeMessage({ method, ask })));
    const abort = (): void => {
      reject(signal.reason);
      socket.destroy();
    };
    signal.addEventListener("abort", abort, { once: true });
    socket.on("error", () => socket.destroy()); // `close` follows, and decides
    socket.once("close", () => {
      signal.removeEventListener("abort", abort);
      if (!accepted) resolve({ kind: "refused" });
      else reject(new TwinfoldError("ERR_CLOSED", "the running twinfold process ended before it answered: try again"));
    });
    readLines(socket, (line) => {
      const message = JSON.parse(line) as AnswerMessage;
      switch (message.kind) {
        case "accepted":
          accepted = true;
          return;
        case "fact":
          return onEvent?.(message.fact);
        case "answer":
          return resolve({ kind: "answered", answer: message.answer as Answer<Name> });
        case "error":
          return reject(errorOf(message.error));
        case "ended":
          return resolve({ kind: "refused" });
      }
    });
  });
}
