import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { replay } from "../../src/simulator/replay.js";
import { shippedSut } from "../../src/simulator/sut.js";

const corpus = fileURLToPath(new URL("../../corpus/", import.meta.url));

describe("worlds that once ended badly", () => {
  it.each(readdirSync(corpus).filter((name) => name.endsWith(".json")))("end well: %s", async (name) => {
    const timeline: string[] = [];
    const { violations } = await replay(corpus + name, shippedSut, { print: (line) => void timeline.push(line) });
    expect(violations, timeline.join("\n")).toEqual([]);
  });
});
