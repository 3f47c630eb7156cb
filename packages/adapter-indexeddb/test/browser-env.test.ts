import { expect, it } from "vitest";
import { createBrowserEnv } from "../src/index.js";

const env = createBrowserEnv();

it("gives more random bytes than the browser does at once", () => {
  const bytes = env.randomBytes(200_000);
  expect(bytes.length).toBe(200_000);
  for (const at of [0, 65_536, 131_072, 196_608]) expect(new Set(bytes.subarray(at, at + 1_000)).size).toBeGreaterThan(100);
});

it("hashes as FIPS 180-4 says", () => {
  const digest = env.sha256(new TextEncoder().encode("abc"));
  expect([...digest.subarray(0, 4)]).toEqual([0xba, 0x78, 0x16, 0xbf]);
});

it("sleeps until its time or until the signal aborts, with the signal's own reason", async () => {
  await env.sleep(1);
  await env.sleep(1, new AbortController().signal);
  const reason = new Error("stop");
  const controller = new AbortController();
  const sleeping = env.sleep(3_600_000, controller.signal);
  controller.abort(reason);
  await expect(sleeping).rejects.toBe(reason);
  await expect(env.sleep(3_600_000, controller.signal)).rejects.toBe(reason);
});

it("takes each page load for a boot of its own", () => {
  expect(createBrowserEnv().bootId).not.toBe(env.bootId);
});
