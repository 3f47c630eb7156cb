import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  accountStoreConformance,
  blobStoreConformance,
  busConformance,
  hubStoreConformance,
  localTreeConformance,
  replicaStoreConformance,
  type TestRunner,
  transportConformance,
} from "../../src/index.js";

const DOCUMENT = new URL("../../../../docs/reference/testing.md", import.meta.url);

/** Suites, the interface's file, and guarantees that an adapter's own tests have to prove: failures that only its own storage can bring about. */
const SUITES = [
  [blobStoreConformance, "storage/blob-store.ts", ["BS10"]],
  [hubStoreConformance, "metadata/hub-store.ts", []],
  [replicaStoreConformance, "metadata/replica-store.ts", []],
  [accountStoreConformance, "metadata/account-store.ts", []],
  [transportConformance, "transport/transport.ts", []],
  [localTreeConformance, "local/local-tree.ts", []],
  [busConformance, "bus/bus.ts", []],
] as const;

/** The names of a suite's clauses; none is run. */
function clausesOf(suite: (typeof SUITES)[number][0]): string[] {
  const names: string[] = [];
  const runner: TestRunner = { describe: (_title, body) => body(), it: (name) => void names.push(name) };
  const open = (): Promise<never> => Promise.reject(new Error("no clause is run"));
  suite(runner, { open, reopen: open });
  return names;
}

describe.each(SUITES)("%o", (suite, file, others) => {
  const clauses = clausesOf(suite);
  const source = readFileSync(new URL(`../../../core/src/${file}`, import.meta.url), "utf8");
  const guarantees = [...source.matchAll(/^ \* - ([A-Z]{2}\d+) /gm)].map(([, number]) => number);

  it("has a clause for every guarantee of the interface, and none for another", () => {
    const proved = clauses.flatMap((name) => /^(?:[A-Z]{2}\d+ )+/.exec(name)?.[0].trim().split(" ") ?? [`none: ${name}`]);
    expect(new Set([...proved, ...others])).toEqual(new Set(guarantees));
  });

  it("is in the document", () => {
    expect(readFileSync(DOCUMENT, "utf8")).toContain(`| \`${suite.name}\` | `);
  });
});
