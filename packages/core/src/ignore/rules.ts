import { TwinfoldError } from "../errors.js";
import { leadsToMatch, matchesPattern, MAX_PATTERN_LENGTH, type Pattern, parsePattern, type StepMeter } from "./pattern.js";

/** Bytes of one file that count. */
export const MAX_IGNORE_FILE_BYTES = 1024 * 1024;
/** Patterns of one file that count. */
export const MAX_PATTERNS = 10_000;

export interface Rule {
  readonly pattern: Pattern;
  /** From 1, in its file. */
  readonly line: number;
}

/** The patterns of one file or list. The last that matches decides. */
export class Rules {
  readonly #rules: readonly Rule[];
  /** Patterns that are just a name, by that name: a file may list thousands. */
  readonly #byName = new Map<string, number[]>();
  readonly #others: readonly number[];
  /** What is wrong with the file, each as a sentence; the rest of it holds. */
  readonly problems: readonly string[];

  constructor(rules: readonly Rule[], problems: readonly string[] = []) {
    this.#rules = rules;
    this.problems = problems;
    const others: number[] = [];
    rules.forEach(({ pattern }, index) => {
      if (pattern.anchored || pattern.literal === undefined) others.push(index);
      else this.#byName.set(pattern.literal, [...(this.#byName.get(pattern.literal) ?? []), index]);
    });
    this.#others = others;
  }

  /** All patterns, as they were written. */
  get text(): string {
    return this.#rules.map(({ pattern, line }) => `${line} ${pattern.text}`).join("\n");
  }

  /** `path` is relative to the rules' directory, in normalization form C. */
  lastMatch(path: string, isDirectory: boolean, meter?: StepMeter): Rule | undefined {
    const counts = (index: number): boolean => isDirectory || !(this.#rules[index] as Rule).pattern.directoryOnly;
    const named = this.#byName.get(path.slice(path.lastIndexOf("/") + 1))?.findLast(counts) ?? -1;
    for (let at = this.#others.length - 1; at >= 0; at--) {
      const index = this.#others[at] as number;
      if (index < named) break;
      if (counts(index) && matchesPattern((this.#rules[index] as Rule).pattern, path, meter)) return this.#rules[index];
    }
    return this.#rules[named];
  }

  /** True when a pattern that is not negated could match below the directory `path`. */
  leadsToMatch(path: string): boolean {
    return this.#rules.some(({ pattern }) => !pattern.negated && leadsToMatch(pattern, path));
  }
}

/** Reads an ignore file. What is over the bounds does not count, and is said in `problems`. */
export function parseRules(text: string): Rules {
  const rules: Rule[] = [];
  const problems: string[] = [];
  const lines = text.replace(/^\ufeff/, "").split("\n");
  for (const [index, line] of lines.entries()) {
    if (line.length > MAX_PATTERN_LENGTH) {
      problems.push(`line ${index + 1} has over ${MAX_PATTERN_LENGTH} characters and does not count`);
      continue;
    }
    const pattern = parsePattern(line.endsWith("\r") ? line.slice(0, -1) : line);
    if (pattern === undefined) continue;
    if (rules.length === MAX_PATTERNS) {
      problems.push(`it has over ${MAX_PATTERNS} patterns: those from line ${index + 1} on do not count`);
      break;
    }
    rules.push({ pattern, line: index + 1 });
  }
  return new Rules(rules, problems);
}

/**
 * Patterns of an option. Those of `--only` are paths from the folder's root, also without a slash in front; `**` as a name goes to any depth.
 *
 * @throws {TwinfoldError} `ERR_INVALID_ARGUMENT` when one is empty or a comment, or they are over the bounds.
 */
export function parsePatterns(patterns: readonly string[], { fromRoot }: { readonly fromRoot: boolean }): Rules {
  if (patterns.length > MAX_PATTERNS)
    throw new TwinfoldError("ERR_INVALID_ARGUMENT", `there are ${patterns.length} patterns: at most ${MAX_PATTERNS} count`);
  return new Rules(
    patterns.map((text, index) => {
      const pattern = text.length <= MAX_PATTERN_LENGTH ? parsePattern(fromRoot ? anchored(text) : text) : undefined;
      if (pattern === undefined || text.includes("\n")) {
        throw new TwinfoldError(
          "ERR_INVALID_ARGUMENT",
          `${JSON.stringify(text.slice(0, 80))} is no pattern: it has to be one line of 1 to ${MAX_PATTERN_LENGTH} characters, and no comment`,
        );
      }
      return { pattern: { ...pattern, text }, line: index + 1 };
    }),
  );
}

function anchored(text: string): string {
  const [sign, body] = text.startsWith("!") ? ["!", text.slice(1)] : ["", text];
  return body === "" || body.startsWith("/") || body.startsWith("#") ? text : `${sign}/${body.replace(/^\.\//, "")}`;
}
