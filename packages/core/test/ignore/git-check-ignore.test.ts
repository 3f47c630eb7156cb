import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseRules, type Rules } from "../../src/ignore/rules.js";

const RUNS = Number(process.env.RUNS ?? 60);
let repository = "";

beforeAll(() => {
  repository = mkdtempSync(join(tmpdir(), "twinfold-ignore-"));
  execFileSync("git", ["init", "-q", repository]);
  for (const path of PATHS) {
    mkdirSync(dirname(join(repository, path)), { recursive: true });
    writeFileSync(join(repository, path), "");
  }
});
afterAll(() => rmSync(repository, { recursive: true, force: true }));

const NAMES = ["a", "b", "ab", "a.b", "A", "a b", "-", "a]", "*", "a\\", "1"];
/** Files, one to four names deep. Everything above a file is a directory. */
const PATHS = [
  ...NAMES.map((name) => `f${name}`),
  ...NAMES,
  ...NAMES.flatMap((name, at) => [`d/${name}`, `d/b${at}/${name}`, `d/b${at}/c/${name}`, `ab.d/${name}`]),
].map((path) => (NAMES.includes(path) ? `x/${path}` : path));

/** What git says of each path: the rule's line, negated or not, that decided; `undefined` where none did. */
function git(ignoreFile: string): Map<string, string | undefined> {
  writeFileSync(join(repository, ".gitignore"), ignoreFile);
  const { stdout, status, stderr } = spawnSync("git", ["check-ignore", "--verbose", "--non-matching", "--no-index", "--stdin", "-z"], {
    cwd: repository,
    input: PATHS.join("\0"),
    encoding: "utf8",
    env: { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null", XDG_CONFIG_HOME: repository },
  });
  if (status !== 0 && status !== 1) throw new Error(`git check-ignore: ${stderr}`);
  const fields = stdout.split("\0");
  const found = new Map<string, string | undefined>();
  for (let at = 0; at + 3 < fields.length; at += 4) found.set(fields[at + 3] as string, fields[at + 1] || undefined);
  return found;
}

/** The same of ours, from the outermost directory down: beneath one that is ignored nothing is looked at. */
function ours(rules: Rules, path: string): string | undefined {
  const names = path.split("/");
  for (let depth = 1; depth <= names.length; depth++) {
    const isDirectory = depth < names.length;
    const rule = rules.lastMatch(names.slice(0, depth).join("/"), isDirectory);
    if (rule !== undefined && (!isDirectory || !rule.pattern.negated)) return String(rule.line);
    if (!isDirectory) return undefined;
  }
  return undefined;
}

function expectEqual(lines: readonly string[]): void {
  const text = lines.join("\n");
  const rules = parseRules(text);
  const theirs = git(text);
  for (const path of PATHS) expect(`${path}: line ${ours(rules, path)}`, JSON.stringify(lines)).toBe(`${path}: line ${theirs.get(path)}`);
}

const piece = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("a", "b", "c", "d", "x", "ab", ".", "A", "1", "-", " ") },
  { weight: 5, arbitrary: fc.constantFrom("*", "?", "**/", "/**", "/", "/**/") },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      "[ab]",
      "[!a]",
      "[^b]",
      "[a-c]",
      "[]a]",
      "[a-]",
      "[--0]",
      "[[:alpha:]]",
      "[[:upper:]b]",
      "[\\]]",
      "[a",
      "[[:no:]]",
      "[[:a]",
      "[b-a]",
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom("\\*", "\\a", "\\", "\\ ", "\\[", "#", "!") },
);
const pattern = fc
  .tuple(
    fc.constantFrom("", "", "", "!", "/", "!/", "#", "\\#", "\\!"),
    fc.array(piece, { minLength: 1, maxLength: 6 }),
    fc.constantFrom("", "", "", "/", " ", "  "),
  )
  .map(([start, pieces, end]) => `${start}${pieces.join("")}${end}`)
  // git cuts the letters before the first special character off and then takes `x**/` for a leading `**/`, against its own manual.
  .filter((text) => !/[^/*!]\*\*+(\/|\\\/|$)|^!?\/?[^*]*[^/*!]\*\*/.test(text));

describe("ignore rules, beside git check-ignore", () => {
  it("name the same line for every path, whatever the patterns", () => {
    fc.assert(fc.property(fc.array(pattern, { minLength: 1, maxLength: 8 }), expectEqual), { numRuns: RUNS });
  }, 600_000);

  it.each([
    ["a name alone, at any depth", ["a"]],
    ["a name with a slash in front, at the root", ["/fa", "/a"]],
    ["a slash in the middle, from the root", ["d/a", "b1/c"]],
    ["a slash at the end, directories alone", ["c/", "a/"]],
    ["what is taken back", ["*", "!d/", "!d/a"]],
    ["what cannot be taken back from an ignored directory", ["d/", "!d/a"]],
    ["stars between slashes", ["d/**/a", "**/c", "ab.d/**"]],
    ["stars that are not between slashes", ["d/*/a"]],
    ["sets", ["[a-b]", "![!a]", "f[[:alpha:]]"]],
    ["escapes", ["\\*", "a\\]", "f\\-", "\\#", "\\!"]],
    ["spaces at the end", ["a b", "a   ", "b\\ "]],
    ["comments and blank lines", ["# a", "", "   ", "a"]],
    ["lines that end as on Windows", ["a\r", "b\r"]],
  ])("agree on %s", (_, lines) => expectEqual(lines));
});
