import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { TwinfoldError } from "@twinfold/core";

export interface PasswordSource {
  readonly stdin: NodeJS.ReadStream;
  readonly stderr: NodeJS.WriteStream;
  readonly signal: AbortSignal;
}

/** All of stdin, less one line end. */
export async function passwordFromStdin({ stdin }: PasswordSource): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of stdin) pieces.push(Buffer.from(piece as Buffer));
  const password = Buffer.concat(pieces)
    .toString("utf8")
    .replace(/\r?\n$/, "");
  if (password === "") throw new TwinfoldError("ERR_USAGE", "the password on stdin is empty");
  return password;
}

/** Asks on the terminal, and shows nothing of what is typed. */
export async function passwordFromTerminal(question: string, { stdin, stderr, signal }: PasswordSource): Promise<string> {
  if (!stdin.isTTY) throw new TwinfoldError("ERR_USAGE", "there is no terminal to ask for the password on: give it on stdin with --password-stdin");
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: silent, terminal: true });
  // In raw mode the terminal sends Ctrl-C as a character: readline tells, the process gets no signal.
  const interrupted = new Promise<never>((_, reject) => {
    for (const event of ["SIGINT", "close"] as const) lines.once(event, () => reject(new TwinfoldError("ERR_CLOSED", "no password was given")));
  });
  stderr.write(question);
  try {
    const password = await Promise.race([lines.question("", { signal }), interrupted]);
    if (password === "") throw new TwinfoldError("ERR_USAGE", "the password is empty");
    return password;
  } finally {
    lines.close();
    stderr.write("\n");
  }
}
