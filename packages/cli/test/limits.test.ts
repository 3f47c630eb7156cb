import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseRate } from "../src/network/limits.js";
import { differences } from "./folders.js";
import { seededRandom } from "./seeded-random.js";
import { signedUp, startServer, startTwinfold, temporaryFolder, twinfold } from "./twinfold.js";
import { syncOnce, twins } from "./twins.js";

describe("parseRate", () => {
  it.each([
    ["0", null],
    ["off", null],
    ["OFF", null],
    ["16384", 16_384],
    ["500k", 500 * 1024],
    ["1.5M", 1.5 * 1024 ** 2],
    ["2MB/s", 2 * 1024 ** 2],
    ["1GiB", 1024 ** 3],
  ])("takes %s for %s bytes per second", (text, rate) => expect(parseRate(text)).toBe(rate));

  it.each(["", "-1", "k", "1e6", "fast", "1 M", "1T", "16383", "1k", "0.5"])("refuses %j", (text) => {
    expect(() => parseRate(text)).toThrowError(expect.objectContaining({ code: "ERR_USAGE" }));
  });

  it("reads every number of bytes as itself", () => {
    fc.assert(
      fc.property(fc.integer({ min: 16 * 1024, max: 999_999_999 }), (rate) => {
        expect(parseRate(`${rate}`)).toBe(rate);
      }),
    );
  });
});

describe("limits", () => {
  it("are kept, changed one by one, and shown", async () => {
    const home = await temporaryFolder();
    const limits = async (...args: readonly string[]) => (await twinfold(["limits", ...args, "--json"], { home })).json;
    expect(await limits()).toEqual({ up: null, down: null });
    expect(await limits("--up", "500k")).toEqual({ up: 512_000, down: null });
    expect(await limits("--down", "2M")).toEqual({ up: 512_000, down: 2_097_152 });
    expect(await limits("--up", "off")).toEqual({ up: null, down: 2_097_152 });
    expect(await limits()).toEqual({ up: null, down: 2_097_152 });
    expect(JSON.parse(await readFile(join(home, "limits.json"), "utf8"))).toEqual({ format: 1, up: null, down: 2_097_152 });
    expect((await twinfold(["status", "--json"], { home })).json).toMatchObject({ limits: { up: null, down: 2_097_152 }, throttledMs: 0 });
    await writeFile(join(home, "limits.json"), '{"format":1,"up":"fast"}');
    expect(await limits()).toMatchObject({ error: { code: "ERR_LOCAL_FAILED", message: expect.stringContaining("limits.json") } });
  });

  it.each([["--up"], ["--down"]])("refuse a rate that is none, with %s", async (option) => {
    const { code, json } = await twinfold(["limits", option, "fast", "--json"], { home: await temporaryFolder() });
    expect(code).toBe(2);
    expect(json).toMatchObject({ error: { code: "ERR_USAGE" } });
  });

  it("hold back what a run sends and receives by the time that its bytes take", async () => {
    const { url } = await startServer();
    const [laptop, phone] = await twins(url);
    const sizeBytes = 600_000;
    await writeFile(join(laptop.folder, "a.bin"), seededRandom(5).bytes(sizeBytes));
    // What the bytes beyond a burst and a slice take at the least: a busy machine can only take longer.
    const leastMs = ((sizeBytes - 0.35 * 262_144) / 262_144) * 1_000;
    const up = await syncOnce(laptop, "--limit-up", "256k");
    expect(up.json).toMatchObject({ inSync: true, filesUploaded: 1 });
    const down = await syncOnce(phone, "--limit-down", "256k");
    expect(down.json).toMatchObject({ inSync: true, filesDownloaded: 1 });
    for (const { json } of [up, down]) expect(json.durationMs).toBeGreaterThanOrEqual(leastMs);
    for (const { json } of [up, down]) expect(json.throttledMs).toBeGreaterThan(0);
    expect(await differences(laptop.folder, phone.folder)).toEqual([]);

    await writeFile(join(laptop.folder, "b.bin"), seededRandom(6).bytes(sizeBytes));
    expect((await syncOnce(laptop)).json).toMatchObject({ inSync: true, throttledMs: 0 });
  }, 180_000);

  it("come over a running sync at once, which no other command's options change", async () => {
    const { url } = await startServer();
    const home = await signedUp(url);
    const folder = await temporaryFolder();
    await twinfold(["link", folder, "--workspace", "w"], { home });
    const running = startTwinfold(["sync", "--limit-down", "1M", "--json"], { home });
    await running.line((line) => line.includes("link:followed"));
    const status = async () => (await twinfold(["status", "--json"], { home })).json;
    expect(await status()).toMatchObject({ running: true, limits: { up: null, down: 1_048_576 } });
    expect((await twinfold(["limits", "--up", "64k", "--json"], { home })).json).toEqual({ up: 65_536, down: null });
    expect(await status()).toMatchObject({ running: true, limits: { up: 65_536, down: 1_048_576 } });

    await writeFile(join(folder, "a.bin"), seededRandom(7).bytes(100_000));
    await running.line((line) => line.includes("file:uploaded"));
    expect((await status()).throttledMs).toBeGreaterThan(0);
    const refused = await twinfold(["sync", folder, "--once", "--limit-up", "off", "--json"], { home });
    expect(refused).toMatchObject({ code: 1, json: { error: { code: "ERR_IN_USE", message: expect.stringContaining("twinfold limits") } } });
    expect((await twinfold(["limits", "--up", "off", "--json"], { home })).json).toEqual({ up: null, down: null });
    expect(await status()).toMatchObject({ limits: { up: null, down: 1_048_576 } });
  });
});
