import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it, vi } from "vitest";
import { compileSearch, hasCompiler } from "../../../scripts/build-search.mjs";
import { createCutWindow } from "../src/chunking/cut-window.js";
import { chunkBytes, type ChunkProfile } from "../src/index.js";

const PROFILE: ChunkProfile = { minBytes: 64, averageBytes: 128, maxBytes: 512, normalization: 2 };
const BYTES = Uint8Array.from({ length: 20_000 }, (_, i) => (i * i * 31 + i * 7) >> 3);

describe("the search's module", () => {
  it("is what its source compiles to", async () => {
    if (!hasCompiler()) {
      if (process.env.CI === "true") throw new Error("the compiler is not installed: run npm ci");
      console.warn("The chunker's module is not compared to its source: run npm ci, which installs the compiler.");
      return;
    }
    const committed = readFileSync(fileURLToPath(new URL("../src/chunking/search-module.ts", import.meta.url)), "utf8");
    expect(committed).toBe(await compileSearch());
  });
});

describe("where there is no WebAssembly", () => {
  it("a window gives the same cuts by TypeScript alone", () => {
    const here = createCutWindow(BYTES.length);
    vi.stubGlobal("WebAssembly", undefined);
    const without = createCutWindow(BYTES.length);
    vi.unstubAllGlobals();
    expect(cutsIn(here)).toEqual(chunkBytes(BYTES, PROFILE));
    expect(cutsIn(without)).toEqual(chunkBytes(BYTES, PROFILE));
  });

  it("nor any allowed, it gives the same cuts too", () => {
    const Refusing = class {
      constructor() {
        throw new EvalError("Refused to compile or instantiate WebAssembly module because of the Content Security Policy");
      }
    };
    vi.stubGlobal("WebAssembly", { Module: Refusing });
    const window = createCutWindow(BYTES.length);
    vi.unstubAllGlobals();
    expect(cutsIn(window)).toEqual(chunkBytes(BYTES, PROFILE));
  });
});

function cutsIn({ bytes, finder }: ReturnType<typeof createCutWindow>): number[] {
  const cuts = finder(PROFILE);
  const lengths: number[] = [];
  bytes.set(BYTES);
  for (let at = 0; at < BYTES.length; at += lengths.at(-1) as number) lengths.push(cuts.find(bytes, at, BYTES.length) ?? BYTES.length - at);
  return lengths;
}
