import { existsSync, readFileSync, writeFileSync } from "node:fs";
import ts from "typescript";
import { expect, it } from "vitest";
import { ATTACK_INCIDENTS } from "./attack-incidents.js";
import type { Incident } from "./incident.js";
import { SERVER_INCIDENTS } from "./server-incidents.js";
import { SYNC_INCIDENTS } from "./sync-incidents.js";

const REPOSITORY = new URL("../../../../", import.meta.url);
const PAGE = new URL("docs/explanation/incidents.md", REPOSITORY);
const ALL = [...SYNC_INCIDENTS, ...SERVER_INCIDENTS, ...ATTACK_INCIDENTS];

const INTRODUCTION = `# What has gone wrong elsewhere

Products that keep folders in step have lost people's files, and told of it in public. This page goes through those reports and attacks, one by one: what happened, what is done about it here, and which tests prove it. Where something does not
hold yet, or does not apply yet, it says so.

The page is written from \`packages/testing/test/incidents\`, by \`UPDATE_DOCS=1 npx vitest run --project testing test/incidents/incidents\`. A test fails when the page is not what is written there, or when one of the tests that are named is no longer in its file.`;

/** Titles of tests in a file, with `…` where they differ from case to case; of a conformance suite its clauses. */
function titlesIn(file: string): ReadonlySet<string> {
  const source = ts.createSourceFile(file, readFileSync(new URL(file, REPOSITORY), "utf8"), ts.ScriptTarget.Latest);
  const titles = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && /^(it|test)(\.(each|runIf|skipIf)\b|$)/.test(node.expression.getText(source))) {
      const [title] = node.arguments;
      if (title !== undefined && ts.isStringLiteralLike(title)) titles.add(title.text);
      else if (title !== undefined && ts.isTemplateExpression(title))
        titles.add([title.head.text, ...title.templateSpans.map(({ literal }) => literal.text)].join("…"));
    }
    if (file.endsWith("-conformance.ts") && ts.isPropertyAssignment(node) && ts.isStringLiteral(node.name)) titles.add(node.name.text);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return titles;
}

function shown({ number, what, reported, here, proofs, open }: Incident): string {
  const tests = proofs.map(([file, title]) => `  - [${file}](../../${file}): ${title}`);
  return [
    `**${number}.** ${what}. (${reported})`,
    `- Here: ${here}.`,
    ...(tests.length > 0 ? ["- Proved by:", ...tests] : []),
    ...(open === undefined ? [] : [`- Left open: ${open}.`]),
  ].join("\n");
}

function generated(): string {
  const section = (title: string, incidents: readonly Incident[]) => [`## ${title}`, ...incidents.map(shown)];
  const proved = ALL.filter(({ proofs }) => proofs.length > 0).length;
  return `${[
    INTRODUCTION,
    `${ALL.length} reports; tests answer ${proved}; of ${ALL.filter(({ open }) => open !== undefined).length} something is left open.`,
    ...section("Between a folder and its server", SYNC_INCIDENTS),
    ...section("On servers and in stores", SERVER_INCIDENTS),
    ...section("Attacks on a device", ATTACK_INCIDENTS),
  ].join("\n\n")}\n`;
}

it("is what docs/explanation/incidents.md shows (written anew with UPDATE_DOCS=1)", () => {
  if (process.env.UPDATE_DOCS === "1") writeFileSync(PAGE, generated());
  else expect(readFileSync(PAGE, "utf8")).toBe(generated());
});

it("names only tests that are there, and leaves no report without a test or a reason", () => {
  const known = new Map<string, ReadonlySet<string>>();
  for (const { number, proofs, open } of ALL) {
    expect(proofs.length > 0 || open !== undefined, `report ${number}`).toBe(true);
    for (const [file, title] of proofs) {
      expect(existsSync(new URL(file, REPOSITORY)), `report ${number}: ${file} is there`).toBe(true);
      const titles = known.get(file) ?? titlesIn(file);
      known.set(file, titles);
      expect(titles.has(title), `report ${number}: ${file} has a test called ${JSON.stringify(title)}`).toBe(true);
    }
  }
});

it("goes through every report once, in order", () => {
  const expected = [...Array.from({ length: 50 }, (_, at) => at + 1), ...Array.from({ length: 9 }, (_, at) => at + 63)];
  expect(ALL.map(({ number }) => number)).toEqual(expected);
});
