import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { writeD1, writeD2, writeD3, writeD4 } from "../data-sets.mjs";
import { assertTwins, namesIn, sizeOf } from "../twins.mjs";

const SCALE = { d1Bytes: 2_500_000, d2: { files: 600, bytes: 6_000_000 }, d3Files: 700, d4Bytes: 1_000_001 };

const temporary = mkdtempSync(join(tmpdir(), "twinfold-bench-test-"));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

function written(name, write) {
  const folder = join(temporary, name);
  mkdirSync(folder);
  write(folder, SCALE);
  return folder;
}

function fileCount(folder) {
  const directories = namesIn(folder);
  return [...directories.values()].flat().length - (directories.size - 1);
}

describe("a data set", () => {
  it.each([
    ["D1", writeD1, 1, SCALE.d1Bytes, 0],
    ["D2", writeD2, SCALE.d2.files, SCALE.d2.bytes, 0.05],
    ["D3", writeD3, SCALE.d3Files, SCALE.d3Files * 2_500, 0.05],
    ["D4", writeD4, 1, SCALE.d4Bytes, 0],
  ])("%s has the size that it is said to have, and is the same each time", (name, write, files, bytes, tolerance) => {
    const [once, again] = [written(`${name}-once`, write), written(`${name}-again`, write)];
    expect(fileCount(once)).toBe(files);
    expect(Math.abs(sizeOf(once) - bytes)).toBeLessThanOrEqual(tolerance * bytes);
    assertTwins(once, again);
  });

  it("D4 can be compressed about as well as a text in a human language, the others not at all", () => {
    const ratio = (bytes) => bytes.length / deflateRawSync(bytes).length;
    const text = ratio(readFileSync(join(temporary, "D4-once/d4.txt")));
    expect(text).toBeGreaterThan(2);
    expect(text).toBeLessThan(5);
    expect(ratio(readFileSync(join(temporary, "D1-once/d1.bin")))).toBeLessThan(1.001);
  });
});
