import { createNodeEnv } from "@twinfold/adapter-fs";
import { nobleSha256 } from "@twinfold/core";
import { describe, expect, it } from "vitest";

describe("createNodeEnv", () => {
  it("hashes as the published algorithm does, into an array of its own", () => {
    const { sha256 } = createNodeEnv();
    for (const length of [0, 1, 63, 64, 65, 70_000]) {
      const bytes = new Uint8Array(length).fill(7);
      expect(sha256(bytes)).toEqual(nobleSha256(bytes));
      expect(sha256(bytes).buffer.byteLength).toBe(32);
    }
  });

  it("ends a sleep with the signal's own reason", async () => {
    const reason = new Error("enough");
    const controller = new AbortController();
    const sleeping = createNodeEnv().sleep(1_000_000, controller.signal);
    controller.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
    await expect(createNodeEnv().sleep(1_000_000, AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  it("keeps the boot's id for as long as the machine runs", () => {
    expect(createNodeEnv().bootId).toBe(createNodeEnv().bootId);
    expect(createNodeEnv().bootId).not.toBe("");
  });
});
