import { readFileSync, writeFileSync } from "node:fs";
import { COLLISIONS, POLICY } from "@twinfold/core";
import { expect, it } from "vitest";
import { SITUATIONS } from "../replica/situations.js";

const PAGE = new URL("../../../../docs/reference/semantics.md", import.meta.url);
const [START, END] = ["<!-- from the code: start -->", "<!-- from the code: end -->"];

/** The policy as the docs show it. */
function generated(): string {
  const sides = ["unchanged", "modified", "deleted"] as const;
  return [
    "| here ↓ · at the hub → | unchanged | modified | deleted |",
    "| --- | --- | --- | --- |",
    ...sides.map((here) => `| **${here}** | ${sides.map((there) => POLICY[here][there]).join(" | ")} |`),
    "",
    "| what collides | what happens |",
    "| --- | --- |",
    ...Object.entries(COLLISIONS).map(([what, outcome]) => `| ${what} | ${outcome} |`),
    "",
    "| what people do | what happens |",
    "| --- | --- |",
    ...SITUATIONS.map(({ situation, outcome }) => `| ${situation} | ${outcome} |`),
  ].join("\n");
}

it("is what docs/reference/semantics.md shows (written anew with UPDATE_DOCS=1)", () => {
  const page = readFileSync(PAGE, "utf8");
  const [before = "", rest = ""] = page.split(START);
  const [shown = "", after = ""] = rest.split(END);
  if (process.env.UPDATE_DOCS === "1") writeFileSync(PAGE, `${before}${START}\n\n${generated()}\n\n${END}${after}`);
  else expect(shown.trim()).toBe(generated());
});
