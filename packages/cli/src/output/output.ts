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
  const lineOf = (text: string): string => (text.endsWith("\n") ? text : `${text}\n`);
  let told = "";
  const flush = (): void => {
    const lines = told;
    told = "";
    if (lines !== "") stdout.write(lines);
  };
  /** Facts come by the thousand, all those of a commit at once: each would be a write of its own. */
  const tell = (text: string): void => {
    if (told === "") queueMicrotask(flush);
    told += lineOf(text);
  };
  const say = (text: string): void => {
    flush();
    stdout.write(lineOf(text));
  };
  const note = (text: string): void => void stderr.write(lineOf(text));
  return {
    json,
    answer: (document, text) => say(json ? JSON.stringify(document) : text),
    fact(document, text) {
      if (json) tell(JSON.stringify(document));
      else if (text !== undefined) tell(text);
    },
    note,
    failure(error) {
      const shown = shownError(error);
      if (json) say(JSON.stringify({ error: shown }));
      note(`twinfold: ${shown.message} (${shown.code})`);
    },
  };
}

/** What is told of an error. One that is not ours is a defect: its stack is told too. */
export function shownError(error: unknown): ShownError {
  if (isTwinfoldError(error)) return { code: error.code, message: error.message };
  return { code: "ERR_INTERNAL", message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
