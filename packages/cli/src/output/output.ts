import { isTwinfoldError } from "@twinfold/core";

/** Where a command says things: its answer on stdout, all else on stderr. */
export interface Output {
  readonly json: boolean;
  /** The command's answer: the document with `--json`, else the text for people. */
  answer(document: object, text: string): void;
  /** One fact of a command that goes on: a JSON line with `--json`, else a line for people, when there is one. */
  fact(document: object, text: string | undefined): void;
  /** Something to know that is not the answer. */
  note(text: string): void;
  failure(error: unknown): void;
}

export interface Streams {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

export interface ShownError {
  readonly code: string;
  readonly message: string;
}

export function createOutput(json: boolean, { stdout, stderr }: Streams): Output {
  const line = (stream: NodeJS.WritableStream, text: string): void => {
    stream.write(text.endsWith("\n") ? text : `${text}\n`);
  };
  return {
    json,
    answer: (document, text) => line(stdout, json ? JSON.stringify(document) : text),
    fact(document, text) {
      if (json) line(stdout, JSON.stringify(document));
      else if (text !== undefined) line(stdout, text);
    },
    note: (text) => line(stderr, text),
    failure(error) {
      const shown = shownError(error);
      if (json) line(stdout, JSON.stringify({ error: shown }));
      line(stderr, `twinfold: ${shown.message} (${shown.code})`);
    },
  };
}

/** What is told of an error. One that is not ours is a defect: its stack is told too. */
export function shownError(error: unknown): ShownError {
  if (isTwinfoldError(error)) return { code: error.code, message: error.message };
  return { code: "ERR_INTERNAL", message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
