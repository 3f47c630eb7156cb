import type { Socket } from "node:net";
import { TwinfoldError, type TwinfoldErrorCode } from "@twinfold/core";
import { type ShownError, shownError } from "../output/output.js";
import type { LinkEvent, Method } from "./requests.js";

/** One line of JSON from a command to the process that has the state folder; one for each connection. */
export interface RequestMessage {
  readonly method: Method;
  readonly ask: unknown;
}

/** Lines of JSON back: `accepted` first, facts while it goes on, then one of the others. */
export type AnswerMessage =
  | { readonly kind: "accepted" }
  | { readonly kind: "fact"; readonly fact: LinkEvent }
  | { readonly kind: "answer"; readonly answer: unknown }
  | { readonly kind: "error"; readonly error: ShownError }
  /** The process is ending, and has left the request undone: ask whoever has the state folder next. */
  | { readonly kind: "ended" };

export function encodeMessage(message: RequestMessage | AnswerMessage): string {
  return `${JSON.stringify(message)}\n`;
}

/** Calls `onLine` for each whole line that arrives. */
export function readLines(socket: Socket, onLine: (line: string) => void): void {
  let rest: string[] = [];
  socket.setEncoding("utf8").on("data", (piece: string) => {
    const [end = "", ...others] = piece.split("\n");
    rest.push(end);
    for (const next of others) {
      onLine(rest.join(""));
      rest = [next];
    }
  });
}

export function errorMessage(error: unknown): AnswerMessage {
  return { kind: "error", error: shownError(error) };
}

/** The error as it was thrown in the other process, with its code. */
export function errorOf(shown: ShownError): Error {
  return shown.code === "ERR_INTERNAL" ? new Error(shown.message) : new TwinfoldError(shown.code as TwinfoldErrorCode, shown.message);
}
