import { parseTokens, type Token } from "./tokens.js";

/** Longest pattern that counts, in UTF-16 units. Bounds what one look at a path can cost. */
export const MAX_PATTERN_LENGTH = 1_024;

/** Counts what matching costs: one step for each token that is looked at for each character. */
export interface StepMeter {
  steps: number;
}

/** One line of an ignore file, in gitignore's syntax. Source: gitignore(5), "Pattern format". */
export interface Pattern {
  /** As it was written, without what the line had around it. */
  readonly text: string;
  /** Begins with `!`: what matches is taken back. */
  readonly negated: boolean;
  /** Ends with `/`: only directories match. */
  readonly directoryOnly: boolean;
  /** Has a slash before its end: it is matched with the whole path, otherwise with the last name alone. */
  readonly anchored: boolean;
  /** What it matches when it has no special characters: most patterns are such, and cost one comparison. */
  readonly literal: string | undefined;
  /** `*` and then a literal. */
  readonly suffix: string | undefined;
  readonly tokens: readonly Token[];
}

/** `undefined` for what is no pattern: a blank line, a comment. Names are matched in Unicode normalization form C. */
export function parsePattern(line: string): Pattern | undefined {
  const text = withoutTrailingSpaces(line);
  if (text === "" || text.startsWith("#")) return undefined;
  const negated = text.startsWith("!");
  let body = (negated ? text.slice(1) : text).normalize("NFC");
  const directoryOnly = body.endsWith("/");
  if (directoryOnly) body = body.slice(0, -1);
  const anchored = body.includes("/");
  if (body.startsWith("/")) body = body.slice(1);
  const isLiteral = !/[*?[\\]/.test(body);
  const isSuffix = !anchored && body.startsWith("*") && !/[*?[\\]/.test(body.slice(1));
  return {
    text,
    negated,
    directoryOnly,
    anchored,
    literal: isLiteral ? body : undefined,
    suffix: isSuffix ? body.slice(1) : undefined,
    tokens: parseTokens(body),
  };
}

/** True when the pattern names `path`, which is relative to the directory that the pattern is of. Cost: at most the product of both lengths. */
export function matchesPattern(pattern: Pattern, path: string, meter?: StepMeter): boolean {
  const subject = pattern.anchored ? path : path.slice(path.lastIndexOf("/") + 1);
  if (meter !== undefined) meter.steps += 1;
  if (pattern.literal !== undefined) return subject === pattern.literal;
  if (pattern.suffix !== undefined) return subject.endsWith(pattern.suffix);
  return run(pattern.tokens, subject, meter)[pattern.tokens.length] === 1;
}

/** True when something below the directory `path` could be matched. */
export function leadsToMatch(pattern: Pattern, path: string): boolean {
  if (!pattern.anchored) return true;
  return run(pattern.tokens, `${path}/`, undefined).subarray(0, pattern.tokens.length).includes(1);
}

/** The places in the pattern that are reached when all of `text` was read: all ways at once, so nothing is ever tried again. */
function run(tokens: readonly Token[], text: string, meter: StepMeter | undefined): Uint8Array {
  let current = new Uint8Array(tokens.length + 1);
  let next = new Uint8Array(tokens.length + 1);
  current[0] = 1;
  passEmpty(tokens, current);
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    let isAlive = false;
    for (let at = 0; at < tokens.length; at++) {
      if (meter !== undefined) meter.steps += 1;
      if (current[at] === 0) continue;
      const token = tokens[at] as Token;
      if (token.repeats && token.takes(code)) {
        next[at] = 1;
        isAlive = true;
      }
      if (token.repeats ? token.kind === "directories" && character === "/" : token.takes(code)) {
        next[at + 1] = 1;
        isAlive = true;
      }
    }
    passEmpty(tokens, next);
    [current, next] = [next, current];
    if (!isAlive) return current;
    next.fill(0);
  }
  return current;
}

/** What may stand for nothing is passed over. Places only ever lead on, so one walk is enough. */
function passEmpty(tokens: readonly Token[], places: Uint8Array): void {
  for (let at = 0; at < tokens.length; at++) {
    if (places[at] === 0) continue;
    const { kind } = tokens[at] as Token;
    if (kind === "star" || kind === "everything") places[at + 1] = 1;
    if (kind === "perhaps-directories") {
      places[at + 1] = 1;
      places[at + 2] = 1;
    }
  }
}

/** A space at the end counts only when a backslash stands before it. */
function withoutTrailingSpaces(line: string): string {
  let end = 0;
  for (let at = 0; at < line.length; at++) {
    if (line[at] === "\\") {
      at += 1;
      end = Math.min(at + 1, line.length);
    } else if (line[at] !== " ") end = at + 1;
  }
  return line.slice(0, end);
}
