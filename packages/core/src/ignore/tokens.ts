const SLASH = 0x2f;

/**
 * One element of a pattern.
 *
 * `directories` stands for one directory or more with the slash after them; `perhaps-directories` goes before it, and lets all of it be passed over.
 */
export interface Token {
  readonly kind: "one" | "star" | "everything" | "perhaps-directories" | "directories" | "never";
  /** Takes as many characters as it likes. */
  readonly repeats: boolean;
  takes(code: number): boolean;
}

const ANY: Token = { kind: "one", repeats: false, takes: (code) => code !== SLASH };
const STAR: Token = { kind: "star", repeats: true, takes: (code) => code !== SLASH };
const EVERYTHING: Token = { kind: "everything", repeats: true, takes: () => true };
const PERHAPS_DIRECTORIES: Token = { kind: "perhaps-directories", repeats: false, takes: () => false };
const DIRECTORIES: Token = { kind: "directories", repeats: true, takes: () => true };
const NEVER: Token = { kind: "never", repeats: false, takes: () => false };

/** A pattern's body as tokens. What is malformed (a set without its end, a lone backslash) matches nothing, as in git. */
export function parseTokens(body: string): readonly Token[] {
  const codes = Array.from(body, (character) => character.codePointAt(0) as number);
  const tokens: Token[] = [];
  for (let at = 0; at < codes.length; ) {
    const code = codes[at] as number;
    const character = String.fromCodePoint(code);
    if (character === "*") {
      let end = at;
      while (codes[end] === code) end += 1;
      const isWhole = end - at > 1 && (at === 0 || codes[at - 1] === SLASH) && (end === codes.length || codes[end] === SLASH);
      if (!isWhole) tokens.push(STAR);
      else if (end === codes.length) tokens.push(EVERYTHING);
      else {
        tokens.push(PERHAPS_DIRECTORIES, DIRECTORIES);
        end += 1;
      }
      at = end;
    } else if (character === "?") {
      tokens.push(ANY);
      at += 1;
    } else if (character === "[") {
      const set = parseSet(codes, at + 1);
      if (set === undefined) return [NEVER];
      tokens.push(set.token);
      at = set.end;
    } else {
      const isEscape = character === "\\";
      const literal = isEscape ? codes[at + 1] : code;
      if (literal === undefined) return [NEVER];
      tokens.push({ kind: "one", repeats: false, takes: (other) => other === literal });
      at += isEscape ? 2 : 1;
    }
  }
  return tokens;
}

const [BACKSLASH, CLOSE, OPEN, DASH, COLON] = ["\\", "]", "[", "-", ":"].map((character) => character.charCodeAt(0));

/** `[…]`, from behind its opening bracket; `undefined` when it does not end. A slash is in no set. */
function parseSet(codes: readonly number[], from: number): { readonly token: Token; readonly end: number } | undefined {
  let at = from;
  const negated = codes[at] === "!".charCodeAt(0) || codes[at] === "^".charCodeAt(0);
  if (negated) at += 1;
  const members: Array<(code: number) => boolean> = [];
  let previous: number | undefined;
  for (let isFirst = true; isFirst || codes[at] !== CLOSE; isFirst = false, at++) {
    let code = codes[at];
    if (code === undefined) return undefined;
    if (code === DASH && previous !== undefined && codes[at + 1] !== undefined && codes[at + 1] !== CLOSE) {
      at += codes[at + 1] === BACKSLASH ? 2 : 1;
      const [first, last] = [previous, codes[at]];
      if (last === undefined) return undefined;
      members.push((other) => first <= other && other <= last);
      previous = undefined;
    } else if (code === OPEN && codes[at + 1] === COLON) {
      const end = codes.indexOf(CLOSE as number, at + 2);
      if (end < 0) return undefined;
      if (codes[end - 1] !== COLON || end - 1 < at + 2) {
        members.push((other) => other === OPEN);
        previous = OPEN;
        continue;
      }
      const isMember = CLASSES[String.fromCodePoint(...codes.slice(at + 2, end - 1))];
      if (isMember === undefined) return undefined;
      members.push(isMember);
      previous = undefined;
      at = end;
    } else {
      if (code === BACKSLASH) code = codes[++at];
      if (code === undefined) return undefined;
      const member = code;
      members.push((other) => other === member);
      previous = member;
    }
  }
  const takes = (code: number): boolean => code !== SLASH && members.some((isMember) => isMember(code)) !== negated;
  return { token: { kind: "one", repeats: false, takes }, end: at + 1 };
}

/** The classes of POSIX, of ASCII alone. Source: POSIX.1-2017, XBD 9.3.5. */
const CLASSES: Readonly<Record<string, (code: number) => boolean>> = {
  __proto__: null as never,
  alnum: ascii(/[0-9A-Za-z]/),
  alpha: ascii(/[A-Za-z]/),
  blank: ascii(/[ \t]/),
  cntrl: (code) => code < 0x20 || code === 0x7f,
  digit: ascii(/[0-9]/),
  graph: (code) => 0x20 < code && code < 0x7f,
  lower: ascii(/[a-z]/),
  print: (code) => 0x20 <= code && code < 0x7f,
  punct: ascii(/[!-/:-@[-`{-~]/),
  space: ascii(/[ \t\n\v\f\r]/),
  upper: ascii(/[A-Z]/),
  xdigit: ascii(/[0-9A-Fa-f]/),
};

function ascii(members: RegExp): (code: number) => boolean {
  return (code) => code < 0x80 && members.test(String.fromCharCode(code));
}
